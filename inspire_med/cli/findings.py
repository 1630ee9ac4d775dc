"""Findings: what a check of a data set saw, as a table on the screen."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inspire_med.cases.checking.finding import Finding

_SHOWN = 40  # rows; a set of thousands has its table in a file
_NARROWEST = 150  # columns, where no terminal says how many it has
_STYLES = {"fault": "bold red", "warning": "yellow", "note": "dim"}


def print_findings(findings: "Sequence[Finding]", rest: str) -> None:
    """Print a table of what was found, worst first.

    Args:
        findings: As the check gives them.
        rest: Where those stand that are too many for a screen.
    """
    if not findings:
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("verdict", "case", "file", "what is wrong", "what to do"):
        table.add_column(heading, overflow="fold")
    for each in findings[:_SHOWN]:
        remedy = f"{each.remedy} (--repair can)" if each.repairable else each.remedy
        file = "/".join(Path(each.file).parts[-2:])
        cells = (each.verdict, each.case, file, each.cause, remedy.strip())
        table.add_row(*map(Text, cells), style=_STYLES[each.verdict])
    console = Console(file=sys.stdout)
    console.width = max(console.width, _NARROWEST)
    console.print(table)
    if len(findings) > _SHOWN:
        console.print(f"and {len(findings) - _SHOWN:,} more: {rest}", markup=False)
