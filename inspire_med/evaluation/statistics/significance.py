"""Significance: signed ranks of paired scores, and many such tests at once.

Sources: Wilcoxon 1945; zeros after Pratt, Remarks on zeros and ties in the Wilcoxon signed rank
procedures, J. Am. Stat. Assoc. 54, 1959: they are ranked, and their ranks then dropped, so that
many equal cases do not pass for few; Holm, A simple sequentially rejective multiple test
procedure, Scand. J. Stat. 6, 1979.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, wilcoxon

EXACT_UP_TO = 50  # differing cases: 2^50 sign patterns are counted without rounding in float64


def signed_ranks(gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank of each gain's size with the gain's sign; 0 for no gain; ties share the mean rank.

    Args:
        gains: `(cases,)`, positive where the first method is better; may be infinite.
    """
    return np.sign(gains) * rankdata(np.abs(gains))


def p_value(ranks: NDArray[np.float64]) -> float:
    """Two-sided p of signed ranks under signs as likely plus as minus; 1 if no case differs.

    Exact up to `EXACT_UP_TO` differing cases, ties or not; beyond, the normal approximation with
    the variance corrected for ties, without continuity correction.
    """
    differing = ranks[ranks != 0]
    if len(differing) == 0:
        return 1.0
    if len(differing) <= EXACT_UP_TO:
        return _exact_p(differing)
    found: Any = wilcoxon(ranks, zero_method="pratt", correction=False, method="asymptotic")
    return float(found.pvalue)


def rank_biserial(ranks: NDArray[np.float64]) -> float:
    """Sum of signed ranks over sum of ranks: 1 if the first wins wherever they differ, -1 if never.

    0 where no case differs.

    Source: Kerby, The simple difference formula, Comprehensive Psychology 3, 2014.
    """
    whole = np.abs(ranks).sum()
    return float(ranks.sum() / whole) if whole else 0.0


def _exact_p(ranks: NDArray[np.float64]) -> float:
    """By counting the sign patterns of each rank sum.

    Source: the shift algorithm, Streitberg and Röhmel, Statistical Software Newsletter 12, 1986.
    """
    sizes = np.rint(2 * np.abs(ranks)).astype(int)  # mean ranks are multiples of one half
    patterns = np.zeros(sizes.sum() + 1)
    patterns[0] = 1
    for size in sizes:
        patterns[size:] += patterns[:-size].copy()
    won = int(sizes[ranks > 0].sum())
    tail = min(patterns[: won + 1].sum(), patterns[won:].sum())
    return min(1.0, float(2 * tail / patterns.sum()))


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
