"""Table: findings as rows, for a screen, a spreadsheet and a page."""

import csv
import io
from collections import Counter
from collections.abc import Sequence

from inspire_med.cases.checking.finding import GRADES, Finding
from inspire_med.wording import counted

COLUMNS = ("verdict", "case", "file", "cause", "remedy", "repairable")


def as_csv(findings: Sequence[Finding]) -> str:
    """The findings as comma-separated values; what a spreadsheet would run as a formula is text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(cell) for cell in row_of(finding)] for finding in findings)
    return text.getvalue()


def row_of(finding: Finding) -> tuple[str, ...]:
    """The cells of one row, in the order of `COLUMNS`."""
    repairable = "yes" if finding.repairable else ""
    return (
        *(finding.verdict, finding.case, finding.file),
        *(finding.cause, finding.remedy, repairable),
    )


def summary(findings: Sequence[Finding], cases: int) -> str:
    """How many cases were looked at, and what of each grade was found."""
    count = Counter(finding.verdict for finding in findings)
    said = [counted(count[grade], grade) for grade in GRADES if count[grade]]
    return f"{counted(cases, 'case')} checked: {', '.join(said) or 'nothing to say'}"


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
