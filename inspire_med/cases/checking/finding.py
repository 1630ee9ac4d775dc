"""Finding: one thing that a check saw, as data: where, how bad, why, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Grade = Literal["fault", "warning", "note"]
GRADES: tuple[str, ...] = get_args(Grade)  # from worst to least


@dataclass(frozen=True)
class Finding:
    """One thing that a check saw.

    Args:
        case: Id of the case; empty where it is about the whole set.
        file: The file or folder, or whatever else a sentence begins with; empty for the whole set.
        verdict: A fault keeps the case out, a warning should be looked at, a note was decided.
        cause: What is wrong.
        remedy: What to do; empty where there is nothing.
        repairable: `prepare --repair` knows a way.
    """

    case: str
    file: str
    verdict: Grade
    cause: str
    remedy: str = ""
    repairable: bool = False

    @property
    def sentence(self) -> str:
        """Where, what, and what to do."""
        return _ended("; ".join(filter(None, (self._beginning + self.cause, self.remedy))))

    @property
    def _beginning(self) -> str:
        return f"{self.file}: " if self.file else ""


def fault_of(sentence: str, case: str = "", files: Iterable[Path] = ()) -> Finding:
    """Take apart a sentence `file: what is wrong; what to do.`, as every `InputError` is one.

    Args:
        sentence: The sentence.
        case: Id of the case that it is about.
        files: Its files, whose names may hold a colon themselves.
    """
    place = next((str(file) for file in files if sentence.startswith(f"{file}: ")), None)
    if place is None:
        place = sentence.partition(": ")[0]
    rest = sentence[len(place) + 2 :]
    cause, _, remedy = rest.rpartition("; ")
    if not cause:
        cause, remedy = remedy, ""
    return Finding(case, place, "fault", cause.removesuffix("."), remedy.removesuffix("."))


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Faults before warnings before notes; else in the order they came."""
    return sorted(findings, key=lambda finding: GRADES.index(finding.verdict))


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(("?", ".")) else f"{sentence}."
