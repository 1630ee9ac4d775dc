"""Subject: a made patient as makers draw one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

Size = Literal["small", "full"]
Site = TypeVar("Site")


@dataclass(frozen=True)
class Subject:
    """A made patient.

    Args:
        number: Names the case, and says which site it is of.
        patient: Number of who it is, and says of what grade a tumour is.
        anatomy: What body and lesions are drawn from.
        scan: What everything that a machine adds is drawn from.
    """

    number: int
    patient: int
    anatomy: np.random.Generator
    scan: np.random.Generator

    @classmethod
    def draw(cls, seed: int, number: int, *, body_of: int | None = None) -> "Subject":
        """The subject of this number, a pure function of (seed, number).

        Args:
            seed: Of the set.
            number: Of the subject.
            body_of: Number of another one who is the same patient, seen a second time.
        """
        patient = number if body_of is None else body_of
        draws = ((patient, 0), (number, 1))
        anatomy, scan = (np.random.default_rng([seed, *each]) for each in draws)
        return cls(number, patient, anatomy, scan)

    def one_of(self, sites: Sequence[Site]) -> Site:
        """Its site: they take turns."""
        return sites[self.number % len(sites)]
