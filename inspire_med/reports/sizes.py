"""Sizes: whether predictions get the size right, and whether small regions score worse."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.result import CaseScores
from inspire_med.evaluation.statistics.summary import few_note
from inspire_med.reports.charts import Dot, agreement_chart, size_chart
from inspire_med.reports.formatting import amount, in_cell
from inspire_med.wording import counted

_WITHIN = 1.96  # standard deviations that hold 95 % of normally distributed differences


@dataclass(frozen=True)
class Agreement:
    """Differences, prediction minus reference, over cases.

    Attributes:
        bias: Their mean.
        limits: 95 % limits of agreement, bias -+ 1.96 standard deviations (n - 1); None below
            two cases.
        n: How many cases.
    """

    bias: float
    limits: tuple[float, float] | None
    n: int


@dataclass(frozen=True)
class SizeFigure:
    """A chart of one region; without a drawing where there is nothing to draw.

    Attributes:
        title: What it shows.
        drawing: As SVG.
        note: What it says, and what is not drawn.
        number: The region's, which gives the colour.
    """

    title: str
    drawing: Markup | str
    note: str
    number: int


@dataclass(frozen=True)
class _Sized:
    """One region of one case: sizes of reference and prediction, and its first measure."""

    case: str
    reference: float
    prediction: float
    score: float


def agreement(sizes: Sequence[tuple[float, float]]) -> Agreement | None:
    """How well (reference, prediction) sizes agree; None without any.

    Source: Bland and Altman, Statistical methods for assessing agreement between two methods of
    clinical measurement, Lancet 1986.
    """
    if not sizes:
        return None
    differences = np.array([prediction - reference for reference, prediction in sizes])
    bias = float(differences.mean())
    if len(differences) == 1:
        return Agreement(bias, None, 1)
    half = _WITHIN * float(differences.std(ddof=1))
    return Agreement(bias, (bias - half, bias + half), len(differences))


def size_figures(
    cases: Sequence[CaseScores],
    first: Mapping[str, str],
    words: Mapping[str, Measure],
    unit: str,
) -> list[SizeFigure]:
    """The agreement of sizes, a figure a region, then the first measure of each by size.

    Args:
        cases: The scores with their sizes; regions in which no case has any are left out.
        first: The first measure of each region, in the order that gives regions their colours.
        words: How each measure is written.
        unit: Of the sizes.
    """
    agreements: list[SizeFigure] = []
    scores: list[SizeFigure] = []
    for number, (region, name) in enumerate(first.items()):
        members = _sized(cases, region, name)
        if members:
            agreements.append(_agreement_figure(region, members, unit, number))
            scores.append(_score_figure(region, members, words[name], unit, number))
    return agreements + scores


def _sized(cases: Sequence[CaseScores], region: str, measure: str) -> list[_Sized]:
    """The cases whose sizes are known."""
    return [
        _Sized(each.case, *result.sizes, result.measures.get(measure, math.nan))
        for each in cases
        if (result := each.regions.get(region)) and all(map(math.isfinite, result.sizes))
    ]


def _agreement_figure(region: str, members: list[_Sized], unit: str, number: int) -> SizeFigure:
    present = [each for each in members if each.reference or each.prediction]
    found = agreement([(each.reference, each.prediction) for each in present])
    title, drawing = f"{region}: difference in size", ""
    if found is not None:
        dots = [
            Dot((each.reference + each.prediction) / 2, by, f"{each.case}: {amount(by, unit)}")
            for each in present
            for by in [each.prediction - each.reference]
        ]
        drawing = agreement_chart(dots, found.bias, found.limits or (), unit, title, number)
    note = _agreement_words(found, unit, empty=len(members) - len(present))
    return SizeFigure(title, drawing, note, number)


def _agreement_words(found: Agreement | None, unit: str, empty: int) -> str:
    left_out = f" {counted(empty, 'case')} where both are empty left out." if empty else ""
    if found is None:
        return f"No sizes to compare.{left_out}"
    bias = f"Bias {amount(found.bias, unit)}"
    if found.limits is None:
        return f"{bias} (one case, so no limits).{left_out}"
    low, high = (amount(limit, unit) for limit in found.limits)
    of_cases = few_note(found.n, None) or f"n = {found.n:,}"
    return f"{bias}, limits of agreement {low} to {high}, {of_cases}.{left_out}"


def _score_figure(
    region: str, members: list[_Sized], measure: Measure, unit: str, number: int
) -> SizeFigure:
    present = [each for each in members if each.reference]
    drawn = [each for each in present if math.isfinite(each.score)]
    title, drawing = f"{region}: {measure.title} by size", ""
    if drawn:
        dots = [
            Dot(
                each.reference,
                each.score,
                f"{each.case}: {amount(each.reference, unit)}, {in_cell(measure, each.score)}",
            )
            for each in drawn
        ]
        drawing = size_chart(dots, measure, unit, title, number)
    note = _score_words(members, undefined=len(present) - len(drawn))
    return SizeFigure(title, drawing, note, number)


def _score_words(members: list[_Sized], undefined: int) -> str:
    """What is not drawn: cases whose reference is empty, or whose score is undefined."""
    empty = [each for each in members if not each.reference]
    parts = [f"{counted(len(members) - len(empty) - undefined, 'case')} drawn."]
    if undefined:
        parts.append(f"{counted(undefined, 'undefined score')} not drawn.")
    if empty:
        rightly = sum(not each.prediction for each in empty)
        parts.append(
            f"{counted(len(empty), 'case')} with an empty reference not drawn: "
            f"{rightly:,} predicted empty, {len(empty) - rightly:,} not."
        )
    return " ".join(parts)
