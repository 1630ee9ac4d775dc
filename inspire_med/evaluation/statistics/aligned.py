"""Aligned: the scores of several methods on the same cases, side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.rounding import ARITHMETIC, largest, made_equal
from inspire_med.wording import listed


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

    @cached_property
    def size(self) -> float:
        """The largest value, by which rounding is measured."""
        return largest(self.values)

    @cached_property
    def merits(self) -> NDArray[np.float64]:
        """`(methods, cases)`, higher is better; undefined values are the worst there are.

        Values that are equal but for rounding are equal.
        """
        signed = self.values if self.better == "high" else -self.values
        return made_equal(np.where(np.isnan(signed), -np.inf, signed), self.size)

    def defined(self, method: str) -> NDArray[np.bool_]:
        """The cases in which a method has a value, `(cases,)`."""
        return np.isfinite(self.values[self.methods.index(method)])

    def gains(self, first: str, second: str) -> NDArray[np.float64]:
        """By how much the first is better, `(cases,)`; infinite where one alone is defined.

        Gains and losses of a size that is equal but for rounding are of one size.
        """
        ours, theirs = (self.merits[self.methods.index(method)] for method in (first, second))
        neither = np.isinf(ours) & np.isinf(theirs)
        gains = np.where(neither, 0.0, ours) - np.where(neither, 0.0, theirs)
        return np.sign(gains) * made_equal(np.abs(gains), self.size)

    def differences(self, first: str, second: str) -> NDArray[np.float64]:
        """First minus second over the cases where both are defined."""
        both = self.defined(first) & self.defined(second)
        gains = self.gains(first, second)[both]
        return gains if self.better == "high" else 0.0 - gains

    def mean_difference(self, first: str, second: str) -> float | None:
        """Mean of `differences`, 0 where it is but for rounding; None without any."""
        differences = self.differences(first, second)
        if len(differences) == 0:
            return None
        mean = float(np.mean(differences))
        return mean if abs(mean) > ARITHMETIC * self.size else 0.0


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
            raise InputError(
                f"method {method}: has no {name} of {region} for case {listed(lacking, 1)}, which "
                "another method has; compare methods on the same cases."
            )
    wide = rows.pivot(index="method", columns="case", values="value").loc[methods, cases]
    values = np.where(np.isfinite(wide), wide, np.nan)
    better = "low" if measure.better == "zero" else measure.better
    sized = np.abs(values) if measure.better == "zero" else values
    return Series(region, name, better, tuple(methods), tuple(cases), sized)
