"""Case: one prediction against its reference, region by region."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.evaluation.grey_case import score_grey, score_picture
from inspire_med.evaluation.grids import check_grids
from inspire_med.evaluation.protocols import MaskProtocol, PictureProtocol, RegionPair
from inspire_med.evaluation.protocols import protocol as find_protocol
from inspire_med.evaluation.result import RegionResult
from inspire_med.imaging.labels import (
    LabelMap,
    judged_alone,
    label_map_of,
    read_labels,
    refuse_others,
    where_judged,
)
from inspire_med.imaging.masks import (
    ANY_LABEL,
    Regions,
    among,
    joint_box,
    odd_ignored,
    part_ignored,
    values_of,
)
from inspire_med.imaging.resample import in_order_of

FOREGROUND: dict[str, tuple[int, ...]] = {"foreground": (1,)}


def evaluate_case(
    reference: str | Path | NDArray[Any],
    prediction: str | Path | NDArray[Any],
    spacing_mm: Sequence[float] | None = None,
    protocol: str = "segmentation",
    *,
    regions: Regions | None = None,
    ignore_affine: bool = False,
) -> dict[str, RegionResult]:
    """Score one prediction under a named protocol.

    Measures of probabilities beside the mask, as of `isles2026`, are the evaluate command's.

    Args:
        reference: Label map `(*spatial)`, or a mask file (a volume's labels; an image binarised
            at 128, or its grey values where regions have other values than 1).
        prediction: Likewise, on the same grid.
        spacing_mm: Voxel size along each axis; needed where the reference is an array, and may be
            given for an image, whose pixels count as 1 mm otherwise; a volume has its own.
        protocol: Name of the protocol.
        regions: Label values of each region. By default the protocol's own; where it has none,
            value 1 is the only region. One called `ignore` is none: where the reference holds its
            value, nothing is scored.
        ignore_affine: Compare voxel by voxel even where the files' affines differ.

    Returns:
        The result of each region: measures by name, lesions, sizes.

    Raises:
        InputError: If an input is not a mask, the grids differ, or labels stand in no region.

    Example:
        >>> mask = np.zeros((4, 4), dtype=np.uint8)
        >>> mask[1:3, 1:3] = 1
        >>> evaluate_case(mask, mask, spacing_mm=(1, 1))["foreground"].measures["dice"]
        1.0
    """
    rules = find_protocol(protocol)
    if isinstance(rules, PictureProtocol):
        if isinstance(reference, str | Path) and isinstance(prediction, str | Path):
            files = Path(reference), Path(prediction)
            return dict(score_picture(files[0].stem, *files, rules).regions)
        return score_grey(np.asarray(reference), np.asarray(prediction), rules)
    if not isinstance(rules, MaskProtocol):
        raise InputError(
            f"protocol {rules.name}: scores a whole set at once, not one case; use the evaluate "
            "command with its two files."
        )
    own, ignore = part_ignored(regions or FOREGROUND)
    if fault := odd_ignored(regions or FOREGROUND):
        raise InputError(f"regions: {fault}; name each by its values.")
    asked = regions_under(rules, own)
    values = known_values(asked)
    expected = _loaded(reference, values, "reference", spacing_mm, ignore=ignore)
    found = _loaded(prediction, values, "prediction", like=expected)
    return score_maps(expected, found, rules, regions=asked, ignore_affine=ignore_affine)


def regions_under(rules: MaskProtocol, known: Regions) -> Regions:
    """The regions a protocol scores: its own, with the data set's label values where known.

    Args:
        rules: The protocol.
        known: The data set's regions.
    """
    if rules.regions is None:
        return known
    return {
        name: values if values == ANY_LABEL else known.get(name, values)
        for name, values in rules.regions.items()
    }


def known_values(regions: Regions, background: Collection[int] = (0,)) -> set[int] | None:
    """Label values that may occur where these regions are scored; None where any may."""
    if ANY_LABEL in regions.values():
        return None
    return {*background, *values_of(regions)}


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
        reference: Its spacing is used. What it says to be unjudged is out of both masks, so that it
            is no part of any region and no negative either; nnU-Net counts so.
        prediction: On the same grid; its axes may be stored in another order.
        rules: The protocol.
        regions: Label values of each region.
        background: Label values that may occur and belong to no region.
        ignore_affine: Compare voxel by voxel even where affines differ.

    Raises:
        InputError: If the grids differ, if labels stand in no region, or if nobody has judged any.
    """
    _refuse_dims(reference, rules)
    if reference.judged is not None and not reference.judged.any():
        raise InputError(f"{reference.name}: nobody has judged any of it; leave the case out.")
    prediction = in_order_of(reference.grid, prediction)
    check_grids(reference, prediction, ignore_affine=ignore_affine)
    shape, spacing_mm = reference.labels.shape, reference.spacing_mm
    prediction = where_judged(prediction, reference)
    judged = reference.judged
    unjudged = 0 if judged is None else judged.size - int(np.count_nonzero(judged))
    box = joint_box(reference.labels, prediction.labels) or (slice(0, 1),) * len(shape)
    both = [np.ascontiguousarray(each.labels[box]) for each in (reference, prediction)]
    known = known_values(regions, background)
    if known is not None:
        for labels, each in zip(both, (reference, prediction), strict=True):
            refuse_others(labels, known, each.name)
    origin = tuple(side.start for side in box)

    def pair(values: Sequence[int]) -> RegionPair:
        masks = among(both[0], values), among(both[1], values)
        return RegionPair(*masks, spacing_mm, shape, origin, unjudged=unjudged)

    tissues = {name: pair(values) for name, values in rules.tissues.items()}
    return {
        region: _scored(replace(pair(values), name=region, tissues=tissues), rules)
        for region, values in regions.items()
    }


def score_masks(
    reference: NDArray[np.bool_],
    prediction: NDArray[np.bool_],
    spacing_mm: Sequence[float] | None,
    rules: MaskProtocol,
) -> RegionResult:
    """Score one region given as two boolean masks of one shape, `(*spatial)`.

    Raises:
        InputError: If shapes or spacing do not fit, or the protocol needs other regions beside.
    """
    if rules.tissues:
        raise InputError(
            f"protocol {rules.name}: joins lesions across tissues, which the masks of one region "
            "do not show; score label maps with evaluate_case instead."
        )
    whole = label_map_of(reference, spacing_mm, "reference")
    _refuse_dims(whole, rules)
    check_grids(whole, label_map_of(prediction, spacing_mm, "prediction"), ignore_affine=True)
    box = joint_box(reference, prediction) or (slice(0, 1),) * reference.ndim
    masks = np.ascontiguousarray(reference[box]), np.ascontiguousarray(prediction[box])
    origin = tuple(side.start for side in box)
    return _scored(RegionPair(*masks, whole.spacing_mm, reference.shape, origin), rules)


def _scored(pair: RegionPair, rules: MaskProtocol) -> RegionResult:
    return replace(rules.score(pair), sizes=_sizes(pair))


def _sizes(pair: RegionPair) -> tuple[float, float]:
    """Of reference and prediction, in ml; in pixels for images."""
    unit = float(np.prod(pair.spacing_mm)) / (1000 if len(pair.shape) == 3 else 1)
    return (
        np.count_nonzero(pair.reference) * unit,
        np.count_nonzero(pair.prediction) * unit,
    )


def _refuse_dims(reference: LabelMap, rules: MaskProtocol) -> None:
    if reference.labels.ndim not in rules.spatial_dims:
        kind = "volumes" if rules.spatial_dims == (3,) else "images"
        raise InputError(
            f"{reference.name}: {reference.labels.ndim}-D, but protocol {rules.name} scores "
            f"{kind}; choose another, such as segmentation."
        )


def _loaded(
    given: str | Path | NDArray[Any],
    values: Collection[int] | None,
    name: str,
    spacing_mm: Sequence[float] | None = None,
    like: LabelMap | None = None,
    ignore: int | None = None,
) -> LabelMap:
    """A file, or an array with a spacing of its own or that of the map it is `like`."""
    if ignore is not None:
        whole = _loaded(given, None if values is None else {*values, ignore}, name, spacing_mm)
        return judged_alone(whole, ignore)
    if isinstance(given, str | Path):
        found = read_labels(Path(given), values)
        if spacing_mm is None:
            return found
        if found.affine is not None:
            raise InputError(f"{given}: has a spacing of its own; leave spacing_mm out.")
        return label_map_of(found.labels, spacing_mm, str(given))
    array = np.asarray(given)
    if like is None:
        return label_map_of(array, spacing_mm, name)
    if array.shape != like.labels.shape:
        raise InputError(
            f"{name}: shape {array.shape}, but its reference {like.name} has {like.labels.shape}; "
            "give both on one grid."
        )
    return label_map_of(array, like.spacing_mm, name)
