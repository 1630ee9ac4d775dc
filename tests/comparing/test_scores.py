import csv
import io
import json
import math
from dataclasses import replace

import pandas as pd

from inspire_med.comparing.scores import (
    as_csv,
    mean_over_seeds,
    scores_of,
    spreads,
    whole_set_means,
)


def trained(*seeds):
    """Scores of one network, a table `{measure: {case: value}}` a seed."""
    rows = [
        ("concat", seed, 0, case, "WT", measure, value)
        for seed, measures in enumerate(seeds)
        for measure, cases in measures.items()
        for case, value in cases.items()
    ]
    columns = ["method", "seed", "fold", "case", "region", "measure", "value"]
    return pd.DataFrame(rows, columns=columns)


FIRST = {"dice": {"a": 0.5, "b": 0.9}, "hd95_mm": {"a": 2.0, "b": math.nan}}
SECOND = {"dice": {"a": 0.7, "b": 1.0}, "hd95_mm": {"a": 4.0, "b": 3.0}}


def test_a_cases_value_is_its_mean_over_seeds_and_what_one_misses_has_none():
    mean = mean_over_seeds(trained(FIRST, SECOND)).set_index(["measure", "case"])["value"]

    assert list(mean["dice"].items()) == [("a", 0.6), ("b", 0.95)]
    assert mean["hd95_mm", "a"] == 3.0
    assert math.isnan(mean["hd95_mm", "b"])


def test_the_spread_is_over_the_means_of_the_seeds():
    found = spreads(trained(FIRST, SECOND))["WT"]["dice"]

    assert found.by_seed == {0: 0.7, 1: 0.85}
    assert math.isclose(
        found.sd, 0.15 / math.sqrt(2)
    )  # of two values: half their distance times √2


def test_one_seed_has_no_spread():
    assert spreads(trained(FIRST))["WT"]["dice"].sd is None


def test_a_seed_without_any_value_leaves_no_spread():
    nothing = {"dice": {"a": math.nan, "b": math.inf}}

    found = spreads(trained({"dice": FIRST["dice"]}, nothing))["WT"]["dice"]

    assert found.by_seed == {0: 0.7, 1: None}
    assert found.sd is None


def test_the_folds_of_a_seed_stand_in_one_table(schedule, finish):
    whole = replace(schedule, config=replace(schedule.config, fold="each"))
    jobs = [job for job in whole.jobs() if job.variant == "concat"]
    for job in jobs:
        finish(job, 0.5 + 0.1 * job.fold + 0.01 * job.seed)

    dice = scores_of(jobs).query("measure == 'dice' and seed == 1")

    assert set(dice["case"]) == {case.id for case in schedule.manifest.cases}
    assert set(zip(dice["fold"], dice["value"].round(2), strict=True)) == {(0, 0.51), (1, 0.61)}


def test_measures_of_the_whole_set_are_averaged_over_jobs(schedule, finish):
    jobs = [job for job in schedule.jobs() if job.variant == "concat"]
    for job in jobs:
        finish(job, 0.5 + 0.1 * job.seed)

    found = whole_set_means(jobs, scores_of(jobs))

    assert list(found["polyp"]) == ["max_dice"]  # dice has a value a case
    assert math.isclose(found["polyp"]["max_dice"].mean, 0.65)
    assert found["polyp"]["max_dice"].n == len(jobs[0].cases)  # both seeds predict the same


def test_of_all_folds_the_whole_set_is_every_case(schedule, finish):
    whole = replace(schedule, config=replace(schedule.config, fold="each"))
    jobs = [job for job in whole.jobs() if job.variant == "concat"]
    for job in jobs:
        finish(job, 0.5)

    assert whole_set_means(jobs, scores_of(jobs))["polyp"]["max_dice"].n == len(
        schedule.manifest.cases
    )


def test_what_one_job_lacks_the_whole_set_lacks(schedule, finish):
    jobs = [job for job in schedule.jobs() if job.variant == "concat"]
    for job in jobs:
        finish(job, 0.5)
    file = jobs[1].scores / "scores.json"
    scores = json.loads(file.read_text())
    scores["summary"]["polyp"]["max_dice"]["mean"] = None
    file.write_text(json.dumps(scores))

    found = whole_set_means(jobs, scores_of(jobs))["polyp"]["max_dice"]

    assert (found.mean, found.n, found.n_undefined) == (None, 0, len(jobs[0].cases))


def test_every_score_of_every_job_is_a_row(schedule, finish):
    jobs = schedule.jobs()
    for job in jobs:
        finish(job, 0.5, hd95="")

    rows = list(csv.DictReader(io.StringIO(as_csv(scores_of(jobs)))))

    assert len(rows) == len(jobs) * len(jobs[0].cases) * 2
    case = jobs[0].cases[0].id
    shown = {"seed": "0", "fold": "0", "case": case, "region": "polyp"}
    assert rows[0] == {"variant": "concat", **shown, "measure": "dice", "value": "0.5"}
    assert rows[1]["value"] == ""
