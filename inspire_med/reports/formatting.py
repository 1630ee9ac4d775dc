"""Formatting: how numbers and units are written on the page."""

import math

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.statistics.summary import Summary


def titled(measure: Measure) -> str:
    """A measure's name with its unit, where it has one."""
    return f"{measure.title} [{measure.unit}]" if _has_unit(measure) else measure.title


def mean_of(title: str) -> str:
    """`mean Dice`; of a measure that is a mean by its own name, that."""
    return title if title.startswith("Mean") else f"mean {title}"


def in_cell(measure: Measure, value: float) -> str:
    """One case's value; a count of things is a whole number, a mean of counts is not."""
    if measure.unit == "count" and math.isfinite(value):
        return f"{value:.0f}"
    return measure.written(value)


def interval(measure: Measure, summary: Summary) -> str:
    """The interval of a mean, `0.712 to 0.803`; empty where there is none."""
    if summary.ci95 is None:
        return ""
    low, high = (measure.written(end) for end in summary.ci95)
    return f"{low} to {high}"


def number_of_cases(summary: Summary) -> str:
    """`n = 120`, with a warning where these are few."""
    return summary.note or f"n = {summary.n:,}"


def amount(size: float, unit: str) -> str:
    """A size with its unit and three digits that count: `0.123 ml`, `4,310 px`."""
    size = round(size, 3) + 0.0  # no minus sign before zero
    digits = max(0, 2 - math.floor(math.log10(abs(size)))) if size else 0
    return f"{size:,.{min(digits, 3)}f} {unit}".replace("-", "−")


def tick_text(value: float) -> str:
    """A round value beside an axis: `0.25`, `−20`, `10,000`."""
    return f"{value:,.10g}".replace("-", "−")


def _has_unit(measure: Measure) -> bool:
    return measure.unit not in ("", "count")
