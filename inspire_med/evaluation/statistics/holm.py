"""Holm: many tests at once, and whether one among them can show anything at all.

Source: Holm, A simple sequentially rejective multiple test procedure, Scand. J. Stat. 6, 1979.
"""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values of one family, adjusted; in the order given."""
    order = np.argsort(p_values, kind="stable")
    rising = np.asarray(p_values)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(rising))
    return [float(p) for p in adjusted]


def least_after_holm(p_values: Sequence[float], lowest: Sequence[float]) -> list[float]:
    """The adjusted p of each test, were its own the lowest it can be and the others as they are.

    Args:
        p_values: Of one family.
        lowest: The smallest that each of them could have been.
    """
    found: list[float] = []
    for at, least in enumerate(lowest):
        found.append(holm([*p_values[:at], least, *p_values[at + 1 :]])[at])
    return found
