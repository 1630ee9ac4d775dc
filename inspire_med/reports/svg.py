"""Svg: a matplotlib figure as a drawing inside the page, in the page's own colours and type."""

import io
import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Colours that stand for variables of the style sheet, which has them in light and dark.
INK, SOFT, LINE, CARD = "#000001", "#000002", "#000003", "#000004"
_VARIABLES = {INK: "ink", SOFT: "soft", LINE: "line", CARD: "card"} | {
    f"#0000a{number}": f"region{number}" for number in range(6)
}
_SVG, _LINK = "http://www.w3.org/2000/svg", "{http://www.w3.org/1999/xlink}href"
_PLACES = ("d", "x", "y", "width", "height", "transform")

ElementTree.register_namespace("", _SVG)


def region_colour(number: int) -> str:
    """The colour of a region by its place among all; beyond the palette it starts again."""
    return f"#0000a{number % 6}"


def blank_axes(height: float, width: float = 420) -> Axes:
    """Axes without a frame on a figure of so many pixels; lines and words in the page's colours."""
    figure = Figure(figsize=(width / 72, height / 72), dpi=72, facecolor="none")
    axes = figure.add_subplot(facecolor="none")
    axes.spines[:].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(color=LINE, linewidth=1)
    axes.tick_params(left=False, bottom=False, labelsize=11, labelcolor=SOFT, pad=6)
    for name in (axes.xaxis.label, axes.yaxis.label):
        name.set(color=SOFT, fontsize=12)
    return axes


def inline_svg(
    figure: Figure, title: str, tips: Mapping[str, Sequence[str]] | None = None
) -> Markup:
    """The figure as an `svg` element that scales with the page.

    Args:
        figure: Drawn in the colours of this file.
        title: What it shows, for those who do not see it.
        tips: By an artist's `gid`, what to read when its markers or lines are pointed at.
    """
    written = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": title}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(written.getvalue())
    for gid, texts in (tips or {}).items():
        _name_markers(root, gid, texts)
    _lighten(root)
    for size in ("width", "height", "version"):
        del root.attrib[size]
    root.attrib |= {"role": "img", "aria-label": title}
    text = ElementTree.tostring(root, encoding="unicode")
    colours = re.sub("#0000(0[1-4]|a[0-5])", lambda at: f"var(--{_VARIABLES[at[0]]})", text)
    return Markup(colours)


def _name_markers(root: ElementTree.Element, gid: str, texts: Sequence[str]) -> None:
    group = f".//*[@id='{gid}']//{{{_SVG}}}"
    markers = root.findall(f"{group}use") or root.findall(f"{group}path")
    for marker, text in zip(markers, texts, strict=True):
        ElementTree.SubElement(marker, f"{{{_SVG}}}title").text = text


def _lighten(root: ElementTree.Element) -> None:
    """Leave out what is of matplotlib alone: names, metadata, its fonts, digits below 0.01 px."""
    root.remove(root.findall(f"{{{_SVG}}}metadata")[0])
    for definitions in root.findall(f"{{{_SVG}}}defs"):  # a style for the whole page, and clips
        root.remove(definitions)
    named = {each.attrib[_LINK].removeprefix("#") for each in root.iter() if _LINK in each.attrib}
    for each in root.iter():
        each.tail = None
        each.attrib.pop("clip-path", None)
        if _LINK in each.attrib:
            each.set("href", "".join(each.attrib.pop(_LINK).split()))
        if each.get("id") not in named:
            each.attrib.pop("id", None)
        if each.tag != f"{{{_SVG}}}text":
            each.text = (each.text or "").strip() or None
        if "style" in each.attrib:
            each.set("style", re.sub("font-family: [^;]*; ?", "", each.attrib["style"]))
        for place in each.attrib.keys() & set(_PLACES):
            short = re.sub(r"(\.\d\d)\d+", r"\1", each.attrib[place])
            each.set(place, " ".join(short.split()))
