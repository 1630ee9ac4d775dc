"""Doubt files: a map a case, and a page and tables of all, in a folder of their own."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inspire_med.files import write_text
from inspire_med.imaging.masks import among
from inspire_med.imaging.output import file_names, write_probabilities
from inspire_med.inference.doubt import (
    EIGHT_BITS,
    FINE,
    Calibration,
    Doubt,
    LesionDoubt,
    calibrated,
    confidence,
    doubt_of_lesions,
    entropy,
    in_eight_bits,
)
from inspire_med.inference.postprocess import size_of_voxel
from inspire_med.inference.prediction import Prediction
from inspire_med.reports.doubt_page import FILE, CaseDoubt, doubt_html, least_sure_first

FOLDER = "doubt"  # beside the masks, among which evaluate takes every volume for a case
_CASES, _LESIONS = "cases.csv", "lesions.csv"


def doubt_of(
    case: str, prediction: Prediction, calibration: Calibration, folder: Path | None
) -> CaseDoubt:
    """Find how sure the networks are of a case, one region after another.

    Args:
        case: Its id.
        prediction: Of it.
        calibration: Of their probabilities.
        folder: Gets the map of doubt in bits, if there is one: of each voxel that of the region
            which is least sure there.
    """
    voxel = size_of_voxel(prediction.placement.shape, prediction.placement.affine)
    is_picture = prediction.placement.affine is None
    least = EIGHT_BITS if is_picture else FINE
    promised: dict[str, float] = {}
    lesions: list[tuple[str, LesionDoubt]] = []
    bits = None if folder is None else np.zeros(prediction.labels.shape, np.float32)
    for index, (region, values) in enumerate(prediction.regions.items()):
        said = prediction.maps[index]
        said = in_eight_bits(said) if is_picture else said
        mask = among(prediction.labels, values)
        promised[region] = confidence(said, mask, calibration, least)
        for place, plane in enumerate(said):  # in pieces, for the sake of memory
            plane[...] = calibrated(plane, calibration, least)
            if bits is not None:
                np.maximum(bits[place], entropy(plane), out=bits[place])
        lesions += [(region, each) for each in doubt_of_lesions(said, mask, voxel)]
    if folder is not None and bits is not None:
        name, _ = file_names(case, is_picture=is_picture)
        write_probabilities(folder / name, [bits], prediction.placement)
    return CaseDoubt(case, promised, lesions)


def write_tables(
    folder: Path, cases: Sequence[CaseDoubt], doubt: Doubt, limit: float | None, unit: str
) -> None:
    """Write `cases.html` and `cases.csv`, the least sure first, and `lesions.csv`.

    Args:
        folder: For them.
        cases: At least one.
        doubt: What is known of the networks.
        limit: The confidence below which a person should look; None where none is known.
        unit: Of lesions' sizes.
    """
    looked = [
        [own.case, f"{own.confidence:.4f}", own.refers(limit)] for own in least_sure_first(cases)
    ]
    lesions = [_row(own.case, *each) for own in cases for each in own.lesions]
    page = doubt_html(cases, doubt, limit, unit, {"Masks": str(folder.parent.resolve())})
    _write(folder / _CASES, ["case", "confidence", "refer"], looked)
    _write(folder / _LESIONS, ["case", "region", "centre", "size", "confidence"], lesions)
    write_text(folder / FILE, page)


def remove_tables(folder: Path) -> None:
    """Remove those of an earlier request, before the first of its masks is replaced."""
    for name in (_CASES, _LESIONS, FILE):
        (folder / name).unlink(missing_ok=True)


def _row(case: str, region: str, lesion: LesionDoubt) -> list[str]:
    centre = " ".join(f"{place:.1f}" for place in lesion.centre)
    return [case, region, centre, f"{lesion.size:.4g}", f"{lesion.confidence:.4f}"]


def _write(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    write_text(path, text.getvalue())
