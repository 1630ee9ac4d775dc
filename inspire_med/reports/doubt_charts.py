"""Doubt charts: what was said and what came true, and what it brings to look at the least sure."""

from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup
from matplotlib.axes import Axes

from inspire_med.reports.charts import (
    HEIGHT,
    QUARTERS,
    Dot,
    draw_dots,
    finished,
    round_ticks,
    scale,
)
from inspire_med.reports.svg import INK, SOFT, blank_axes, region_colour
from inspire_med.tuning.referral import WRONG_BELOW, Referral, risk_coverage

_DASHES = (0, (5, 3))


def calibration_chart(lines: Sequence[Sequence[Mapping[str, float]]]) -> Markup:
    """How often probabilities came true, a line each, beside what they said.

    Args:
        lines: Points as `calibration.curve` gives them.
    """
    axes = blank_axes(HEIGHT)
    scale(axes, "x", QUARTERS, "probability that was said")
    scale(axes, "y", QUARTERS, "share that came true")
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle=_DASHES)
    tips: dict[str, list[str]] = {}
    for number, points in enumerate(lines):
        dots = [Dot(each["said"], each["true"], _told(each)) for each in points]
        colour = region_colour(number)
        axes.plot([at.x for at in dots], [at.y for at in dots], color=colour, linewidth=2)
        tips |= draw_dots(axes, dots, colour, f"line{number}")
    return finished(axes, "calibration", tips)


def risk_coverage_chart(referral: Referral) -> Markup:
    """Mean 1 - Dice of the surest cases: by confidence, by Dice itself, by chance."""
    axes = blank_axes(HEIGHT)
    orders = referral.outcomes, referral.by_dice
    curves = [list(zip(*risk_coverage(order), strict=True)) for order in orders]
    chance = referral.areas["by_chance"]
    highest = [risk for _, risks in curves for risk in risks]
    scale(axes, "x", QUARTERS, "share of the cases, the surest first")
    scale(axes, "y", round_ticks([*highest, chance]), "their mean 1 − Dice")
    for number, (shares, risks) in enumerate(curves):
        colour = region_colour(number)
        _line(axes, (0, *shares), (risks[0], *risks), colour)
    axes.axhline(chance, color=region_colour(2), linewidth=2)
    return finished(axes, "risk and coverage")


def confidence_chart(referral: Referral) -> Markup:
    """Every case a dot: its confidence and its Dice, with the limits of both."""
    axes = blank_axes(HEIGHT)
    dots = [
        Dot(each.confidence, each.dice, f"{each.id}: {each.confidence:.3f}, Dice {each.dice:.3f}")
        for each in referral.outcomes
    ]
    scale(axes, "x", QUARTERS, "confidence")
    scale(axes, "y", QUARTERS, "Dice, mean over regions")
    axes.axvline(referral.limit, color=INK, linewidth=1.3, linestyle=_DASHES)
    axes.axhline(WRONG_BELOW, color=SOFT, linewidth=1)
    return finished(axes, "confidence and Dice", draw_dots(axes, dots, region_colour(0)))


def _line(axes: Axes, x: Iterable[float], y: Iterable[float], colour: str) -> None:
    axes.plot(list(x), list(y), color=colour, linewidth=2, clip_on=False)


def _told(point: Mapping[str, float]) -> str:
    said, true, voxels = point["said"], point["true"], point["voxels"]
    return f"said {said:.3f}, came true {true:.3f}: {voxels:,.0f} voxels"
