"""Series choice: which series of a DICOM study is which channel of a task."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from inspire_med.errors import InputError
from inspire_med.tasks.task import SeriesRule, Task

if TYPE_CHECKING:
    from inspire_med.imaging.dicom.series import Series

# How series are named the world over where contrast agent was given, and where it was not.
_WITH_AGENT = re.compile(
    r"\+ ?c\b|\bc ?\+|\+ ?gd|\bgd\b|gado|gadavist|\bpost\b|contrast|\bce\b|\bkm\b|\bt1(?:c|ce|gd)\b"
)
_WITHOUT_AGENT = re.compile(r"\bpre\b|without|\bnon? contrast|\bnativ|\bohne\b|\bsans\b")
_NO_AGENT = ("no", "none", "n", "0", "ohne")


@dataclass(frozen=True)
class Choice:
    """What was chosen of a study.

    Attributes:
        series: By channel.
        problems: A sentence for each channel that several series could be, or a name that none has.
        missing: A sentence for each channel that no series is.
    """

    series: Mapping[str, "Series"]
    problems: tuple[str, ...]
    missing: tuple[str, ...]


def with_named(task: Task, words: Sequence[str]) -> Task:
    """The task with the series of some channels named.

    Args:
        task: The task.
        words: `CHANNEL=description, protocol or UID`, as the option --channel has them.

    Raises:
        InputError: If one is no such word, or names no channel.
    """
    named = {name: SeriesRule(named=value) for name, value in by_channel(task, words).items()}
    return replace(task, series={**task.series, **named}) if named else task


def by_channel(task: Task, words: Sequence[str]) -> dict[str, str]:
    """What --channel says, by channel.

    Raises:
        InputError: As `with_named`.
    """
    said: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        if not value or name not in task.channels:
            raise InputError(
                f"--channel {word}: not of the form NAME=SERIES where NAME is a channel; choose "
                f"from {', '.join(task.channels)}."
            )
        if name in said:
            raise InputError(f"--channel {word}: names {name} twice; name it once.")
        said[name] = value
    return said


def choose(task: Task, case: str, series: Sequence["Series"]) -> Choice:
    """Choose a series of a study for each channel, by the task's rules.

    Args:
        task: Whose channels.
        case: The study's id, for messages.
        series: All of it.
    """
    chosen: dict[str, Series] = {}
    problems: list[str] = []
    missing: list[str] = []
    there = ", ".join(repr(each.name) for each in series)
    for channel in task.channels:
        rule = task.series.get(channel) or _by_name(task, channel)
        fitting = [each for each in series if _fits(rule, each)]
        place = f"{series[0].files[0].parent}: case {case}"
        if len(fitting) > 1:
            could = " or ".join(repr(each.name) for each in fitting)
            problems.append(
                f"{place}: the channel {channel} could be {could}; choose by --channel "
                f"{channel}=NAME (a description or UID: {fitting[0].uid}, ...)."
            )
        elif fitting:
            chosen[channel] = fitting[0]
        elif rule.named:
            problems.append(f"{place}: no series is named {rule.named!r}; there are {there}.")
        else:
            missing.append(
                f"{place}: no series is told to be the channel {channel}, there are {there}; "
                f"choose by --channel {channel}=NAME."
            )
    return Choice(chosen, tuple(problems), tuple(missing))


def _fits(rule: SeriesRule, series: "Series") -> bool:
    if rule.named:
        names = (series.description, series.protocol, series.name, series.uid)
        return any(fnmatchcase(name.lower(), rule.named.lower()) for name in names)
    text = _text(series)
    low, high = rule.b_value or (0, float("inf"))
    return (
        bool(re.search(rule.says, text))
        and not (rule.never and re.search(rule.never, text))
        and rule.contrast in (None, _has_agent(series))
        and (series.b_value is None or low <= series.b_value <= high)
    )


def _by_name(task: Task, channel: str) -> SeriesRule:
    """By the words that file names have for a channel, as words of their own."""
    words = {word for word, name in task.kinds().items() if name == channel}
    return SeriesRule(rf"\b(?:{'|'.join(re.escape(_blanked(word)) for word in sorted(words))})\b")


def _text(series: "Series") -> str:
    return _blanked(" ".join((series.description, series.protocol, *series.image_type)))


def _blanked(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9+]+", " ", text.lower()).split())


def _has_agent(series: "Series") -> bool:
    """By the series' own name, else by the tag: a protocol is often that of the whole session."""
    text = _blanked(series.description or series.protocol)
    if _WITHOUT_AGENT.search(text):
        return False
    agent = series.contrast.lower()
    return bool(_WITH_AGENT.search(text)) or (agent != "" and agent not in _NO_AGENT)
