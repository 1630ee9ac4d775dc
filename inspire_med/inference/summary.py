"""Summary: what was found in a case, in numbers that a report can quote."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures.diameter import diameter_mm, slice_diameter_mm
from inspire_med.evaluation.measures.lesions import Parts, components
from inspire_med.imaging.masks import among
from inspire_med.inference.postprocess import size_of_voxel
from inspire_med.inference.prediction import Prediction

# RAS+: towards plus, towards minus.
_WAYS = ("RL", "AP", "SI")


def summary_of(prediction: Prediction) -> dict[str, dict[str, Any]]:
    """Each region's size, lesions (connected parts, 26 or 8 neighbours), diameters and place.

    Of a volume: `volume_ml`, `lesions`, `largest_lesion_ml`, `diameter_mm` (the largest of any
    lesion, in space), `axial_diameter_mm` (within one slice of those that are closest to axial
    ones), and of the largest lesion `centre_ras_mm` and `site`, in the patient's coordinates, as
    scanners write them: `L12.3 P30.1 S5.0`. Of a picture: `area_percent`, `area_pixels`, `lesions`,
    `largest_lesion_percent`, `diameter_pixels` and `centre_xy`. Without lesions these are None.
    """
    affine = prediction.placement.affine
    voxel = size_of_voxel(prediction.placement.shape, affine)
    found: dict[str, dict[str, Any]] = {}
    for region, values in prediction.regions.items():
        parts = components(among(prediction.labels, values))
        found[region] = _picture(parts, voxel) if affine is None else _volume(parts, voxel, affine)
    return found


def _volume(parts: Parts, voxel: float, affine: NDArray[np.float64]) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        "volume_ml": round(float(parts.sizes.sum()) * voxel, 6),
        "lesions": len(parts),
        "largest_lesion_ml": None,
        "diameter_mm": None,
        "axial_diameter_mm": None,
        "centre_ras_mm": None,
        "site": None,
    }
    if not len(parts):
        return numbers
    largest, to_mm = int(parts.sizes.argmax()), affine[:3, :3]
    widths = np.linalg.norm(to_mm, axis=0)
    axial = int(np.argmax(np.abs(to_mm[2] / widths)))
    centre = affine[:3, :3] @ parts.centres[:, largest] + affine[:3, 3]
    return numbers | {
        "largest_lesion_ml": round(float(parts.sizes[largest]) * voxel, 6),
        "diameter_mm": round(_longest(parts, to_mm), 3),
        "axial_diameter_mm": round(_longest(parts, to_mm, axial), 3),
        "centre_ras_mm": [round(float(place), 3) for place in centre],
        "site": " ".join(map(_place, _WAYS, centre)),
    }


def _place(way: str, mm: float) -> str:
    return f"{way[int(mm < 0)]}{abs(mm):.1f}"


def _picture(parts: Parts, pixel: float) -> dict[str, Any]:
    count = int(parts.sizes.sum())
    largest = int(parts.sizes.argmax()) if len(parts) else None
    return {
        "area_percent": round(count * pixel, 4),
        "area_pixels": count,
        "lesions": len(parts),
        "largest_lesion_percent": None if largest is None else round(
            float(parts.sizes[largest]) * pixel, 4
        ),
        "diameter_pixels": None if largest is None else round(_longest(parts, np.eye(2)), 3),
        "centre_xy": None if largest is None else [
            round(float(place), 1) for place in parts.centres[::-1, largest]
        ],
    }  # fmt: skip


def _longest(parts: Parts, to_mm: NDArray[np.float64], axis: int | None = None) -> float:
    """The largest diameter of any part; parts whose boxes are too small for it are passed over."""
    boxes = np.linalg.norm(np.abs(to_mm) @ (parts.highs - parts.lows), axis=0)
    longest = 0.0
    for part in np.argsort(-boxes):
        if boxes[part] <= longest:
            break
        voxels = parts.positions[:, parts.starts[part] : parts.starts[part + 1]]
        own = diameter_mm(voxels, to_mm) if axis is None else slice_diameter_mm(voxels, to_mm, axis)
        longest = max(longest, own)
    return longest
