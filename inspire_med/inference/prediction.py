"""Prediction: what a network says of one case, on the case's own grid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.masks import labels_from_regions
from inspire_med.imaging.output import as_itk, write_mask
from inspire_med.imaging.placement import Placement
from inspire_med.inference.postprocess import Postprocessing, RegionRules, size_of_voxel
from inspire_med.inference.sliding_window import ONE


@dataclass(frozen=True, repr=False)
class Prediction:
    """What the network says of one case, on the case's own grid.

    Args:
        shares: `(regions, *placement.size)`, on the grid that the network sees: each probability p
            as round(p `ONE`).
        labels: `(*spatial)` uint8, in the data set's own label values.
        placement: The way back to the input's file.
        regions: Region name to label values, in the order of `shares`.
        seen_as: How much of the case the network saw at a time, in words.
    """

    shares: NDArray[np.uint16]
    labels: NDArray[np.uint8]
    placement: Placement
    regions: Mapping[str, Sequence[int]]
    seen_as: str = ""

    @classmethod
    def painted(
        cls,
        shares: NDArray[np.uint16],
        placement: Placement,
        regions: Mapping[str, Sequence[int]],
        rules: Postprocessing,
        seen_as: str,
    ) -> "Prediction":
        """Paint the labels by the rules: those of none, where a region is likelier than not."""
        masks = _Masks(shares, placement, [rules.of(name) for name in regions])
        labels = labels_from_regions(masks, regions)
        return cls(shares, labels, placement, regions, seen_as)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """`(regions, *spatial)` in [0, 1] on the case's own grid; zero outside the crop."""
        return np.stack([self.maps[index] for index in range(len(self.maps))])

    @property
    def maps(self) -> "Maps":
        """The same region by region, each made when it is asked for."""
        return Maps(self.shares, self.placement)

    def __repr__(self) -> str:
        values, counts = np.unique(self.labels, return_counts=True)
        found = ", ".join(f"{v}: {n:,}" for v, n in zip(values, counts, strict=True))
        size, affine = " x ".join(map(str, self.labels.shape)), self.placement.affine
        of = "pixels"
        if affine is not None:
            spacing = Grid(self.placement.shape, affine).spacing_mm
            of = f"voxels of {' x '.join(f'{mm:.3g}' for mm in spacing)} mm"
        return f"Prediction({size} {of}; regions {', '.join(self.regions)}; labels {{{found}}})"

    def to_sitk(self) -> sitk.Image:
        """The mask as SimpleITK has it, on the grid of the image or file that was given."""
        return as_itk(self.labels, self.placement)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the mask on the input's own grid: .nii.gz or .nii for a volume, .png for a picture.

        Raises:
            InputError: If the name ends otherwise, or if there is something by that name already.
        """
        path = Path(path)
        endings = (".png",) if self.placement.affine is None else (".nii.gz", ".nii")
        if not path.name.endswith(endings):
            raise InputError(f"{path}: this mask is no such file; end it with {endings[0]}.")
        if path.exists() and not overwrite:
            raise InputError(f"{path}: exists already; choose another or pass overwrite=True.")
        write_mask(path, self.labels, self.placement, self.regions)


@dataclass(frozen=True)
class Maps:
    """Each region's probabilities on the case's own grid, `(*spatial)`; made when asked for."""

    shares: NDArray[np.uint16]
    placement: Placement

    def __getitem__(self, index: int) -> NDArray[np.float32]:
        return self.placement.back(_probability(self.shares[index])[None])[0]

    def __len__(self) -> int:
        return len(self.shares)


def _probability(shares: NDArray[np.uint16]) -> NDArray[np.float32]:
    return np.divide(shares, np.float32(ONE), dtype=np.float32)


@dataclass(frozen=True)
class _Masks:
    """Where each region is, on the case's own grid; made when it is asked for."""

    shares: NDArray[np.uint16]
    placement: Placement
    rules: Sequence[RegionRules]

    def __getitem__(self, index: int) -> NDArray[np.bool_]:
        own, rules = self.shares[index], self.rules[index]
        if self.placement.resizes:
            found = self.placement.resized(_probability(own)[None]) > rules.threshold
        else:
            found = own[None] > rules.threshold * ONE
        mask = self.placement.put(found)[0]
        return rules(mask, size_of_voxel(self.placement.shape, self.placement.affine))
