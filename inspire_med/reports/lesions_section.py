"""Lesions: what was found, missed and made up, in counts and one by one."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.result import CaseScores, Lesion
from inspire_med.reports.formatting import amount, counted
from inspire_med.reports.lesion_counts import (
    LesionCounts,
    Listed,
    Third,
    count_lesions,
    listed_lesions,
)
from inspire_med.reports.tables import Column, cell, sortable_table, text_cell

ROWS = 2000  # a browser sorts as many in an instant; more would be megabytes of small specks

_KINDS = ("matched", "missed", "spurious")
_DICE = Measure("Dice", "", "high")


def lesions_section(
    cases: Sequence[CaseScores], regions: Sequence[str], *, flat: bool = False
) -> str:
    """Counts by region, then the lesions; empty where the protocol gives none.

    Args:
        cases: The scores with their lesions.
        regions: In the order that gives them their colours.
        flat: Of images: sizes and distances in px.
    """
    lesions = listed_lesions(cases)
    if not lesions:
        return ""
    by_region: dict[str, list[Lesion]] = {region: [] for region in regions}
    for each in lesions:
        by_region[each.region].append(each.lesion)
    unit = "px" if flat else "mm³"
    shown, left_out = choose(lesions, ROWS)
    return (
        '<p class="hint">Matched and missed lesions are the reference\'s, spurious ones the '
        "prediction's alone. The thirds are those of the reference's lesions by size, each with "
        "the share that was found. Lesions too small for the protocol are counted in a column of "
        f"their own and nowhere else.</p>{_counts_table(by_region, unit)}"
        f'<p class="hint">{_listed(shown, left_out, unit)}</p>'
        f"{_lesions_table(shown, regions, flat=flat)}"
    )


def choose(lesions: Sequence[Listed], most: int) -> tuple[list[Listed], list[Listed]]:
    """Lesions to show, in their order, and those to leave out.

    The smallest spurious ones are left out first, then the smallest of the others.
    """
    ranked = sorted(
        range(len(lesions)),
        key=lambda at: (lesions[at].lesion.kind == "spurious", -lesions[at].lesion.size),
    )
    return [lesions[at] for at in sorted(ranked[:most])], [lesions[at] for at in ranked[most:]]


def _listed(shown: Sequence[Listed], left_out: Sequence[Listed], unit: str) -> str:
    """A sentence that says which lesions the table holds."""
    if not left_out:
        return f"{counted(len(shown), 'lesion')}, one by one."
    spurious = [each.lesion.size for each in left_out if each.lesion.kind == "spurious"]
    others = [each.lesion.size for each in left_out if each.lesion.kind != "spurious"]
    parts = [
        f"the {len(sizes):,} smallest {kind} ones (up to {amount(max(sizes), unit)})"
        for kind, sizes in (("spurious", spurious), ("of the reference's", others))
        if sizes
    ]
    return (
        f"{len(shown):,} of {counted(len(shown) + len(left_out), 'lesion')}, one by one; "
        f"not listed: {' and '.join(parts)}. The counts above hold them all."
    )


def _counts_table(by_region: Mapping[str, Sequence[Lesion]], unit: str) -> str:
    rows = "".join(
        _counts_row(region, number, count_lesions(lesions), unit)
        for number, (region, lesions) in enumerate(by_region.items())
    )
    heads = "".join(
        f'<th scope="col">{word}</th>'
        for word in ("Matched", "Missed", "Spurious", "Not counted", "Found", "Dice if found",
                     "Found, small", "Found, middle", "Found, large")
    )  # fmt: skip
    return (
        '<div class="scroll"><table class="counts"><thead><tr><th scope="col">Region</th>'
        f"{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _counts_row(region: str, number: int, counts: LesionCounts, unit: str) -> str:
    thirds = [_third(third, unit) for third in counts.thirds]
    cells = (
        f"{counts.matched:,}",
        f"{counts.missed:,}",
        f"{counts.spurious:,}",
        f"{counts.uncounted:,}" if counts.uncounted else "",
        f"<b>{_share(counts.matched, counts.matched + counts.missed)}</b>",
        _DICE.written(counts.mean_dice),
        *(thirds if len(thirds) == 3 else ("–",) * 3),
    )
    return (
        f'<tr class="mark region{number % 6}"><td>{escape(region)}</td>'
        + "".join(f"<td>{each}</td>" for each in cells)
        + "</tr>"
    )


def _third(third: Third, unit: str) -> str:
    return (
        f"{_share(third.found, third.n)} <span>of {third.n:,}, "
        f"up to {amount(third.up_to, unit)}</span>"
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"


def _lesions_table(lesions: Sequence[Listed], regions: Sequence[str], *, flat: bool) -> str:
    present = [kind for kind in _KINDS if any(each.lesion.kind == kind for each in lesions)]
    columns = [
        Column("Case", is_text=True, searched=True),
        Column("Region", is_text=True, choices=regions),
        Column("Kind", is_text=True, choices=present),
        Column("Size [px]" if flat else "Size [mm³]"),
        Column("Dice"),
        Column("HD95 [px]" if flat else "HD95 [mm]"),
        Column("Centre [voxel]", is_text=True),
        Column("Counted", is_text=True, choices=("yes", "no")),
    ]
    distance = Measure("HD95", "px" if flat else "mm", "low")
    return sortable_table(columns, _rows(lesions, distance))


def _rows(lesions: Sequence[Listed], distance: Measure) -> Iterator[list[str]]:
    for case, region, lesion in lesions:
        yield [
            text_cell(case),
            text_cell(region),
            f'<td class="text {lesion.kind}">{lesion.kind}</td>',
            cell(lesion.size, f"{lesion.size:,.0f}"),
            cell(lesion.dice, _DICE.written(lesion.dice)),
            cell(lesion.hd95_mm, distance.written(lesion.hd95_mm)),
            text_cell(", ".join(f"{place:.0f}" for place in lesion.centre)),
            text_cell("yes" if lesion.counted else "no"),
        ]
