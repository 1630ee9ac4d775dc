"""Dots: the cases of a chart; named while they are few, light on the page when they are many."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

NAMED = 300  # more dots than this in one group bear no names: a thousand cases would be megabytes


class Dot(NamedTuple):
    """A place in a chart, in its own units, and what to read there."""

    x: float
    y: float
    text: str


def dots(group: Sequence[Dot]) -> str:
    """The dots of one group as SVG: circles that tell their names, or one path of many points."""
    if len(group) > NAMED:
        points = "".join(f"M{dot.x:.1f} {dot.y:.1f}h0" for dot in group)
        return f'<path class="many" d="{points}"/>'
    return "".join(
        f'<circle class="dot" cx="{dot.x:.1f}" cy="{dot.y:.1f}" r="2.6">'
        f"<title>{escape(dot.text)}</title></circle>"
        for dot in group
    )
