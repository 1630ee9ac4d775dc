"""Whole set: all that a check saw of one, its cases beside each other."""

from collections.abc import Iterable, Iterator, Sequence

from inspire_med.cases.checking.case import Verdict, empty_in
from inspire_med.cases.checking.duplicates import duplicates
from inspire_med.cases.checking.finding import Finding, worst_first
from inspire_med.cases.checking.outliers import outliers
from inspire_med.imaging.masks import Regions
from inspire_med.wording import counted, listed


def look_over(
    found: Iterable[Finding], verdicts: Sequence[Verdict], regions: Regions
) -> list[Finding]:
    """What was found in single cases, and what shows only beside the others; worst first.

    Args:
        found: Of single cases, and of files that belong to none.
        verdicts: Of the usable cases.
        regions: Region name to label values.
    """
    return worst_first(
        [
            *found,
            *outliers(verdicts),
            *duplicates(verdicts),
            *_empty_regions(verdicts, regions),
        ]
    )


def _empty_regions(verdicts: Sequence[Verdict], regions: Regions) -> Iterator[Finding]:
    empty, labels = empty_in(verdicts, regions)
    for name, cases in empty.items():
        if cases and len(cases) == labels:
            cause = f"region {name} is empty in every case"
            yield Finding("", "", "warning", cause, "no network can learn it: check the labels")
        elif cases:
            share = f"{len(cases):,} of {counted(labels, 'case')}"
            cause = f"region {name} is empty in {share}: {listed(cases)}"
            yield Finding("", "", "note", cause)
