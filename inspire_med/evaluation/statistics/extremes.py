"""Extremes: the cases worth looking at: worst, middle, best."""

from typing import Literal

import numpy as np
import pandas as pd

from inspire_med.evaluation.rounding import largest, made_equal

_EACH = 3


def rank_cases(
    scores: pd.DataFrame, measure: str, better: Literal["high", "low", "zero"] = "high"
) -> list[tuple[str, float]]:
    """Cases from worst to best by their mean over regions of a measure.

    Of a measure that is best at zero it is the mean absolute value. Cases without a defined value
    are left out; ones that are equal but for rounding go by id.

    Args:
        scores: A row a case, region and measure.
        measure: The measure, as a rule the protocol's first.
        better: Where its good values lie.
    """
    asked = scores[(scores["measure"] == measure) & np.isfinite(scores["value"])]
    values = asked["value"].abs() if better == "zero" else asked["value"]
    means = values.groupby(asked["case"]).mean()
    merits = means if better == "high" else -means
    equal = made_equal(merits.to_numpy(dtype=np.float64), largest(means.to_numpy()))
    ranked = pd.Series(equal, means.index).sort_values(kind="stable")  # equal ones stay by id
    return [(str(case), float(means[case])) for case in ranked.index]


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
