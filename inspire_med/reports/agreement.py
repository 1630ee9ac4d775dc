"""Agreement: by how much predicted sizes differ from the reference's, and how steadily."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_WITHIN = 1.96  # standard deviations that hold 95 % of normally distributed differences


@dataclass(frozen=True)
class Agreement:
    """Differences, prediction minus reference, over cases.

    Attributes:
        bias: Their mean.
        limits: 95 % limits of agreement, bias -+ 1.96 standard deviations (n - 1); None below
            two cases.
        n: How many cases.
    """

    bias: float
    limits: tuple[float, float] | None
    n: int


def agreement(sizes: Sequence[tuple[float, float]]) -> Agreement | None:
    """How well (reference, prediction) sizes agree; None without any.

    Source: Bland and Altman, Statistical methods for assessing agreement between two methods of
    clinical measurement, Lancet 1986.
    """
    if not sizes:
        return None
    differences = np.array([prediction - reference for reference, prediction in sizes])
    bias = float(differences.mean())
    if len(differences) == 1:
        return Agreement(bias, None, 1)
    half = _WITHIN * float(differences.std(ddof=1))
    return Agreement(bias, (bias - half, bias + half), len(differences))
