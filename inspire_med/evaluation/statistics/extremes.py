"""Extremes: the cases worth looking at: worst, middle, best."""

from typing import Literal

import numpy as np

from inspire_med.evaluation.scores import Table

_EACH = 3


def rank_cases(
    table: Table, measure: str, better: Literal["high", "low", "zero"] = "high"
) -> list[tuple[str, float]]:
    """Cases from worst to best by their mean over regions of a measure.

    Of a measure that is best at zero it is the mean absolute value. Cases without a defined value
    are left out; equal ones go by id.

    Args:
        table: `table[region][measure][case]`.
        measure: The measure, as a rule the protocol's first.
        better: Where its good values lie.
    """
    by_case: dict[str, list[float]] = {}
    for measures in table.values():
        for case, value in measures.get(measure, {}).items():
            if np.isfinite(value):
                sized = abs(value) if better == "zero" else value
                by_case.setdefault(case, []).append(sized)
    means = [(case, float(np.mean(values))) for case, values in by_case.items()]
    sign = 1 if better == "high" else -1
    return sorted(means, key=lambda item: (sign * item[1], item[0]))


def notable_cases(ranked: list[tuple[str, float]]) -> dict[str, list[tuple[str, float]]]:
    """Three worst, three middle and three best cases; fewer where there are not nine."""
    each = min(_EACH, max(1, len(ranked) // 3))
    if len(ranked) <= each * 2:
        return {"all": ranked}
    middle = (len(ranked) - each) // 2
    return {
        "worst": ranked[:each],
        "median": ranked[middle : middle + each],
        "best": ranked[-each:],
    }
