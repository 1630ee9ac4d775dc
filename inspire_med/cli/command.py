"""Command: what every command does around its body: errors in one sentence, the exit status."""

import logging
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from inspire_med.errors import InputError
from inspire_med.workers import refusal

if TYPE_CHECKING:
    from inspire_med.cli.parser import CommandParser


def run_command(
    parser: "CommandParser", body: Callable[[Any], int | None], arguments: Sequence[str] | None
) -> int:
    """Parse `arguments`, run `body` on them, and answer with the exit status.

    0 done, or what `body` answers; 2 the request, the input or the file system is at fault (one
    sentence on stderr, no traceback unless `--debug`); 1 anything else, with the traceback.
    """
    with reader_may_leave():
        return _answered(parser, body, list(sys.argv[1:] if arguments is None else arguments))


def say(text: str) -> None:
    """One line for the person who watches."""
    print(text, file=sys.stderr, flush=True)


def refused(prog: str, error: InputError) -> int:
    """Say what the request is at fault in, and answer with the exit status."""
    print(f"{prog}: {error}", file=sys.stderr)
    return 2


@contextmanager
def reader_may_leave() -> Generator[None]:
    """Let who reads the standard output stop doing so, as `| head` does, without complaint.

    The status is then that of a program which SIGPIPE ends. Loggers show a traceback at each line
    that nobody reads, and go on; here they go on.
    """
    shown, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        output = sys.stdout.fileno()
        poll = select.poll()
        poll.register(output, 0)
        if not poll.poll(0):  # it was another pipe
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), output)
        raise SystemExit(128 + signal.SIGPIPE) from None
    finally:
        logging.raiseExceptions = shown


def _answered(parser: "CommandParser", body: Callable[[Any], int | None], words: list[str]) -> int:
    debug = "--debug" in words
    try:
        plain = [word for word in words if word != "--debug"]
        with _ended_in_order():
            status = body(parser.parse_args(parser.spell_out(plain)))
    except InputError as error:
        if debug:
            traceback.print_exc()
        return refused(parser.prog, error)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted.", file=sys.stderr)
        return 130
    except Exception as error:  # the boundary
        sentence = _fault_of_the_system(error)
        if debug or sentence is None:  # whatever else went wrong is ours, and is shown whole
            traceback.print_exc()
        if sentence is None:
            return 1
        print(f"{parser.prog}: {sentence}.", file=sys.stderr)
        return 2
    return status or 0


def _fault_of_the_system(error: Exception) -> str | None:
    if isinstance(error, OSError) and error.filename is not None:
        what = f"{error.filename}: {error.strerror}"
        return f"{what}; check the path, its rights and its room"
    return refusal(error)


@contextmanager
def _ended_in_order() -> Generator[None]:
    """Let SIGTERM end a command as an error would, so that nothing half-written stays."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
