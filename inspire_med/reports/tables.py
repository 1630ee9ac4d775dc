"""Tables: rows a reader can sort by a click on a heading and filter by a choice or a word."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Column:
    """A column: its heading, and how its rows can be chosen.

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


def sortable_table(columns: Sequence[Column], rows: Iterable[Iterable[str]]) -> str:
    """A table with its tools; each row is made of cells, HTML from `cell` and `text_cell`."""
    tools = "".join(_tool(number, column) for number, column in enumerate(columns))
    heads = "".join(
        f'<th scope="col" class="{_kind(column)}"><button>{escape(column.heading)}</button></th>'
        for column in columns
    )
    body = "\n".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return (
        f'<div class="tools">{tools}<output></output>'
        "<span>Click a heading to sort.</span></div>"
        f'<div class="scroll tall"><table class="sortable"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def text_cell(text: str) -> str:
    """A cell of text; long names are cut on the page and whole when pointed at."""
    return f'<td class="text" title="{escape(text)}">{escape(text)}</td>'


def cell(value: float, written: str) -> str:
    """A cell of a number, which sorts by its value; undefined where that is not finite."""
    if not math.isfinite(value):
        return '<td class="undefined" data-value="">–</td>'
    return f'<td data-value="{value:.9g}">{written}</td>'


def _kind(column: Column) -> str:
    return "text" if column.is_text else "number"


def _tool(number: int, column: Column) -> str:
    name = escape(column.heading)
    if column.searched:
        return (
            f'<label>{name} <input type="search" data-column="{number}" '
            'placeholder="part of a name"></label>'
        )
    if len(column.choices) < 2:
        return ""
    choices = "".join(f"<option>{escape(choice)}</option>" for choice in column.choices)
    return (
        f'<label>{name} <select data-column="{number}"><option value="">all</option>'
        f"{choices}</select></label>"
    )
