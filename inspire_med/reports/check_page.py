"""Check page: what a check of a data set saw, as one offline page."""

from collections import Counter
from collections.abc import Mapping, Sequence

from inspire_med.cases.checking.finding import GRADES, Finding
from inspire_med.cases.checking.table import summary
from inspire_med.reports.page import render


def check_page(
    title: str, findings: Sequence[Finding], cases: int, provenance: Mapping[str, str]
) -> str:
    """The page as HTML.

    Args:
        title: What was checked.
        findings: Worst first.
        cases: How many were opened.
        provenance: Where things came from, label to text.
    """
    count = Counter(each.verdict for each in findings)
    return render(
        "check.html.j2",
        subject=title,
        findings=findings,
        lead_text=summary(findings, cases),
        grades=[grade for grade in GRADES if count[grade]],
        repairable=sum(each.repairable for each in findings),
        provenance=provenance,
    )
