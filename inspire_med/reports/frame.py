"""Frame: a chart of two quantities, with axes, grid and their names, as inline SVG."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from inspire_med.reports.axes import Axis
from inspire_med.reports.formatting import tick_text

_WIDTH, _HEIGHT = 420, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 12, 48


@dataclass(frozen=True)
class Frame:
    """What a chart's two directions show.

    Attributes:
        across: The scale from left to right.
        up: The scale from bottom to top.
        across_title: What is measured from left to right, with its unit.
        up_title: Likewise upwards.
    """

    across: Axis
    up: Axis
    across_title: str
    up_title: str

    def x(self, value: float) -> float:
        """Where a value stands from left to right, in the chart's own units."""
        return _LEFT + self.across.share(value) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Where a value stands from the top down, in the chart's own units."""
        return _HEIGHT - _BOTTOM - self.up.share(value) * (_HEIGHT - _TOP - _BOTTOM)

    def level(self, value: float, name: str) -> str:
        """A line across the whole chart; `name` is its class in the style sheet."""
        y = self.y(value)
        return (
            f'<line class="{name}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )

    def line(self, points: Iterable[tuple[float, float]]) -> str:
        """A line through points, left to right."""
        places = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        return f'<polyline class="curve" points="{places}"/>'

    def svg(self, content: str, title: str) -> str:
        """The whole chart; `content` is SVG in the chart's own units, `title` is text."""
        return (
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
            f"{self._columns()}{self._rows()}{content}</svg>"
        )

    def _columns(self) -> str:
        bottom = _HEIGHT - _BOTTOM
        ticks = "".join(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
            f'<text class="tick" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">'
            f"{tick_text(tick)}</text>"
            for tick, x in ((tick, self.x(tick)) for tick in self.across.ticks)
        )
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        return (
            f'{ticks}<text class="axis" x="{middle}" y="{_HEIGHT - 10}" text-anchor="middle">'
            f"{escape(self.across_title)}</text>"
        )

    def _rows(self) -> str:
        ticks = "".join(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{_LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">'
            f"{tick_text(tick)}</text>"
            for tick, y in ((tick, self.y(tick)) for tick in self.up.ticks)
        )
        middle = (_TOP + _HEIGHT - _BOTTOM) / 2
        return (
            f'{ticks}<text class="axis" x="14" y="{middle}" text-anchor="middle" '
            f'transform="rotate(-90 14 {middle})">{escape(self.up_title)}</text>'
        )
