"""Aligned: the scores of several methods on the same cases, side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.measure import Measure


@dataclass(frozen=True)
class Series:
    """One measure of one region of all methods.

    Attributes:
        region: The region.
        measure: The measure's name.
        better: `high` or `low`: where good values lie.
        methods: Their names, in order.
        cases: Their ids, in order.
        values: `(methods, cases)`, NaN where undefined; absolute values where the measure is best
            at zero.
    """

    region: str
    measure: str
    better: str
    methods: tuple[str, ...]
    cases: tuple[str, ...]
    values: NDArray[np.float64]

    def of(self, method: str) -> NDArray[np.float64]:
        """The values of one method, `(cases,)`."""
        return self.values[self.methods.index(method)]

    @property
    def merits(self) -> NDArray[np.float64]:
        """`(methods, cases)`, higher is better; undefined values are the worst there are."""
        signed = self.values if self.better == "high" else -self.values
        return np.where(np.isnan(signed), -np.inf, signed)


def aligned(scores: pd.DataFrame, measures: Mapping[str, Measure]) -> Iterator[Series]:
    """Every region and measure that the scores hold, regions first.

    Args:
        scores: A row a method, case, region and measure.
        measures: Those to take, in order.

    Raises:
        InputError: If there are fewer than two methods, not all have the same regions, measures
            and cases, or none has any of the measures.
    """
    methods = list(scores["method"].unique())
    if len(methods) < 2:
        raise InputError(
            f"one method alone ({', '.join(methods)}): a comparison needs two or more."
        )
    asked = scores[scores["measure"].isin(list(measures))]
    if asked.empty:
        raise InputError(
            f"no method has a score of {', '.join(measures)}: there is nothing to compare."
        )
    found = dict(iter(asked.groupby(["region", "measure"])))
    for each in product(asked["region"].unique(), measures):
        if each in found:
            yield _series(found[each], methods, *each, measures[each[1]])


def _series(
    rows: pd.DataFrame, methods: list[str], region: str, name: str, measure: Measure
) -> Series:
    cases = sorted(rows["case"].unique())
    for method in methods:
        lacking = sorted({*cases} - {*rows.loc[rows["method"] == method, "case"]})
        if lacking:
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            raise InputError(
                f"method {method}: has no {name} of {region} for case {lacking[0]}{more}, which "
                "another method has; compare methods on the same cases."
            )
    wide = rows.pivot(index="method", columns="case", values="value").loc[methods, cases]
    values = np.where(np.isfinite(wide), wide, np.nan)
    better = "low" if measure.better == "zero" else measure.better
    sized = np.abs(values) if measure.better == "zero" else values
    return Series(region, name, better, tuple(methods), tuple(cases), sized)
