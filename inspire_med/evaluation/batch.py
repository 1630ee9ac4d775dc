"""Batch: many cases scored side by side, each worker holding one case at a time."""

import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inspire_med.errors import InputError
from inspire_med.evaluation.case import Regions, Score, score_maps
from inspire_med.evaluation.masks import read_label_map


@dataclass(frozen=True)
class Rules:
    """What is the same for every case of a batch; the fields are those of `score_maps`."""

    protocol: str
    regions: Regions
    background: tuple[int, ...] = (0,)
    ignore_affine: bool = False


@dataclass(frozen=True)
class CaseScores:
    """The scores of one case, and what its readers had to decide (a sentence each)."""

    case: str
    scores: tuple[Score, ...]
    notes: tuple[str, ...]


def score_case(case: str, reference: Path, prediction: Path, rules: Rules) -> CaseScores:
    """Read and score one case; errors of the input name the case's files."""
    truth, answer = read_label_map(reference), read_label_map(prediction)
    scores = score_maps(
        truth,
        answer,
        rules.protocol,
        regions=rules.regions,
        background=rules.background,
        ignore_affine=rules.ignore_affine,
    )
    return CaseScores(
        case, tuple(scores), tuple(each.note for each in (truth, answer) if each.note)
    )


def score_batch(
    pairs: Mapping[str, tuple[Path, Path]],
    rules: Rules,
    *,
    workers: int,
    on_done: Callable[[], None],
) -> list[CaseScores]:
    """Score all pairs, in the order of `pairs`, with up to `workers` processes.

    The first error of the input stops the batch. One worker means this very process.
    """
    if workers <= 1 or len(pairs) <= 1:
        done: list[CaseScores] = []
        for case, (reference, prediction) in pairs.items():
            done.append(score_case(case, reference, prediction, rules))
            on_done()
        return done
    # spawn: the same on every system, and safe whatever threads the caller has running
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(pairs)), mp_context=context) as pool:
        waiting = [pool.submit(score_case, case, *files, rules) for case, files in pairs.items()]
        _drain(waiting, on_done)
        return [future.result() for future in waiting]


def found_labels(paths: Sequence[Path]) -> tuple[int, ...]:
    """Label values other than 0 that occur in any of these masks, rising."""
    found: set[int] = set()
    for path in paths:
        found |= {int(value) for value in np.unique(read_label_map(path).labels)}
    return tuple(sorted(found - {0}))


def _drain(waiting: list[Future[CaseScores]], on_done: Callable[[], None]) -> None:
    try:
        for future in as_completed(waiting):
            future.result()
            on_done()
    except (InputError, KeyboardInterrupt):
        for future in waiting:
            future.cancel()
        raise
