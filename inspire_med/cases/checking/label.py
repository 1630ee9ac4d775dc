"""Label: a label map read, what is wrong with it, and what should be looked at all the same."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from inspire_med.cases.checking.finding import Finding
from inspire_med.cases.checking.verdict import Expectation
from inspire_med.errors import InputError
from inspire_med.imaging.labels import LabelMap, read_labels, refuse_others

_OUTSIDE = 0.01  # of the label; brain masks and hand-drawn rims differ by less
_INVERTED = 0.5  # of the field of view


def read_label(path: Path, expected: Expectation) -> tuple[LabelMap | None, list[str]]:
    """A label, None where it cannot be read, and what is wrong with what it holds."""
    try:
        label = read_labels(path, expected.values, expected.preparation.ignore)
    except InputError as error:
        return None, [str(error)]
    try:
        refuse_others(label.labels, expected.values, label.name)
    except InputError as error:
        return label, [str(error)]
    if label.judged is not None and not label.judged.any():
        return label, [
            f"{path}: every voxel holds {expected.preparation.ignore}, the label to ignore, and "
            "nothing is learned or scored where nobody has judged; draw some of it, or leave the "
            "case out."
        ]
    return label, []


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
