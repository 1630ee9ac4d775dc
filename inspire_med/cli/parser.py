"""Command: what every command shares: one-sentence errors and the exit status."""

import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, get_args, get_origin

from jsonargparse import ArgumentParser

from inspire_med.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from rich.progress import Progress


class CommandParser(ArgumentParser):
    """An option parser whose every complaint is an `InputError` of one sentence."""

    def __init__(self, prog: str, description: str | None = None) -> None:
        epilog = "--debug, anywhere, shows the traceback of an error."
        super().__init__(prog=prog, description=description, epilog=epilog, allow_abbrev=False)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Turn argparse's complaint into one sentence that says what to do."""
        raise InputError(_one_sentence(message, self._known_options()))

    def spell_out(self, words: Sequence[str]) -> list[str]:
        """Let `--overwrite` and `--widths 8,16` stand for what jsonargparse insists on.

        That is `--overwrite true` and `--widths [8,16]`, whose brackets many a shell would expand.
        """
        switches = self._options_of(lambda kind: kind is bool)
        lists = self._options_of(_holds_list)
        spelt: list[str] = []
        option = ""
        for word in words:
            if option in switches and word.lower() not in ("true", "false"):
                spelt.append("true")
            name, equals, value = word.partition("=")
            if option in lists:
                spelt.append(_bracketed(word))
            elif equals and name in lists:
                spelt.append(f"{name}={_bracketed(value)}")
            else:
                spelt.append(word)
            option = word
        return [*spelt, "true"] if option in switches else spelt

    def _options_of(self, wanted: Callable[[Any], bool]) -> set[str]:
        actions = (a for a in self._actions if wanted(getattr(a, "_typehint", None)))
        return {name for action in actions for name in action.option_strings}

    def _known_options(self) -> list[str]:
        return [name for action in self._actions for name in action.option_strings]


def run_command(
    parser: CommandParser, body: Callable[[Any], int | None], arguments: Sequence[str] | None
) -> int:
    """Parse `arguments`, run `body` on them, and answer with the exit status.

    0 done, or what `body` answers; 2 the request, the input or the file system is at fault (one
    sentence on stderr, no traceback unless `--debug`); 1 anything else, with the traceback.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    try:
        plain = [word for word in words if word != "--debug"]
        with _ended_in_order():
            status = body(parser.parse_args(parser.spell_out(plain)))
    except InputError as error:
        if debug:
            traceback.print_exc()
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.filename is None:
            traceback.print_exc()
            return 1
        if debug:
            traceback.print_exc()
        what = f"{error.filename}: {error.strerror}"
        print(f"{parser.prog}: {what}; check the path, its rights and its room.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted.", file=sys.stderr)
        return 130
    except Exception:  # the boundary: whatever else went wrong is ours, and is shown whole
        traceback.print_exc()
        return 1
    return status or 0


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


def progress_bar() -> "Progress":
    """Make a progress bar on stderr that vanishes when done; without a terminal there is none."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def _holds_list(kind: Any) -> bool:
    return get_origin(kind) is tuple or any(get_origin(part) is tuple for part in get_args(kind))


def _bracketed(value: str) -> str:
    """Write `8,16` as the list it stands for."""
    plain = value.startswith(("[", "-")) or value in ("", "null")
    return value if plain else f"[{value}]"


def _one_sentence(message: str, options: list[str]) -> str:
    unknown = re.search(r"[Uu]nrecognized arguments?: (\S+)", message)
    if unknown is not None:
        word = unknown.group(1).split("=")[0]
        hint = did_you_mean(word, options, "see --help for the options.")
        return f"option {word}: unknown; {hint}"
    wrong = re.search(r'Parser key "([^"]+)":.*(?:Got|Given) value: (.*)', message, re.S)
    if wrong is not None:
        expected = " or ".join(re.findall(r"Expected an? ([^\n]+?)(?:\.\s|\n|$)", message))
        kind = re.sub(r"<class '(\w+)'>", r"\1", expected).replace("typing.Literal", "one of ")
        kind = re.sub(r"tuple with (\d+) elements", r"\1 values with commas between", kind)
        kind = kind.replace("NoneType", "null").replace("tuple", "a list")
        return f"option --{wrong[1]}: {wrong[2].strip()} is not {kind}; see --help."
    return re.sub(r"\s+", " ", message).strip().rstrip(".") + "; see --help."
