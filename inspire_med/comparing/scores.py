"""Scores: what the jobs scored, brought together case by case."""

import csv
import io
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from inspire_med.comparing.job import Job
from inspire_med.evaluation.scores import Summaries, Table, table_of_csv
from inspire_med.evaluation.statistics.summary import Summary
from inspire_med.files import read_json


@dataclass(frozen=True)
class Spread:
    """How the mean over cases of one measure of one region differs from seed to seed.

    Attributes:
        by_seed: That mean by seed, over the cases where the measure is defined; None without any.
        sd: Standard deviation over seeds, with n - 1; None for one seed, or where a mean is None.
    """

    by_seed: dict[int, float | None]
    sd: float | None


def scores_of(job: Job) -> Table:
    """A job's scores."""
    return table_of_csv((job.scores / "scores.csv").read_text())


def by_seed(jobs: Sequence[Job]) -> dict[int, Table]:
    """The scores of one network's jobs, the folds of a seed brought together."""
    found: dict[int, Table] = {}
    for job in jobs:
        whole = found.setdefault(job.seed, {})
        for region, measures in scores_of(job).items():
            for measure, cases in measures.items():
                whole.setdefault(region, {}).setdefault(measure, {}).update(cases)
    return found


def mean_over_seeds(tables: Sequence[Table]) -> Table:
    """Each case's mean over seeds; undefined where it is undefined for any seed.

    A network that misses a case's region with one seed in three has no distance there: the mean of
    the other two would hide it.
    """
    first = tables[0]
    return {
        region: {
            measure: {
                case: _mean([table[region][measure][case] for table in tables]) for case in cases
            }
            for measure, cases in measures.items()
        }
        for region, measures in first.items()
    }


def spread(tables: dict[int, Table], region: str, measure: str) -> Spread:
    """From seed to seed."""
    means: dict[int, float | None] = {}
    for seed, table in tables.items():
        defined = [value for value in table[region][measure].values() if math.isfinite(value)]
        means[seed] = statistics.fmean(defined) if defined else None
    known = [mean for mean in means.values() if mean is not None]
    several = len(known) == len(means) > 1
    return Spread(means, statistics.stdev(known) if several else None)


def whole_set_means(jobs: Sequence[Job]) -> Summaries:
    """Means over jobs of the measures that have no value a case, as the maximum of a mean curve.

    Undefined where it is undefined for any job. The cases of a summary are those of all jobs, each
    once.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for job in jobs:
        table = scores_of(job)
        for region, measures in read_json(job.scores / "scores.json")["summary"].items():
            for name, summary in measures.items():
                if name not in table.get(region, {}):
                    mean = math.nan if summary["mean"] is None else summary["mean"]
                    found.setdefault(region, {}).setdefault(name, []).append(mean)
    cases = len({case.id for job in jobs for case in job.cases})
    return {
        region: {name: _of_whole_set(values, cases) for name, values in measures.items()}
        for region, measures in found.items()
    }


def _of_whole_set(values: Sequence[float], cases: int) -> Summary:
    mean = _mean(values)
    if math.isnan(mean):
        return Summary(None, None, None, None, 0, cases)
    return Summary(mean, None, None, None, cases, 0)


def as_csv(jobs: Iterable[Job]) -> str:
    """Every score of every job, one row each; undefined values are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["variant", "seed", "fold", "case", "region", "measure", "value"])
    for job in jobs:
        rows = csv.reader(io.StringIO((job.scores / "scores.csv").read_text()))
        next(rows)  # its own head
        writer.writerows([job.variant, job.seed, job.fold, *row] for row in rows)
    return text.getvalue()


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if all(map(math.isfinite, values)) else math.nan
