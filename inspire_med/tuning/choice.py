"""Choice: a value among several, and what it brings on cases that did not choose it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.statistics.bootstrap import mean_interval
from inspire_med.evaluation.statistics.paired import ALPHA
from inspire_med.evaluation.statistics.significance import p_value, signed_ranks


@dataclass(frozen=True)
class Choice:
    """The best of several values.

    Args:
        index: The value that is best over all cases; None where none is better than no change.
        gain: Mean change of the score on cases that did not take part in choosing.
        ci95: Its 95 % interval over cases.
        p: Of the two-sided signed-rank test of the changes, as `compare` makes it.
        n: Cases.
    """

    index: int | None
    gain: float
    ci95: tuple[float, float]
    p: float
    n: int

    def helps(self, tries: int) -> bool:
        """Whether there is a value, and it gains more than chance would in so many tries.

        The interval lies above zero, and p below 0.05 shared out among the tries (Bonferroni).
        """
        return self.index is not None and self.ci95[0] > 0 and self.p < ALPHA / tries


def choose(
    before: NDArray[np.float64],
    table: NDArray[np.float64],
    groups: NDArray[np.int64],
) -> Choice:
    """Choose a value by scores, and measure its gain where it was not chosen.

    Each group of cases is scored by the value that is best over all the others, so that the gain
    holds for new cases (nested cross-validation; Varma and Simon, BMC Bioinformatics 7, 2006).

    Args:
        before: `(cases,)`, two or more, scores without any change; higher is better.
        table: `(values, cases)` scores with each value.
        groups: `(cases,)`, two or more, which cases are left out together.
    """
    every = np.vstack([before, table])
    gains = np.zeros(len(before))
    for group in np.unique(groups):
        own = groups == group
        best = int(every[:, ~own].mean(axis=1).argmax())
        gains[own] = every[best, own] - before[own]
    best = int(every.mean(axis=1).argmax())
    index, p = best - 1 if best else None, p_value(signed_ranks(gains))
    return Choice(index, float(gains.mean()), mean_interval(gains), p, len(gains))
