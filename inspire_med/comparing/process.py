"""Process: one command of this toolkit in a process of its own, its words kept in a log."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from inspire_med.training.stopping import STOPPED, Signals

_LOOK_EVERY_S = 0.5


class StoppedError(Exception):
    """A signal ended the work; the same command goes on from there."""


class Child:
    """Runs commands one after the other.

    A signal is handed on as SIGTERM: to training it is the same, and Ctrl-C, which a terminal sends
    to the child as well, is not there twice.

    Args:
        signals: What this process is sent.
        say: Hears every line of a command that asks for it.
    """

    def __init__(self, signals: Signals, say: Callable[[str], None]) -> None:
        self._signals = signals
        self._say = say

    def run(self, words: Sequence[str], log: Path, *, aloud: bool) -> int:
        """Run a command to its end; answers with its exit status, below 0 for a signal's number.

        Args:
            words: The command and its options, as after `inspire-med`.
            log: Its words are added here.
            aloud: Say them too.

        Raises:
            StoppedError: If a signal came.
        """
        if self._signals.received is not None:
            raise StoppedError
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as added, log.open("rb") as read:
            read.seek(0, 2)
            process = subprocess.Popen(
                [sys.executable, "-m", "inspire_med", *words],
                stdin=subprocess.DEVNULL,
                stdout=added,
                stderr=subprocess.STDOUT,
            )
            try:
                self._wait(process, read if aloud else None)
            finally:
                process.kill()  # it has ended, unless a second Ctrl-C wants an end at once
                process.wait()
        if self._signals.received is not None or process.returncode == STOPPED:
            raise StoppedError
        return process.returncode

    def _wait(self, process: subprocess.Popen[bytes], words: BinaryIO | None) -> None:
        """Wait for the end; hand a signal on, say what is new in the log."""
        told, ended, begun = False, False, b""
        while not ended:
            try:
                process.wait(_LOOK_EVERY_S)
                ended = True
            except subprocess.TimeoutExpired:
                if self._signals.received is not None and not told:
                    process.terminate()
                    told = True
            while words is not None and (line := words.readline()):
                begun += line
                if not begun.endswith(b"\n"):
                    break  # somebody is still writing it
                if text := begun.decode(errors="replace").strip():
                    self._say(text)
                begun = b""
