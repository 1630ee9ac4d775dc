"""A fault put into a small set on purpose, and what the check must say of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """A fault.

    Args:
        name: As the table in docs/reliability.md has it.
        inject: Puts it into the set's folder.
        verdict: `fault`, `warning` or `note` of a row of the table; `refused`: one sentence, no
            table; `taken`: nothing is said, as nothing is wrong.
        words: What the row or the sentence must say.
        file: The end of the path that it must name.
    """

    name: str
    inject: Callable[[Path], None]
    verdict: str
    words: str = ""
    file: str = ""
