"""Sizes: do predictions get the size right, and do small regions score worse."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.result import CaseScores
from inspire_med.reports.agreement import Agreement, agreement
from inspire_med.reports.axes import measure_axis, round_axis, size_axis
from inspire_med.reports.dots import Dot, dots
from inspire_med.reports.formatting import amount, counted, in_cell, titled
from inspire_med.reports.frame import Frame


@dataclass(frozen=True)
class _Sized:
    """One region of one case: sizes of reference and prediction, and its first measure."""

    case: str
    reference: float
    prediction: float
    score: float


def sizes_section(
    cases: Sequence[CaseScores], scores: pd.DataFrame, words: Mapping[str, Measure], unit: str
) -> str:
    """Two figures a region: agreement of sizes, and size against the first measure.

    Empty where no case has sizes.

    Args:
        cases: The scores with their sizes.
        scores: The same, for the regions and the first measure of each.
        words: How each measure is written.
        unit: Of the sizes.
    """
    agreements: list[str] = []
    by_size: list[str] = []
    first = scores.drop_duplicates("region")
    for number, (region, name) in enumerate(zip(first["region"], first["measure"], strict=True)):
        members = _sized(cases, region, name)
        if not members:
            continue
        mark, measure = f"region{number % 6}", words[name]
        agreements.append(_agreement_figure(region, members, unit, mark))
        by_size.append(_score_figure(region, members, measure, unit, mark))
    if not agreements:
        return ""
    return (
        '<p class="hint">First, by how much the predicted size differs (Bland and Altman): the '
        "line is the bias, the dashed ones are the 95 % limits of agreement, bias ∓ 1.96 standard "
        "deviations, between which 19 of 20 differences are expected where they are normally "
        "distributed. Then the score against the size of the reference. Sizes that span more "
        "than two decades stand on a logarithmic axis.</p>"
        f'<div class="plots">{"".join(agreements + by_size)}</div>'
    )


def _sized(cases: Sequence[CaseScores], region: str, measure: str) -> list[_Sized]:
    """The cases whose sizes are known."""
    members: list[_Sized] = []
    for each in cases:
        result = each.regions.get(region)
        if result is not None and all(map(math.isfinite, result.sizes)):
            score = result.measures.get(measure, math.nan)
            members.append(_Sized(each.case, *result.sizes, score))
    return members


def _agreement_figure(region: str, members: list[_Sized], unit: str, mark: str) -> str:
    present = [each for each in members if each.reference or each.prediction]
    found = agreement([(each.reference, each.prediction) for each in present])
    title = f"{region}: difference in size"
    caption = _agreement_words(found, unit, empty=len(members) - len(present))
    if found is None:
        return _figure(title, "", caption, mark)
    means = [(each.reference + each.prediction) / 2 for each in present]
    differences = [each.prediction - each.reference for each in present]
    frame = Frame(
        size_axis(means),
        round_axis([*differences, *(found.limits or ())]),
        f"mean of both sizes [{unit}]",
        f"prediction − reference [{unit}]",
    )
    points = [
        Dot(frame.x(mean), frame.y(difference), f"{each.case}: {amount(difference, unit)}")
        for each, mean, difference in zip(present, means, differences, strict=True)
    ]
    lines = frame.level(0.0, "zero") + frame.level(found.bias, "bias")
    lines += "".join(frame.level(limit, "limit") for limit in found.limits or ())
    return _figure(title, frame.svg(dots(points) + lines, title), caption, mark)


def _agreement_words(found: Agreement | None, unit: str, empty: int) -> str:
    left_out = f" {counted(empty, 'case')} where both are empty left out." if empty else ""
    if found is None:
        return f"No sizes to compare.{left_out}"
    bias = f"Bias <b>{amount(found.bias, unit)}</b>"
    if found.limits is None:
        return f"{bias} (one case, so no limits).{left_out}"
    low, high = (amount(limit, unit) for limit in found.limits)
    return f"{bias}, limits of agreement <b>{low}</b> to <b>{high}</b>, n = {found.n:,}.{left_out}"


def _score_figure(
    region: str, members: list[_Sized], measure: Measure, unit: str, mark: str
) -> str:
    present = [each for each in members if each.reference]
    drawn = [each for each in present if math.isfinite(each.score)]
    title = f"{region}: {measure.title} by size"
    caption = _score_words(members, undefined=len(present) - len(drawn))
    if not drawn:
        return _figure(title, "", caption, mark)
    frame = Frame(
        size_axis([each.reference for each in drawn]),
        measure_axis([each.score for each in drawn], measure),
        f"size of the reference [{unit}]",
        titled(measure),
    )
    points = [
        Dot(
            frame.x(each.reference),
            frame.y(each.score),
            f"{each.case}: {amount(each.reference, unit)}, {in_cell(measure, each.score)}",
        )
        for each in drawn
    ]
    return _figure(title, frame.svg(dots(points), title), caption, mark)


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


def _figure(title: str, drawing: str, caption: str, mark: str) -> str:
    return (
        f'<figure class="{mark}"><figcaption>{escape(title)}</figcaption>{drawing}'
        f'<p class="note">{caption}</p></figure>'
    )
