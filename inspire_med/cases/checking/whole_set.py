"""Whole set: all that a check saw of one, its cases beside each other."""

from collections.abc import Iterable, Iterator, Sequence

from inspire_med.cases.checking.duplicates import duplicates
from inspire_med.cases.checking.finding import Finding, worst_first
from inspire_med.cases.checking.outliers import outliers
from inspire_med.cases.checking.verdict import Verdict
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


def empty_in(verdicts: Sequence[Verdict], regions: Regions) -> tuple[dict[str, list[str]], int]:
    """Ids of the cases in whose label each region is empty, and how many labels there are."""
    labels = [
        (verdict.case.id, verdict) for verdict in verdicts if verdict.case and verdict.case.label
    ]
    empty = {
        name: [case for case, verdict in labels if verdict.values.isdisjoint(values)]
        for name, values in regions.items()
    }
    return empty, len(labels)


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
