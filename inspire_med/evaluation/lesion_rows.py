"""Lesion rows: every lesion of a case as a row of a table, found or not, for the eye.

What is found under a protocol is that protocol's to say; here it is the plainest rule there is.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspire_med.evaluation.measures.lesions import components
from inspire_med.evaluation.measures.matching import lesion_table, match
from inspire_med.evaluation.result import Lesion


def lesion_rows(
    reference: NDArray[np.bool_] | None,
    prediction: NDArray[np.bool_],
    regions: Sequence[str],
    spacing_mm: Sequence[float],
) -> pd.DataFrame:
    """The lesions of each region from large to small.

    Lesions are connected by faces, edges or corners. One of the reference is `matched` where the
    prediction has a voxel of it, else `missed`; one of the prediction without a voxel of the
    reference is `spurious`. Without a reference those of the prediction are `predicted`.

    Args:
        reference: `(regions, *spatial)`, or None.
        prediction: Likewise.
        regions: Their names.
        spacing_mm: Voxel size along each axis.

    Returns:
        A row a lesion: `region`, `kind`, `volume_ml` (`area_px` of images), `centre` in voxels,
        and `dice` with all predicted parts that share a voxel with it, empty where it has none.
    """
    size, unit = ("volume_ml", 1000.0) if len(spacing_mm) == 3 else ("area_px", 1.0)
    rows = [
        {
            "region": region,
            "kind": "predicted" if reference is None else lesion.kind,
            size: lesion.size / unit,
            "centre": tuple(round(place, 1) for place in lesion.centre),
            "dice": lesion.dice if lesion.kind == "matched" else float("nan"),
        }
        for at, region in enumerate(regions)
        for lesion in _lesions(
            None if reference is None else reference[at], prediction[at], spacing_mm
        )
    ]
    return pd.DataFrame(rows, columns=["region", "kind", size, "centre", "dice"])


def _lesions(
    reference: NDArray[np.bool_] | None, prediction: NDArray[np.bool_], spacing_mm: Sequence[float]
) -> list[Lesion]:
    known = np.zeros_like(prediction) if reference is None else reference
    found = match(components(known), components(prediction))
    distances = [float("nan")] * len(found.reference)  # surfaces are a protocol's matter
    lesions = lesion_table(found, distances, spacing_mm, (0,) * len(spacing_mm))
    return sorted(lesions, key=lambda each: -each.size)
