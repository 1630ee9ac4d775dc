"""Aligned: the scores of several methods on the same cases, side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.words import Measure
from inspire_med.evaluation.scores import Table


@dataclass(frozen=True)
class Series:
    """One measure of one region of all methods.

    Attributes:
        region: The region.
        measure: The measure's name.
        better: `high` or `low`: where good values lie.
        cases: Their ids, in order.
        values: `(methods, cases)`, NaN where undefined; absolute values where the measure is best
            at zero.
    """

    region: str
    measure: str
    better: str
    cases: tuple[str, ...]
    values: NDArray[np.float64]

    @property
    def merits(self) -> NDArray[np.float64]:
        """`(methods, cases)`, higher is better; undefined values are the worst there are."""
        signed = self.values if self.better == "high" else -self.values
        return np.where(np.isnan(signed), -np.inf, signed)


def aligned(tables: Mapping[str, Table], measures: Mapping[str, Measure]) -> Iterator[Series]:
    """Every region and measure that the tables hold, regions first.

    Args:
        tables: `tables[method][region][measure][case]`.
        measures: Those to take, in order.

    Raises:
        InputError: If there are fewer than two methods, not all have the same regions, measures
            and cases, or none has any of the measures.
    """
    if len(tables) < 2:
        raise InputError(f"one method alone ({', '.join(tables)}): a comparison needs two or more.")
    found = {
        (region, name): None
        for table in tables.values()
        for region, scores in table.items()
        for name in measures
        if name in scores
    }
    if not found:
        raise InputError(
            f"no method has a score of {', '.join(measures)}: there is nothing to compare."
        )
    for region, name in found:
        yield _series(tables, region, name, measures[name])


def _series(tables: Mapping[str, Table], region: str, name: str, measure: Measure) -> Series:
    by_method = {method: table.get(region, {}).get(name, {}) for method, table in tables.items()}
    cases = sorted({case for scores in by_method.values() for case in scores})
    for method, scores in by_method.items():
        lacking = [case for case in cases if case not in scores]
        if lacking:
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            raise InputError(
                f"method {method}: has no {name} of {region} for case {lacking[0]}{more}, which "
                "another method has; compare methods on the same cases."
            )
    values = np.array([[scores[case] for case in cases] for scores in by_method.values()])
    values = np.where(np.isfinite(values), values, np.nan)
    if measure.better == "zero":
        return Series(region, name, "low", tuple(cases), np.abs(values))
    return Series(region, name, measure.better, tuple(cases), values)
