"""Stopping: what reaches a run from outside: signals, the files STOP and EXTEND, another job."""

import errno
import fcntl
import json
import os
import platform
import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType
from typing import Any

from torch import Tensor

from inspire_med.errors import InputError
from inspire_med.training.budget import Budget, parse_duration

STOPPED = 75  # exit status after a signal: EX_TEMPFAIL, the same command goes on from here
_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class SignalledError(Exception):
    """A signal came before the first step: there is nothing to save."""


class Signals:
    """Notes SIGTERM, SIGUSR1 and the first SIGINT; the loop asks after each step.

    A handler that saved by itself would do so in the middle of a step. A second SIGINT (Ctrl-C
    again) interrupts at once. On leaving, the handlers that were there before are back.
    """

    def __init__(self) -> None:
        self.received: str | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Signals":
        self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.received == "SIGINT":
            raise KeyboardInterrupt
        self.received = signal.Signals(number).name


@contextmanager
def ended_by_signals() -> Generator[None]:
    """Let a signal end what is done here at once: work without steps, of which nothing is kept.

    Raises:
        SignalledError: At the first signal. A second Ctrl-C interrupts what that lets go of.
    """
    told: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        told.append(number)
        if len(told) == 1:
            raise SignalledError
        if number == signal.SIGINT:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in _SIGNALS}
    try:
        yield
        if told:  # something on the way took it for an error of its own
            raise SignalledError
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ctrl_c_stays_here() -> Generator[None]:
    """Let processes that are started here never hear Ctrl-C, which a terminal sends to all."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_signals_to_parent(closing: Tensor, worker: int) -> None:
    """Let a data worker live through what the whole job is sent: its parent ends it in time.

    Args:
        closing: One number in shared memory; once it is not zero, SIGTERM ends the worker again.
        worker: Its number.
    """

    def end_if_closing(number: int, frame: FrameType | None) -> None:
        if closing.item():
            os._exit(0)

    signal.signal(signal.SIGTERM, end_if_closing)
    for number in (signal.SIGUSR1, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    if closing.item():  # the signal came before it could be heard
        os._exit(0)


def take_stop(run: Path) -> bool:
    """Is there a file STOP in the run folder? It is taken away, so that a resume goes on."""
    try:
        (run / "STOP").unlink()
    except OSError:
        return False
    return True


def take_extension(run: Path, budget: Budget, say: Callable[[str], None]) -> tuple[int, float]:
    """Steps and seconds to add to the budget, from a file EXTEND that holds `5000` or `2h`.

    The file is taken away. What cannot be read or would lengthen nothing is said, and adds nothing.
    """
    file = run / "EXTEND"
    try:
        text = file.read_text("utf-8-sig", errors="replace")[:100].strip()
        if not text:
            return 0, 0.0  # somebody is still writing it
        file.unlink()
    except OSError:
        return 0, 0.0
    steps = int(text) if text.isascii() and text.isdigit() else 0
    try:
        seconds = 0.0 if steps else parse_duration(text, "EXTEND")
    except InputError as error:
        say(str(error))
        return 0, 0.0
    if steps and budget.max_steps is None:
        say("EXTEND: this run's budget is no number of steps; write a time, for example 2h.")
    elif seconds and budget.max_time_s is None:
        say("EXTEND: this run's budget is no time; write a number of steps, for example 5000.")
    else:
        return steps, seconds
    return 0, 0.0


@contextmanager
def locked(run: Path) -> Generator[None]:
    """Hold the run folder; the system lets go of it when this process ends, however it ends.

    A POSIX record lock, so that no stale one can be left behind, a shared file system knows it on
    every machine, and a forked data worker that outlives a killed process does not hold it on.

    Raises:
        InputError: If another process holds it; names its machine and process.
    """
    made = not run.exists()
    run.mkdir(parents=True, exist_ok=True)
    path = run / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _take(descriptor, run, path)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(_self()).encode(), 0)
        try:
            yield
        finally:
            if [file.name for file in run.iterdir()] == [path.name]:
                path.unlink()  # a request that was refused leaves no trace
                if made:
                    run.rmdir()
    finally:
        os.close(descriptor)


def _take(descriptor: int, run: Path, path: Path) -> None:
    """Lock the file; a requeued job waits for the node that was lost to be given up."""
    patience_s = 120 if int(os.environ.get("SLURM_RESTART_COUNT", "0")) else 0
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
                return  # a file system without locks: nobody can be refused there
            if time.monotonic() > until:
                raise InputError(
                    f"{run}: {_owner(path)} is training there; wait for it, or choose another "
                    "--run."
                ) from None
            time.sleep(1)
        else:
            return


def _self() -> dict[str, str | int]:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return {"machine": platform.node(), "process": os.getpid(), "since": now}


def _owner(path: Path) -> str:
    try:
        owner = json.loads(path.read_text())
        return f"process {owner['process']} on {owner['machine']} (since {owner['since']})"
    except (OSError, ValueError, KeyError):
        return "another process"
