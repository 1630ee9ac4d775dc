"""Doubt files: a map a case, and tables of cases and lesions, in a folder of their own."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inspire_med.files import write_text
from inspire_med.imaging.masks import among
from inspire_med.imaging.output import file_names, write_probabilities
from inspire_med.inference.doubt import (
    EIGHT_BITS,
    FINE,
    confidence,
    doubt_of_lesions,
    entropy,
    in_eight_bits,
    tempered,
)
from inspire_med.inference.postprocess import size_of_voxel
from inspire_med.inference.prediction import Prediction

FOLDER = "doubt"  # beside the masks, among which evaluate takes every volume for a case


@dataclass(frozen=True)
class CaseDoubt:
    """One case.

    Args:
        case: Its id.
        confidence: Mean over regions of the Dice that is to be expected.
        lesions: Rows of `lesions.csv`.
    """

    case: str
    confidence: float
    lesions: Sequence[Sequence[object]]


def doubt_of(
    case: str, prediction: Prediction, temperature: float, folder: Path | None
) -> CaseDoubt:
    """Find how sure the networks are of a case, one region after another.

    Args:
        case: Its id.
        prediction: Of it.
        temperature: Of their probabilities.
        folder: Gets the map of doubt in bits, if there is one: of each voxel that of the region
            which is least sure there.
    """
    voxel = size_of_voxel(prediction.placement.shape, prediction.placement.affine)
    is_picture = prediction.placement.affine is None
    least = EIGHT_BITS if is_picture else FINE
    promised: list[float] = []
    lesions: list[list[object]] = []
    bits = None if folder is None else np.zeros(prediction.labels.shape, np.float32)
    for index, (region, values) in enumerate(prediction.regions.items()):
        said = prediction.probability(index)
        said = in_eight_bits(said) if is_picture else said
        mask = among(prediction.labels, values)
        promised.append(confidence(said, mask, temperature, least))
        chances = tempered(said, temperature, least)
        for each in doubt_of_lesions(chances, mask, voxel):
            centre = " ".join(f"{place:.1f}" for place in each.centre)
            lesions.append([case, region, centre, f"{each.size:.4g}", f"{each.confidence:.4f}"])
        if bits is not None:
            np.maximum(bits, entropy(chances), out=bits)
    if folder is not None and bits is not None:
        name, _ = file_names(case, is_picture=is_picture)
        write_probabilities(folder / name, bits[None], prediction.placement)
    return CaseDoubt(case, float(np.mean(promised)), lesions)


def write_tables(folder: Path, cases: Sequence[CaseDoubt], limit: float | None) -> None:
    """Write `cases.csv`, the least sure first, and `lesions.csv`."""
    ordered = sorted(cases, key=lambda each: each.confidence)
    looked = [[own.case, f"{own.confidence:.4f}", refers(own, limit)] for own in ordered]
    _write(folder / "cases.csv", ["case", "confidence", "refer"], looked)
    lesions = [row for own in cases for row in own.lesions]
    _write(folder / "lesions.csv", ["case", "region", "centre", "size", "confidence"], lesions)


def refers(case: CaseDoubt, limit: float | None) -> str:
    """`yes` below the limit of confidence, `no`, or empty where none is known."""
    if limit is None:
        return ""
    return "yes" if case.confidence < limit else "no"


def _write(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    write_text(path, text.getvalue())
