"""Batch: many cases scored side by side, each worker holding one case at a time."""

import multiprocessing
import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from inspire_med.evaluation.case import known_values, regions_under, score_maps
from inspire_med.evaluation.grey_case import score_picture
from inspire_med.evaluation.map_scores import add_map_scores
from inspire_med.evaluation.measures.calibration import calibration_scores
from inspire_med.evaluation.protocols import MaskProtocol, PictureProtocol, protocol
from inspire_med.evaluation.result import CaseScores
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.masks import Regions
from inspire_med.imaging.resample import on_grid_of
from inspire_med.workers import without_main

Item = TypeVar("Item")
Result = TypeVar("Result")


class Job(NamedTuple):
    """The files of one case; probabilities where they are scored beside the mask."""

    case: str
    reference: Path
    prediction: Path
    probabilities: Path | None = None


@dataclass(frozen=True)
class Rules:
    """What is the same for every case of a batch; most fields are those of `score_maps`.

    What the references hold as `ignore` is not scored.
    """

    protocol: str
    regions: Regions
    background: tuple[int, ...] = (0,)
    ignore: int | None = None
    ignore_affine: bool = False
    resample: bool = False
    calibration: bool = False


def usable_cores() -> int:
    """Cores this process may run on, fewer than the machine's under a scheduler."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def score_batch(
    jobs: Sequence[Job], rules: Rules, *, workers: int, on_done: Callable[[], None]
) -> list[CaseScores]:
    """Score all jobs, in their order, with up to `workers` processes.

    The first error stops the batch.
    """
    return map_cases(partial(score_case, rules), jobs, workers, on_done)


def found_labels(
    paths: Sequence[Path],
    values: Collection[int] | None,
    *,
    workers: int,
    on_done: Callable[[], None],
) -> tuple[int, ...]:
    """Label values other than 0 that occur in any of these masks, rising.

    Args:
        paths: The masks.
        values: What is expected in them, as `read_labels` takes it.
        workers: Processes.
        on_done: Called after each.
    """
    found = frozenset[int]().union(*map_cases(partial(_labels_of, values), paths, workers, on_done))
    return tuple(sorted(found - {0}))


def score_case(rules: Rules, job: Job) -> CaseScores:
    """Read and score one case; errors of the input name the case's files."""
    chosen = protocol(rules.protocol)
    if isinstance(chosen, PictureProtocol):
        return score_picture(job.case, job.reference, job.prediction, chosen)
    assert isinstance(chosen, MaskProtocol)
    regions = regions_under(chosen, rules.regions)
    values = known_values(regions, rules.background)
    reference = read_labels(job.reference, values, rules.ignore)
    prediction = read_labels(job.prediction, values)
    if rules.resample:
        prediction = on_grid_of(reference, prediction)
    results = score_maps(
        reference,
        prediction,
        chosen,
        regions=regions,
        background=rules.background,
        ignore_affine=rules.ignore_affine,
    )
    of_maps = [chosen.score_map, calibration_scores if rules.calibration else None]
    for score in filter(None, of_maps):
        assert job.probabilities is not None
        results = add_map_scores(
            results,
            reference,
            job.probabilities,
            rules.regions,
            score,
            ignore_affine=rules.ignore_affine,
        )
    return CaseScores(
        job.case, results, tuple(each.note for each in (reference, prediction) if each.note)
    )


def _labels_of(values: Collection[int] | None, path: Path) -> frozenset[int]:
    return read_labels(path, values).values


def map_cases(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    on_done: Callable[[], None],
) -> list[Result]:
    """Results in the order of `items`; one worker means this very process."""
    if workers <= 1 or len(items) <= 1:
        done: list[Result] = []
        for item in items:
            done.append(work(item))
            on_done()
        return done
    # spawn: the same on every system, and safe whatever threads the caller has running
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(items)), mp_context=context) as pool:
        with without_main():
            waiting = [pool.submit(work, item) for item in items]
        _watch(waiting, on_done)
        return [future.result() for future in waiting]


def _watch(waiting: Sequence[Future[Result]], on_done: Callable[[], None]) -> None:
    try:
        for future in as_completed(waiting):
            future.result()
            on_done()
    except BaseException:  # whatever it was, what has not begun need not begin
        for future in waiting:
            future.cancel()
        raise
