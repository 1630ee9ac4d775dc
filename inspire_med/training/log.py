"""Log: what a run tells while it runs: `log.jsonl`, a progress line, curves on trackers."""

import itertools
import json
import os
import resource
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as ProgressBar

from inspire_med.errors import InputError
from inspire_med.files import atomic_path, write_text
from inspire_med.training.state import Progress
from inspire_med.training.trackers import Tracker

_CURVES = ("loss", "lr", "step_s", "data_wait_s")
_COLUMNS = 78  # of 80: `compare` sets the lines of its trainings in by two
_LINE_EVERY_S = 30.0  # without a terminal (a cluster's log file), one line in this many seconds


class Log:
    """What a run tells while it runs; this one keeps it to itself, as every rank but 0 does."""

    def __enter__(self) -> "Log":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(failed=kind is not None)

    def close(self, *, failed: bool) -> None:
        """End it."""

    def step(self, record: Mapping[str, Any], spent: float, left_s: float) -> None:
        """Note one step: its record, the share of the budget spent, and the seconds left."""

    def validating(self, step: int, case: int, cases: int) -> None:
        """Show which case, from 1, of how many is validated after which step."""

    def validation(self, record: Mapping[str, Any]) -> None:
        """Note one validation: `step`, `dice` by region, `mean_dice`, `n`, `seconds`."""

    def picture(self, name: str, figure: Figure, step: int) -> None:
        """Keep and show a sample picture."""

    def say(self, text: str) -> None:
        """One line for the person who watches."""

    def keep(self) -> None:
        """Bring what was noted to the disk: no checkpoint may be ahead of its log."""


class RunLog(Log):
    """Writes one JSON object a step or validation, shows progress, and tells the trackers.

    Args:
        run: The run folder; `log.jsonl` and `samples/` are made in it.
        progress: Where the run goes on from. Lines of the log that are later, written by a session
            that died before its next checkpoint, are taken out.
        trackers: Where the curves are shown; closed with the log.
    """

    def __init__(self, run: Path, progress: Progress, trackers: Sequence[Tracker]) -> None:
        self._run = run
        last = {"step": progress.step, "validation": progress.validated_step}
        _drop_lines_after(run / "log.jsonl", last)
        self._file = (run / "log.jsonl").open("a", buffering=1)
        self._trackers = list(trackers)
        self._console = Console(stderr=True)
        self._bar = ProgressBar(
            TextColumn("{task.fields[text]}"),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:3.0f}%"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("train", total=1.0, text="")
        self._bar.start()
        self._last_line = 0.0
        self._dice: list[str] = []

    def close(self, *, failed: bool) -> None:
        """Close the log and the trackers."""
        self._bar.stop()
        with suppress(OSError):  # of a full disk, which the last line has told
            self._file.close()
        self._tell(lambda tracker: tracker.close(failed=failed))

    def step(self, record: Mapping[str, Any], spent: float, left_s: float) -> None:
        """Note one step: its record, the share of the budget spent, and the seconds left."""
        memory_gib = peak_memory_gib()
        self._write("step", {**record, "memory_gib": round(memory_gib, 3)})
        self._show({f"train/{name}": record[name] for name in _CURVES}, record["step"])
        loss = "nan" if record["loss"] is None else _short(record["loss"], 3)
        learns = [f"step {record['step']}", f"loss {loss}", *self._dice]
        takes = [
            f"{_short(record['step_s'], 2)} s/step",
            f"wait {100 * record['data_wait_s'] / record['step_s']:.0f}%",
            f"{_short(memory_gib, 1)} GiB",
            f"ETA {_duration(left_s)}",
        ]
        self._bar.update(self._task, completed=spent)
        self._keep_up(learns, takes)

    def validating(self, step: int, case: int, cases: int) -> None:
        """Show which case, from 1, of how many is validated after which step."""
        self._keep_up([f"step {step}", *self._dice], [f"validation: case {case} of {cases}"])

    def validation(self, record: Mapping[str, Any]) -> None:
        """Note one validation: `step`, `dice` by region, `mean_dice`, `n`, `seconds`."""
        self._write("validation", record)
        dice = {f"validation/dice_{name}": value for name, value in record["dice"].items()}
        self._show(dice, record["step"])
        regions = "  ".join(f"{name} {value:.3f}" for name, value in record["dice"].items())
        self._dice = [f"dice {record['mean_dice']:.3f}"]
        text = (
            f"step {record['step']}  validation Dice {record['mean_dice']:.4f}  ({regions}; "
            f"n={record['n']}, {record['seconds']:.0f} s)"
        )
        self.say(textwrap.fill(text, _COLUMNS, subsequent_indent="  "))

    def picture(self, name: str, figure: Figure, step: int) -> None:
        """Save a sample picture and show it on the trackers."""
        with atomic_path(self._run / "samples" / f"step{step:06d}_{name}.png") as path:
            figure.savefig(path, dpi=80)
        self._tell(lambda tracker: tracker.picture(f"samples/{name}", figure, step))

    def say(self, text: str) -> None:
        """One line for the person who watches."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def keep(self) -> None:
        """Bring what was noted to the disk: no checkpoint may be ahead of its log."""
        os.fsync(self._file.fileno())

    def _keep_up(self, *lines: Sequence[str]) -> None:
        """Show where the run is: beside the bar or, without a terminal, now and then in a line."""
        self._bar.update(self._task, text="\n".join(map("  ".join, lines)))
        if not self._console.is_terminal and time.monotonic() - self._last_line > _LINE_EVERY_S:
            words = list(itertools.chain(*lines))
            text = "  ".join(words)
            self.say(text if len(text) <= _COLUMNS else " ".join(words))
            self._last_line = time.monotonic()

    def _show(self, values: Mapping[str, float | None], step: int) -> None:
        known = {name: value for name, value in values.items() if value is not None}
        self._tell(lambda tracker: tracker.scalars(known, step))

    def _tell(self, tell: Callable[[Tracker], None]) -> None:
        """Tell every tracker; one in trouble (its server, its disk) is told no more."""
        for tracker in list(self._trackers):
            try:
                tell(tracker)
            except Exception as error:  # whatever it is, the run does not need the tracker
                self._trackers.remove(tracker)
                self.say(f"{type(tracker).__name__} is told no more: {error}")

    def _write(self, kind: str, record: Mapping[str, Any]) -> None:
        try:
            self._file.write(json.dumps({"kind": kind, **record}) + "\n")
        except OSError as error:
            raise InputError(
                f"{self._run}: step {record['step']} could not be logged ({error}); the last "
                "checkpoint is whole; make room there and give the same command again."
            ) from None


def _drop_lines_after(log: Path, last: Mapping[str, int]) -> None:
    """Keep the log's whole lines up to the last step of each kind, so that each stands once."""
    if not log.exists():
        return
    kept: list[str] = []
    for line in log.read_text().splitlines():
        try:
            record = json.loads(line)
            if record["step"] <= last[record["kind"]]:
                kept.append(line)
        except (json.JSONDecodeError, KeyError):
            continue  # the half line of a session that was killed while writing
    write_text(log, "".join(line + "\n" for line in kept))


def _short(value: float, decimals: int) -> str:
    """A number that is not below zero: with so many decimals below 10, in five characters above."""
    if value < 10:
        return f"{value:.{decimals}f}"
    return f"{value:.3g}" if value < 999.5 else f"{value:.0e}"


def _duration(seconds: float) -> str:
    """Write h:mm:ss, or days and hours from a hundred hours on."""
    whole = round(seconds)
    if whole >= 360_000:
        return f"{whole // 86_400}d {whole // 3600 % 24:02d}h"
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def peak_memory_gib() -> float:
    """Peak memory of this process in GiB: on its GPU where it has one, else resident."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    status = Path("/proc/self/status")
    if not status.exists():  # elsewhere than on Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    # There `ru_maxrss` of a new process begins with that of the one which started it.
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 2**20  # KiB
