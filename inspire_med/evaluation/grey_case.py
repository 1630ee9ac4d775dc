"""Grey case: one picture, a grey map or a mask, against its reference."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.threshold_curves import stretched
from inspire_med.evaluation.protocols.kinds import MapProtocol, PictureProtocol
from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.imaging.grey_map import (
    GreyMap,
    fitted,
    read_grey_map,
    read_official_mask,
)
from inspire_med.imaging.volume import is_volume


def score_picture(
    case: str, reference: Path, prediction: Path, rules: PictureProtocol
) -> CaseScores:
    """Read and score one picture; a map of another size is resized to its reference's.

    Raises:
        InputError: If a file is not what it should be.
    """
    mask, note, grey = read_pictures(reference, prediction, rules)
    results = score_grey(mask, grey.values, rules)
    notes = tuple(filter(None, (note, grey.note)))
    return CaseScores(case, results, notes, thresholded=grey.thresholded)


def read_pictures(
    reference: Path, prediction: Path, rules: PictureProtocol
) -> tuple[NDArray[np.bool_], str, GreyMap]:
    """The mask of a reference, what is to be said of it, and what is predicted on its grid.

    Raises:
        InputError: If a file is not what it should be.
    """
    for path in (reference, prediction):
        if is_volume(path):
            raise InputError(f"{path}: a volume; protocol {rules.name} scores images.")
    mask, note = read_official_mask(reference, rules.white_above)
    if isinstance(rules, MapProtocol):
        return mask, note, fitted(read_grey_map(prediction), mask.shape)
    found, said = read_official_mask(prediction, rules.white_above)
    return mask, note, fitted(GreyMap(found.astype(np.float64), str(prediction), said), mask.shape)


def score_grey(
    reference: NDArray[Any], prediction: NDArray[Any], rules: PictureProtocol
) -> dict[str, RegionResult]:
    """Score a map in [0, 1], or of 8 bits, against a mask of its shape, (height, width).

    The mask holds 0 and 1, or grey of 8 bits that is foreground as in files.

    Raises:
        InputError: If shapes differ, or values are neither of these.
    """
    grey = np.asarray(prediction)
    mask = _mask(np.asarray(reference), rules)
    if mask.ndim != 2 or grey.shape != mask.shape or mask.size == 0:
        raise InputError(
            f"prediction: shape {grey.shape}, reference {mask.shape}; protocol {rules.name} takes "
            "two images (height, width) of one size."
        )
    if grey.dtype == np.uint8 and not isinstance(rules, MapProtocol):
        grey = grey > rules.white_above
    values = grey / 255 if grey.dtype == np.uint8 else grey.astype(np.float64)
    if not (values.min() >= 0 and values.max() <= 1):
        raise InputError(
            f"prediction: values from {values.min():g} to {values.max():g}; protocol {rules.name} "
            "takes probabilities between 0 and 1, or 8-bit greys."
        )
    sizes = float(mask.sum()), float((stretched(values) > 0.5).sum())  # as dice@0.5 has it
    return {rules.region: replace(rules.score(mask, values), sizes=sizes)}


def _mask(reference: NDArray[Any], rules: PictureProtocol) -> NDArray[np.bool_]:
    if reference.dtype == np.uint8 and (reference > 1).any():
        return np.asarray(reference > rules.white_above)
    if not np.isin(reference, (0, 1)).all():
        raise InputError(
            f"reference: holds values other than 0 and 1; protocol {rules.name} takes a mask, or "
            "8-bit grey."
        )
    return reference != 0
