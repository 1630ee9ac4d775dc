"""Label: what a label map that can be read shows and should be looked at all the same."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from inspire_med.cases.checking.finding import Finding
from inspire_med.imaging.labels import LabelMap

_OUTSIDE = 0.01  # of the label; brain masks and hand-drawn rims differ by less
_INVERTED = 0.5  # of the field of view


def label_findings(case: str, path: Path, label: LabelMap, outside: float) -> Iterator[Finding]:
    """What is odd about a label.

    Args:
        case: Id of its case.
        path: Its file.
        label: As it was read.
        outside: Share of it that lies around what the images show.
    """
    if label.note:
        cause = label.note.removeprefix(f"{path.name}: ").removesuffix(".")
        yield Finding(case, str(path), "note", cause)
    if outside > _OUTSIDE:
        cause = f"{outside:.0%} of its label lies around what the images show"
        remedy = "check that it belongs to this case, and whether it is mirrored or shifted"
        yield Finding(case, str(path), "warning", cause, remedy)
    corners = product((0, -1), repeat=label.labels.ndim)
    share = float((label.labels > 0).mean())
    if share > _INVERTED and all(label.labels[corner] > 0 for corner in corners):
        cause = f"covers {share:.0%} of the view, its corners too"
        remedy = "invert it if background and foreground are exchanged"
        yield Finding(case, str(path), "warning", cause, remedy)
