"""Postprocess: what is done to a region's mask before it is painted, rule by rule."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import ValidationError, convert
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.lesions import components
from inspire_med.files import read_yaml

FILE = "postprocess.yaml"  # in the folder of a run or of a cross-validation


@dataclass(frozen=True)
class RegionRules:
    """What is done to one region's mask, in this order; by default nothing.

    Sizes are in ml of volumes, and in per cent of the picture of pictures.

    Args:
        threshold: Probability above which a voxel belongs to the region.
        fill_holes: Add what the region encloses.
        smallest_part: Remove connected parts (26 neighbours, 8 in pictures) smaller than this.
        largest_only: Remove all parts but the largest.
        smallest_total: Remove the region where all of it together is smaller than this. BraTS'
            winners did so with the enhancing tumour (Isensee et al., nnU-Net for Brain Tumor
            Segmentation, 2020): where there is none, a speck scores 0, and nothing scores 1.
    """

    threshold: float = 0.5
    fill_holes: bool = False
    smallest_part: float = 0.0
    largest_only: bool = False
    smallest_total: float = 0.0

    def __call__(self, mask: NDArray[np.bool_], voxel: float) -> NDArray[np.bool_]:
        """Apply all but the threshold.

        Args:
            mask: `(*spatial)`.
            voxel: Size of a voxel in ml, or of a pixel in per cent of the picture.
        """
        if self.fill_holes:
            mask = np.asarray(binary_fill_holes(mask))
        if self.smallest_part or self.largest_only:
            mask = self._of_parts(mask, voxel)
        if mask.sum() * voxel < self.smallest_total:
            mask = np.zeros_like(mask)
        return mask

    def _of_parts(self, mask: NDArray[np.bool_], voxel: float) -> NDArray[np.bool_]:
        parts = components(mask)
        kept = parts.sizes * voxel >= self.smallest_part
        if self.largest_only and len(parts):
            kept &= np.arange(len(parts)) == parts.sizes.argmax()
        left = np.zeros(mask.size, dtype=bool)
        left[parts.places[kept[parts.owners]]] = True
        return left.reshape(mask.shape)


@dataclass(frozen=True)
class Postprocessing:
    """The rules of each region.

    Args:
        regions: By name; regions that are not named are left as they are.
        found: How the rules were found, by whoever found them: for people.
    """

    regions: Mapping[str, RegionRules] = field(default_factory=dict[str, RegionRules])
    found: tuple[Mapping[str, Any], ...] = ()

    def of(self, region: str) -> RegionRules:
        """The rules of a region."""
        return self.regions.get(region, RegionRules())

    def to_yaml(self) -> dict[str, Any]:
        """All that is not as it is by default, YAML-able."""
        usual = asdict(RegionRules())
        return {
            "format": 1,
            "regions": {
                name: {key: v for key, v in asdict(rules).items() if v != usual[key]}
                for name, rules in self.regions.items()
            },
            "found": [dict(each) for each in self.found],
        }


def size_of_voxel(shape: Sequence[int], affine: NDArray[np.float64] | None) -> float:
    """A voxel in ml by its affine in mm, or a pixel in per cent of its picture."""
    if affine is None:
        return 100 / float(np.prod(shape))
    return float(abs(np.linalg.det(affine[:3, :3]))) / 1000


def read_postprocessing(file: Path, regions: Mapping[str, Any]) -> Postprocessing:
    """Read rules from a YAML file.

    Args:
        file: As `to_yaml` gives it; `found` may be left out.
        regions: Those of the model, by name.

    Raises:
        InputError: If it is no such file, names a region that the model does not have, or a number
            makes no sense.
    """
    content = read_yaml(file)
    try:
        if content.get("format") != 1:
            raise ValidationError("format is not 1")
        _refuse_unknown(content.get("regions", {}))
        read = convert(
            {key: content[key] for key in ("regions", "found") if key in content}, Postprocessing
        )
    except (ValidationError, AttributeError, TypeError) as error:
        known = ", ".join(each.name for each in fields(RegionRules))
        raise InputError(
            f"{file}: not rules of postprocessing ({error}); write format: 1 and, under regions, "
            f"by name, any of {known}."
        ) from None
    for name, rules in read.regions.items():
        if name not in regions:
            raise InputError(
                f"{file}: has rules for {name}, but the model gives {', '.join(regions)}; rename "
                "or remove it."
            )
        sizes = rules.smallest_part, rules.smallest_total
        if not (0 < rules.threshold < 1 and all(size >= 0 for size in sizes)):  # NaN is neither
            raise InputError(
                f"{file}: {name} has a threshold that is no probability between 0 and 1, or a size "
                "below zero; correct it."
            )
    return read


def find_postprocessing(
    asked: str | Path, folders: Sequence[Path], regions: Mapping[str, Any]
) -> Postprocessing:
    """The rules that are asked for.

    Args:
        asked: `off`, a file of rules, or `stored`: those that lie in the folder, where it is one:
            rules were found for the models of one run or cross-validation.
        folders: Of models that predict together.
        regions: Of the models, by name.

    Raises:
        InputError: As `read_postprocessing`.
    """
    if asked == "stored":
        asked = folders[0] / FILE if len(folders) == 1 else "off"
        if asked == "off" or not Path(asked).is_file():
            return Postprocessing()
    return Postprocessing() if asked == "off" else read_postprocessing(Path(asked), regions)


def _refuse_unknown(regions: Mapping[str, Mapping[str, Any]]) -> None:
    known = {each.name for each in fields(RegionRules)}
    for rules in regions.values():
        for name in rules:
            if name not in known:
                raise ValidationError(f"{name} is no rule")
