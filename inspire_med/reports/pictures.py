"""Pictures: the worst, middle and best cases of an evaluation, panel by panel, for its report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from numpy.typing import NDArray

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.evaluation.case import known_values, regions_under
from inspire_med.evaluation.cohort import Cohort
from inspire_med.evaluation.grey_case import read_pictures
from inspire_med.evaluation.measures.threshold_curves import stretched
from inspire_med.evaluation.protocols import MaskProtocol, PictureProtocol, Protocol
from inspire_med.evaluation.statistics.extremes import notable_cases, rank_cases
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.labels import read_labels, where_judged
from inspire_med.imaging.masks import region_masks
from inspire_med.imaging.resample import in_order_of, on_grid_of
from inspire_med.reports.case_view import case_grid, read_channels
from inspire_med.reports.formatting import mean_of
from inspire_med.reports.svg import inline_svg
from inspire_med.viz.panels import Panel, case_panels, draw

_SIDE = 220  # px of a panel's longer side


@dataclass(frozen=True)
class Picture:
    """A case to look at.

    Attributes:
        group: `worst`, `median`, `best` or `all`.
        case: Its id.
        score: By which it was chosen.
        panels: What is shown of it; the masks lie over the last of its channels.
        ranked_by: What the score is.
    """

    group: str
    case: str
    score: float
    panels: Sequence[Panel]
    ranked_by: str = "mean Dice"


class _Masks(NamedTuple):
    """What is laid over the scan, on the reference's grid."""

    reference: NDArray[np.bool_]
    prediction: NDArray[np.bool_]
    spacing_mm: Sequence[float]
    affine: NDArray[Any] | None


def notable_pictures(cohort: Cohort, manifest: Manifest | None) -> list[Picture]:
    """Pictures of the cases that are worst, in the middle and best by the first measure.

    Each channel that a region is best seen on is shown, by the manifest's task, and the masks lie
    over the last region's; without any it is the first channel.

    Args:
        cohort: The scores, and where the masks lie.
        manifest: Where the scans lie that are drawn under the masks; those that are not there, or
            cannot be read, are black.
    """
    if not cohort.pairing.pairs:
        return []  # a whole set in one file: no case has a mask of its own
    cases = {case.id: case for case in manifest.cases} if manifest else {}
    seen_on = manifest.task.seen_on if manifest else {}
    wanted = list(dict.fromkeys(seen_on[each] for each in cohort.summaries if each in seen_on))
    name, measure = next(iter(cohort.protocol.measures.items()))
    ranked, words = rank_cases(cohort.scores, name, measure.better), mean_of(measure.title)
    return [
        Picture(group, _named(cohort, case), score, _panels(cohort, case, cases, wanted), words)
        for group, members in notable_cases(ranked).items()
        for case, score in members
    ]


def panel_svg(panel: Panel, case: str) -> Markup:
    """A panel as a drawing that needs nothing else; the marks of sides are text."""
    rows, columns, _ = panel.pixels.shape
    figure = Figure(figsize=(columns / 72, rows / 72), facecolor="none")
    draw(figure.add_axes((0, 0, 1, 1)), panel)
    return inline_svg(figure, f"{case}: {panel.name}")


def _named(cohort: Cohort, case: str) -> str:
    """A case; of a video also the frame that is shown."""
    shown = cohort.shown(case)
    return case if shown == case else f"{case}, frame {shown}"


def _panels(
    cohort: Cohort, name: str, cases: Mapping[str, Case], wanted: Sequence[str]
) -> list[Panel]:
    shown = cohort.shown(name)
    files, case = cohort.pairing.pairs[shown], cases.get(shown)
    masks = (
        _of_labels(cohort, cohort.protocol, _grid_of(case), *files)
        if isinstance(cohort.protocol, MaskProtocol)
        else _of_map(cohort.protocol, *files)
    )
    channels = {} if case is None else _readable(case, masks.reference.shape[1:], wanted)
    image = np.concatenate(list(channels.values())) if channels else None
    return case_panels(image, *masks, channels=list(channels) or ("image",), side=_SIDE)


def _grid_of(case: Case | None) -> Grid | None:
    """Where the scans lie that masks are drawn on; None where that cannot be known."""
    try:
        return None if case is None else case_grid(case)
    except InputError:
        return None


def _of_labels(cohort: Cohort, rules: MaskProtocol, grid: Grid | None, *files: Path) -> _Masks:
    regions = regions_under(rules, cohort.references.regions)
    values = known_values(regions, cohort.references.background)
    reference = read_labels(files[0], values, cohort.references.ignore)
    prediction = read_labels(files[1], values)
    if cohort.resampled:
        prediction = on_grid_of(reference, prediction)
    prediction = where_judged(in_order_of(reference.grid, prediction), reference)
    reference, prediction = (in_order_of(grid, each) for each in (reference, prediction))
    return _Masks(
        region_masks(reference.labels, regions),
        region_masks(prediction.labels, regions),
        reference.spacing_mm,
        reference.affine,
    )


def _of_map(rules: Protocol, reference_file: Path, prediction_file: Path) -> _Masks:
    """A grey map is shown where it is above a half once stretched, as its scores have it."""
    assert isinstance(rules, PictureProtocol)
    reference, _, grey = read_pictures(reference_file, prediction_file, rules)
    return _Masks(
        reference[np.newaxis], (stretched(grey.values) > 0.5)[np.newaxis], (1.0, 1.0), None
    )


def _readable(
    case: Case, shape: tuple[int, ...], wanted: Sequence[str]
) -> Mapping[str, NDArray[Any]]:
    """The scans to draw masks on; none where they cannot be read: scores need the masks alone."""
    try:
        return read_channels(case, shape, wanted)
    except InputError:
        return {}
