"""Parser: options whose every complaint is one sentence, and help that a person can read."""

import re
from argparse import HelpFormatter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, get_args, get_origin

from jsonargparse import ArgumentParser, Namespace

from inspire_med.errors import InputError, did_you_mean
from inspire_med.files import read_yaml


class CommandParser(ArgumentParser):
    """An option parser whose every complaint is an `InputError` of one sentence."""

    def __init__(self, prog: str, description: str | None = None) -> None:
        epilog = "--debug, anywhere, shows the traceback of an error."
        super().__init__(prog=prog, description=description, epilog=epilog, allow_abbrev=False)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Turn argparse's complaint into one sentence that says what to do."""
        raise InputError(_one_sentence(message, self._known_options()))

    def parse_path(self, path: Any, *args: Any, **kwargs: Any) -> Namespace:
        """Read a file of options as any YAML file is read here: UTF-8, each key once."""
        read_yaml(Path(path))
        return super().parse_path(path, *args, **kwargs)

    def format_help(self, formatter: HelpFormatter | None = None) -> str:
        """Write `Path` where Python would write `<class 'pathlib.Path'>`."""
        return _plain(super().format_help(formatter))

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
        kind = _plain(expected).replace("typing.Literal", "one of ")
        kind = re.sub(r"tuple with (\d+) elements", r"\1 values with commas between", kind)
        kind = kind.replace("NoneType", "null").replace("tuple", "a list")
        return f"option --{wrong[1]}: {wrong[2].strip()} is not {kind}; see --help."
    return re.sub(r"\s+", " ", message).strip().rstrip(".") + "; see --help."


def _plain(text: str) -> str:
    """Classes by their names alone."""
    return re.sub(r"<class\s+'(?:\w+\.)*(\w+)'>", r"\1", text)
