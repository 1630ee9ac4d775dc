"""Case: one prediction against its reference, region by region."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.box import joint_box
from inspire_med.evaluation.protocols import MaskProtocol, RegionPair
from inspire_med.evaluation.protocols import protocol as find_protocol
from inspire_med.evaluation.protocols.kinds import ANY_LABEL, Regions
from inspire_med.evaluation.reading.grid import GRID_TOLERANCE_MM, corner_distance_mm
from inspire_med.evaluation.reading.masks import LabelMap, label_map_of, read_label_map
from inspire_med.evaluation.result import RegionResult

FOREGROUND: dict[str, tuple[int, ...]] = {"foreground": (1,)}


def evaluate_case(
    reference: Path | NDArray[Any],
    prediction: Path | NDArray[Any],
    spacing_mm: Sequence[float] | None = None,
    protocol: str = "segmentation",
    *,
    regions: Regions | None = None,
    ignore_affine: bool = False,
) -> dict[str, RegionResult]:
    """Score one prediction under a named protocol.

    Args:
        reference: Label map `(*spatial)`, or a mask file (NIfTI labels, image binarised at 128).
        prediction: Likewise, on the same grid.
        spacing_mm: Voxel size along each axis; needed where the reference is an array, a reference
            file has its own.
        protocol: Name of the protocol.
        regions: Label values of each region. By default the protocol's own; where it has none,
            value 1 is the only region.
        ignore_affine: Compare voxel by voxel even where the files' affines differ.

    Returns:
        The result of each region: measures by name, lesions, sizes.

    Raises:
        InputError: If an input is not a mask, the grids differ, or labels stand in no region.

    Example:
        >>> truth = np.zeros((4, 4), dtype=np.uint8)
        >>> truth[1:3, 1:3] = 1
        >>> evaluate_case(truth, truth, spacing_mm=(1, 1))["foreground"].measures["dice"]
        1.0
    """
    rules = find_protocol(protocol)
    assert isinstance(rules, MaskProtocol)
    truth = _loaded(reference, spacing_mm, "reference")
    answer = _loaded(prediction, truth.spacing_mm, "prediction")
    asked = regions_under(rules, regions or FOREGROUND)
    return score_maps(truth, answer, rules, regions=asked, ignore_affine=ignore_affine)


def regions_under(rules: MaskProtocol, known: Regions) -> Regions:
    """The regions a protocol scores: its own, with the data set's label values where known.

    Args:
        rules: The protocol.
        known: The data set's regions.
    """
    if rules.regions is None:
        return known
    return {name: known.get(name, values) for name, values in rules.regions.items()}


def score_maps(
    reference: LabelMap,
    prediction: LabelMap,
    rules: MaskProtocol,
    *,
    regions: Regions,
    background: Collection[int] = (0,),
    ignore_affine: bool = False,
) -> dict[str, RegionResult]:
    """Score one label map against another; as `evaluate_case`, which reads them first.

    Args:
        reference: The truth; its spacing is used.
        prediction: On the same grid.
        rules: The protocol.
        regions: Label values of each region.
        background: Label values that may occur and belong to no region.
        ignore_affine: Compare voxel by voxel even where affines differ.

    Raises:
        InputError: If the grids differ or labels stand in no region.
    """
    check_grids(reference, prediction, ignore_affine=ignore_affine)
    shape, spacing_mm = reference.labels.shape, reference.spacing_mm
    box = joint_box(reference.labels, prediction.labels) or (slice(0, 1),) * len(shape)
    truth, answer = (np.ascontiguousarray(each.labels[box]) for each in (reference, prediction))
    if ANY_LABEL not in regions.values():
        known = {*background, *(value for values in regions.values() for value in values)}
        refuse_unknown(truth, known, reference.name)
        refuse_unknown(answer, known, prediction.name)
    origin = tuple(side.start for side in box)
    results: dict[str, RegionResult] = {}
    for region, values in regions.items():
        masks = _among(truth, values), _among(answer, values)
        pair = RegionPair(*masks, spacing_mm, shape, origin)
        results[region] = replace(rules.score(pair), sizes=_sizes(pair))
    return results


def check_grids(reference: LabelMap, prediction: LabelMap, *, ignore_affine: bool) -> None:
    """Refuse two masks that are not on one grid.

    Raises:
        InputError: If shapes differ, or corners lie more than `GRID_TOLERANCE_MM` apart.
    """
    if reference.labels.shape != prediction.labels.shape:
        raise InputError(
            f"{prediction.name}: shape {prediction.labels.shape}, but its reference "
            f"{reference.name} has {reference.labels.shape}; write it on the case's own grid."
        )
    if ignore_affine or reference.affine is None or prediction.affine is None:
        return
    shape = reference.labels.shape
    distance = corner_distance_mm(reference.affine, prediction.affine, shape)
    if not distance <= GRID_TOLERANCE_MM:
        raise InputError(
            f"{prediction.name}: its affine differs: it lies up to {distance:.2g} mm away from "
            f"{reference.name}, more than the {GRID_TOLERANCE_MM} mm that are put up with; write "
            "it on the case's own grid, or pass --ignore_affine to compare voxel by voxel."
        )


def refuse_unknown(labels: NDArray[Any], known: Collection[int], name: str) -> None:
    """Refuse labels that stand in no region.

    Raises:
        InputError: If there are any, naming them.
    """
    if _among(labels, known).all():
        return
    strange = sorted({int(value) for value in np.unique(labels)} - set(known))
    allowed = ", ".join(map(str, sorted(known)))
    raise InputError(
        f"{name}: holds label {', '.join(map(str, strange))}, which is in no region "
        f"(known: {allowed}); give the regions of this set, or map its labels first."
    )


def region_masks(labels: NDArray[Any], regions: Regions) -> NDArray[np.bool_]:
    """Masks of all regions of a label map, `(regions, *spatial)`."""
    return np.stack([_among(labels, values) for values in regions.values()])


def _among(labels: NDArray[Any], values: Collection[int]) -> NDArray[np.bool_]:
    """Where a label map holds any of these values, by one table look-up."""
    if values == ANY_LABEL:
        return np.asarray(labels != 0)
    table = np.zeros(int(labels.max(initial=0)) + 1, dtype=bool)
    table[[value for value in values if value < len(table)]] = True
    return table[labels]


def _sizes(pair: RegionPair) -> tuple[float, float]:
    """Of reference and prediction, in ml; in pixels for images."""
    unit = float(np.prod(pair.spacing_mm)) / (1000 if len(pair.shape) == 3 else 1)
    return (
        np.count_nonzero(pair.reference) * unit,
        np.count_nonzero(pair.prediction) * unit,
    )


def _loaded(given: Path | NDArray[Any], spacing_mm: Sequence[float] | None, name: str) -> LabelMap:
    if isinstance(given, Path):
        return read_label_map(given)
    return label_map_of(np.asarray(given), spacing_mm, name)
