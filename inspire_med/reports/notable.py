"""Notable: strips of the worst, middle and best cases of an evaluation, for its report."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspire_med.cases.case import Case
from inspire_med.errors import InputError
from inspire_med.evaluation.case import regions_under
from inspire_med.evaluation.cohort import Cohort
from inspire_med.evaluation.measures.threshold_curves import stretched
from inspire_med.evaluation.protocols import MaskProtocol
from inspire_med.evaluation.statistics.extremes import notable_cases, rank_cases
from inspire_med.imaging.grey_map import fitted, read_grey_map, read_official_mask
from inspire_med.imaging.labels import read_label_map
from inspire_med.imaging.masks import region_masks
from inspire_med.imaging.regrid import on_grid_of
from inspire_med.reports.case_view import read_background
from inspire_med.reports.pictures_section import Picture
from inspire_med.viz import case_strip


def notable_pictures(cohort: Cohort, cases: Mapping[str, Case]) -> list[Picture]:
    """Pictures of the cases that are worst, in the middle and best by the first measure.

    Args:
        cohort: The scores, and where the masks lie.
        cases: The manifest's cases by id, whose scans are drawn under the masks; those that are
            not there, or cannot be read, are drawn on black.
    """
    if not cohort.pairing.pairs:
        return []  # a whole set in one file: no case has a mask of its own
    name, measure = next(iter(cohort.protocol.measures.items()))
    ranked = rank_cases(cohort.scores, name, measure.better)
    return [
        Picture(group, case, score, _strip(cohort, case, cases.get(case)), f"mean {measure.title}")
        for group, members in notable_cases(ranked).items()
        for case, score in members
    ]


def _strip(cohort: Cohort, name: str, case: Case | None) -> bytes:
    files = cohort.pairing.pairs[name]
    truth, answer, spacing_mm, affine = (
        _masks(cohort, cohort.protocol, *files)
        if isinstance(cohort.protocol, MaskProtocol)
        else _of_map(*files)
    )
    background = None if case is None else _background(case, truth.shape[1:])
    strip = case_strip(background, truth, answer, spacing_mm, affine)
    png = io.BytesIO()
    Image.fromarray(strip).save(png, format="png", optimize=True)
    return png.getvalue()


def _masks(cohort: Cohort, rules: MaskProtocol, *files: Path) -> tuple[Any, ...]:
    truth, answer = map(read_label_map, files)
    if cohort.resampled:
        answer = on_grid_of(truth, answer)
    regions = regions_under(rules, cohort.references.regions)
    masks = (region_masks(each.labels, regions) for each in (truth, answer))
    return (*masks, truth.spacing_mm, truth.affine)


def _of_map(reference: Path, prediction: Path) -> tuple[Any, ...]:
    """A grey map is shown where it is above a half once stretched, as its scores have it."""
    truth, _ = read_official_mask(reference)
    answer = fitted(read_grey_map(prediction), truth.shape)
    return truth[np.newaxis], (stretched(answer.values) > 0.5)[np.newaxis], (1.0, 1.0), None


def _background(case: Case, shape: tuple[int, ...]) -> NDArray[Any] | None:
    """The scan to draw masks on; none where it cannot be read: scores need the masks alone."""
    try:
        return read_background(case, shape)
    except InputError:
        return None
