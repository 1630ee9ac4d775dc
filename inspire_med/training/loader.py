"""Loader: batches from worker processes, and a clear word when one of them dies."""

import atexit
import os
import re
import sys
from collections.abc import Iterator
from functools import partial
from threading import Thread
from traceback import clear_frames
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate, get_worker_info

from inspire_med.cases.patches import TrainingSamples
from inspire_med.errors import InputError
from inspire_med.training.stopping import leave_signals_to_parent
from inspire_med.workers import without_main


class BatchLoader:
    """Batches of one rank, from a step on, without end.

    The batch of step s holds the samples s b ... s b + b - 1; rank r of w takes every w-th from the
    r-th on. A sample is a pure function of seed and number, so neither the workers nor the ranks
    nor a restart change what a step sees.

    Args:
        samples: The samples.
        batch_size: b, over all ranks.
        first_step: Step that the first batch is for.
        workers: Processes that prepare samples; 0 prepares them here.
        rank: r.
        world: w.
        pin_memory: Prepare batches for a GPU.
    """

    def __init__(
        self,
        samples: TrainingSamples,
        *,
        batch_size: int,
        first_step: int,
        workers: int,
        rank: int = 0,
        world: int = 1,
        pin_memory: bool = False,
    ) -> None:
        self._samples = samples
        # Which process is at which sample; shared memory, so that it outlives the process.
        self._board = torch.zeros(max(workers, 1), 2, dtype=torch.int64).share_memory_()
        self._closing = torch.zeros(1, dtype=torch.int64).share_memory_()
        loader = DataLoader(
            _Watched(samples, self._board),
            batch_sampler=_Batches(first_step, batch_size, rank, world),
            num_workers=workers,
            pin_memory=pin_memory,
            collate_fn=_collated,
            worker_init_fn=partial(_begin_worker, self._closing),
        )
        # Python ends what is left at its own end by a signal that workers do not hear before.
        atexit.register(self.close)
        self._batches: Iterator[dict[str, Any]] = iter(())
        try:
            with without_main():
                self._batches = iter(loader)
        except (OSError, RuntimeError) as error:  # there is no room for so many
            self._give_up(error)
            raise

    def next(self) -> dict[str, Any]:
        """The next batch: "image", "target", "id" and "k".

        Raises:
            InputError: If a case's file is broken, in the words of whoever found it.
        """
        try:
            return next(self._batches)
        except RuntimeError as error:
            self._give_up(error)
            raise
        except InputError as error:
            self._give_up(error)
            # From a worker the message comes inside of its traceback, as the last line.
            raise InputError(
                str(error).strip().splitlines()[-1].split("InputError: ")[-1]
            ) from None

    def close(self) -> None:
        """End the workers."""
        atexit.unregister(self.close)
        self._closing.fill_(1)
        self._batches = iter(())

    def _give_up(self, error: Exception) -> None:
        """End the workers although the error's frames hold on to torch's iterator.

        Until it goes, torch raises what became of a dead worker anew, in whatever runs when another
        process ends; and as it goes, it complains of what it had not made yet.
        """
        self.close()
        before = sys.unraisablehook
        sys.unraisablehook = lambda unraisable: None
        try:
            clear_frames(error.__traceback__)
        finally:
            sys.unraisablehook = before

    def explain(self, error: RuntimeError) -> InputError | None:
        """What to say if the error is a worker's death; torch names its process, we its case."""
        found = re.search(r"DataLoader worker \(pid(?:\(s\))? (\d+)", str(error))
        if found is None:
            return None
        at = [k for process, k in self._board.tolist() if process == int(found[1])]
        case = self._samples.case(at[0]).id if at else "?"
        cause = re.search(r"killed by signal: (\w+)", str(error))
        how = f"was ended from outside ({cause[1]})" if cause else "ended without a word"
        why = "memory runs out or the system refuses another process"
        todo = "lower --data.workers or --data.patch_size"
        if cause is not None and cause[1] == "Bus":
            why = "shared memory is too small"
            todo = "enlarge it (docker run --shm-size 8g) or pass --data.workers 0"
        return InputError(
            f"{case}: the process that prepared this case {how}, as happens when {why}; {todo} "
            "and give the same command again."
        )


def _begin_worker(closing: Tensor, worker: int) -> None:
    """Leave signals to the parent; end at once, without a word, where no thread is to be had.

    A worker hands its batches over by a thread; one that it cannot start shows a traceback.
    """
    leave_signals_to_parent(closing, worker)
    try:
        Thread(target=int).start()
    except RuntimeError:
        os._exit(1)


def _collated(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """One batch of samples; of a worker it lies in shared memory already.

    Left to the thread that hands it over, a lack of room there would be known to that thread alone,
    and the batch waited for without end.
    """
    batch = default_collate(samples)
    if get_worker_info() is None:
        return batch
    return {k: v.share_memory_() if isinstance(v, Tensor) else v for k, v in batch.items()}


class _Watched(Dataset[dict[str, Any]]):
    """The same samples; notes on the board which process is at which."""

    def __init__(self, samples: TrainingSamples, board: Tensor) -> None:
        self._samples = samples
        self._board = board

    def __getitem__(self, k: int) -> dict[str, Any]:
        info = get_worker_info()
        row = self._board[0 if info is None else info.id]
        row[0], row[1] = os.getpid(), k
        try:
            return self._samples[k]
        except InputError:
            raise
        except Exception as error:
            raise RuntimeError(f"case {self._samples.case(k).id}, sample {k}: {error}") from error


class _Batches:
    """One rank's share of consecutive sample numbers, for ever."""

    def __init__(self, first_step: int, batch_size: int, rank: int, world: int) -> None:
        self._first = first_step * batch_size
        self._batch_size = batch_size
        self._rank = rank
        self._world = world

    def __iter__(self) -> Iterator[list[int]]:
        for first in range(self._first, sys.maxsize, self._batch_size):
            yield list(range(first + self._rank, first + self._batch_size, self._world))
