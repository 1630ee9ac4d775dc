"""Page: templates made into one HTML file that opens offline; what comes from files is escaped."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from inspire_med.reports.formatting import (
    amount,
    in_cell,
    interval,
    mean_of,
    number_of_cases,
    titled,
)
from inspire_med.wording import counted


@dataclass(frozen=True)
class Column:
    """A column of a table that sorts: its heading, and how its rows can be chosen.

    Attributes:
        heading: As text.
        is_text: Sorted as text and set to the left; else by value.
        choices: To choose rows by, when there are at least two.
        searched: Rows can be chosen by a part of what the column holds.
    """

    heading: str
    is_text: bool = False
    choices: Sequence[str] = ()
    searched: bool = False


def render(template: str, **values: Any) -> str:
    """Fill in a template of `reports/templates`; all values are text and become no markup."""
    return _TEMPLATES.get_template(template).render(values, Column=Column)


def finite(value: float | None) -> bool:
    """Whether there is a number to write."""
    return value is not None and math.isfinite(value)


def percent(value: float, start: float, end: float) -> str:
    """How far a value lies from one end of a scale to the other, for the style sheet."""
    share = (value - start) / ((end - start) or 1.0)
    return f"{100 * min(max(share, 0.0), 1.0):.1f}%"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("inspire_med.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: list[Callable[..., Any]] = [
        amount,
        counted,
        in_cell,
        interval,
        mean_of,
        number_of_cases,
        percent,
        titled,
    ]
    environment.filters |= {each.__name__: each for each in filters}
    environment.tests["finite"] = finite
    return environment


_TEMPLATES = _environment()
