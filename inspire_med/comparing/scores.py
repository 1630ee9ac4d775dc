"""Scores: what the jobs scored, brought together in one table."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from inspire_med.comparing.job import Job
from inspire_med.evaluation import scores as score_tables
from inspire_med.evaluation.scores import Summaries
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


def scores_of(jobs: Sequence[Job]) -> pd.DataFrame:
    """A row a method, seed, fold, case, region and measure: every score of every job."""
    tables = {
        (job.variant, job.seed, job.fold): score_tables.read_csv(job.scores / "scores.csv")
        for job in jobs
    }
    ours = ["method", "seed", "fold"]
    return pd.concat(tables, names=ours).reset_index(ours).reset_index(drop=True)


def mean_over_seeds(scores: pd.DataFrame) -> pd.DataFrame:
    """Each case's mean over seeds; undefined where it is undefined for any seed.

    A network that misses a case's region with one seed in three has no distance there: the mean of
    the other two would hide it.
    """
    by_case = scores.groupby(["method", "case", "region", "measure"], sort=False)
    return by_case["value"].agg(_mean).reset_index()


def spreads(scores: pd.DataFrame) -> dict[str, dict[str, Spread]]:
    """`spreads[region][measure]` of one method, from seed to seed."""
    found: dict[str, dict[str, Spread]] = {}
    for (region, measure), rows in scores.groupby(["region", "measure"], sort=False):
        means = {
            int(seed): _mean_of_defined(rows.loc[rows["seed"] == seed, "value"])
            for seed in rows["seed"].unique()
        }
        known = [mean for mean in means.values() if mean is not None]
        several = len(known) == len(means) > 1
        spread = Spread(means, statistics.stdev(known) if several else None)
        found.setdefault(str(region), {})[str(measure)] = spread
    return found


def whole_set_means(jobs: Sequence[Job], scores: pd.DataFrame) -> Summaries:
    """Means over jobs of the measures that have no value a case, as the maximum of a mean curve.

    Undefined where it is undefined for any job. The cases of a summary are those of all jobs, each
    once.

    Args:
        jobs: Those of one method.
        scores: Theirs.
    """
    by_case = {*zip(scores["region"], scores["measure"], strict=True)}
    values: dict[tuple[str, str], list[float]] = {}
    for job in jobs:
        for region, measures in read_json(job.scores / "scores.json")["summary"].items():
            for name in measures:
                if (region, name) not in by_case:
                    mean = measures[name]["mean"]
                    values.setdefault((region, name), []).append(math.nan if mean is None else mean)
    cases = scores["case"].nunique()
    found: Summaries = {}
    for (region, name), of_jobs in values.items():
        found.setdefault(region, {})[name] = _of_whole_set(of_jobs, cases)
    return found


def as_csv(scores: pd.DataFrame) -> str:
    """Every score of every job, one row each; undefined values are empty."""
    return score_tables.as_csv(scores.rename(columns={"method": "variant"}))


def _of_whole_set(values: Sequence[float], cases: int) -> Summary:
    mean = _mean(values)
    if math.isnan(mean):
        return Summary(None, None, None, None, 0, cases)
    return Summary(mean, None, None, None, cases, 0)


def _mean(values: Any) -> float:
    return statistics.fmean(values) if all(map(math.isfinite, values)) else math.nan


def _mean_of_defined(values: Any) -> float | None:
    defined = [value for value in values if math.isfinite(value)]
    return statistics.fmean(defined) if defined else None
