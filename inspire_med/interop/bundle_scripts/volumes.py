"""Volumes: channels brought to one grid, and to other voxel sizes and back."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform
from numpy.typing import NDArray
from torch.nn import functional as F

from inspire_med.interop.bundle_scripts.smoothing import FEWEST, smoothed

FOREGROUND = "foreground"  # the key under which it is kept
_TOLERANCE_MM = 0.1  # headers round


class OnOneGridd(MapTransform):
    """Refuse channels that do not lie on the reference's grid, or resample those that may.

    All are turned to one orientation already. Where something is not zero in a channel that was
    acquired on that grid is the foreground, `(1, *spatial)`, or all of it where nothing is; the
    others are set to zero outside of it.

    Args:
        keys: Channels, each `(1, *spatial)` with its affine to RAS+ millimetres.
        reference: The one whose grid is the case's own.
        resampled: Those that may lie on another grid.
    """

    def __init__(self, keys: Sequence[str], reference: str, resampled: Sequence[str] = ()) -> None:
        super().__init__(keys)
        self.reference = reference
        self.resampled = resampled

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Give the channels on one grid, and the foreground."""
        found = dict(data)
        fixed: MetaTensor = found[self.reference]
        own: list[Hashable] = []
        for key in self.key_iterator(found):
            if _on_one_grid(found[key], fixed):
                own.append(key)
            elif key in self.resampled:
                found[key] = _resampled_to(fixed, found[key])
            else:
                raise ValueError(f"{key}: does not lie on the grid of {self.reference}")
        inside = torch.stack([found[key].as_tensor() != 0 for key in own]).any(0)
        found[FOREGROUND] = _alike(fixed, inside if inside.any() else torch.ones_like(inside))
        for key in self.key_iterator(found):
            if key not in own:
                found[key] = found[key] * inside
        return found


class ToSpacingd(MapTransform, InvertibleTransform):
    """Resize channels to a voxel size, linearly, smoothed first along axes that shrink.

    Voxels are cells: the box that they fill stays. The way back resizes likewise.

    Args:
        keys: Channels, each `(channels, *spatial)` with its affine.
        spacing_mm: Along each axis.
    """

    def __init__(self, keys: Sequence[str], spacing_mm: Sequence[float]) -> None:
        super().__init__(keys)
        self.spacing_mm = spacing_mm

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Give the channels with voxels of that size."""
        found = dict(data)
        for key in self.key_iterator(found):
            image: MetaTensor = found[key]
            before, affine = tuple(image.shape[1:]), image.affine
            old = np.linalg.norm(affine.numpy()[:3, :3], axis=0).round(6)
            pairs = zip(before, old, self.spacing_mm, strict=True)
            size = [max(1, round(float(count * own / new))) for count, own, new in pairs]
            found[key] = _resized(image, size, _widened(affine, before, size))
            self.push_transform(found[key], extra_info={"size": before, "affine": affine})
        return found

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Give them with the voxels that they had."""
        found = dict(data)
        for key in self.key_iterator(found):
            known = self.pop_transform(found[key])["extra_info"]
            found[key] = _resized(found[key], known["size"], known["affine"])
        return found


def resize(volume: NDArray[np.float32], size: Sequence[int]) -> NDArray[np.float32]:
    """Resize (i, j, k) axis by axis, those first that shrink."""
    for axis in sorted(range(3), key=lambda axis: size[axis] / volume.shape[axis]):
        if volume.shape[axis] != size[axis]:
            volume = _resize_axis(volume, axis, size[axis])
    return volume


def _resize_axis(values: NDArray[np.float32], axis: int, side: int) -> NDArray[np.float32]:
    voxels = values.shape[axis]
    width = voxels / side
    if width > 1 and voxels >= FEWEST:
        # A box of width w has the variance of a Gaussian of sigma w / sqrt(12).
        values = smoothed(values, axis, float(np.sqrt((width**2 - 1) / 12)))
    places = np.clip((np.arange(side) + 0.5) * width - 0.5, 0, voxels - 1)
    before = np.minimum(places.astype(np.intp), max(voxels - 2, 0))
    after = np.minimum(before + 1, voxels - 1)
    shape = [side if each == axis else 1 for each in range(3)]
    shares = (places - before).astype(np.float32).reshape(shape)
    low, high = values.take(before, axis), values.take(after, axis)
    return np.asarray(low + (high - low) * shares, np.float32)


def _resized(image: MetaTensor, size: Sequence[int], affine: Any) -> MetaTensor:
    if tuple(image.shape[1:]) == tuple(size):
        return _alike(image, image.as_tensor(), affine)
    channels = [resize(channel.numpy(), size) for channel in image.as_tensor()]
    return _alike(image, torch.from_numpy(np.stack(channels)), affine)


def _alike(image: MetaTensor, values: torch.Tensor, affine: Any = None) -> MetaTensor:
    """Other values with what is known of an image, and where they lie if that is elsewhere."""
    made = MetaTensor(
        values, meta=dict(image.meta), applied_operations=list(image.applied_operations)
    )
    made.affine = image.affine if affine is None else affine
    return made


def _widened(affine: torch.Tensor, before: Sequence[int], size: Sequence[int]) -> torch.Tensor:
    """Where voxels lie that fill the same box in another number."""
    widths = torch.tensor([old / new for old, new in zip(before, size, strict=True)])
    inside = torch.diag(torch.cat([widths, torch.ones(1)])).to(affine)
    inside[:3, 3] = (widths - 1) / 2
    return affine @ inside


def _on_one_grid(one: MetaTensor, other: MetaTensor) -> bool:
    """Do two volumes put every corner in the same place?"""
    if one.shape != other.shape:
        return False
    ends = np.meshgrid(*[(0, size - 1) for size in one.shape[1:]])
    corners = np.vstack([np.reshape(ends, (3, -1)), np.ones(8)])
    affines = one.affine.numpy(), other.affine.numpy()
    apart = np.linalg.norm(((affines[0] - affines[1]) @ corners)[:3], axis=0).max()
    least = min(np.linalg.norm(affine[:3, :3], axis=0).min() for affine in affines)
    return bool(apart <= min(_TOLERANCE_MM, least * 0.49))


def _resampled_to(fixed: MetaTensor, moving: MetaTensor) -> MetaTensor:
    """Sample a channel at another's voxel centres, linearly; outside is zero."""
    there, here = fixed.affine.numpy(), moving.affine.numpy()
    values = moving.as_tensor().numpy()[0]
    for axis, sigma in enumerate(_sigmas(here, there)):
        if sigma > 0 and values.shape[axis] >= FEWEST:
            values = smoothed(values, axis, sigma)
    sides = np.array(values.shape)
    ways = [torch.arange(side, dtype=torch.float64) for side in fixed.shape[1:]]
    own = torch.stack(torch.meshgrid(*ways, indexing="ij"), -1)
    change = torch.from_numpy(np.linalg.inv(here) @ there)
    places = own @ change[:3, :3].T + change[:3, 3]
    half = torch.from_numpy(sides - 0.5)
    inside = ((places >= -0.5) & (places < half)).all(-1)
    # grid_sample counts from -1 to 1, and the last axis first
    seen = (2 * places / torch.from_numpy(np.maximum(sides - 1, 1)) - 1).flip(-1)
    whole = torch.from_numpy(values.astype(np.float64))[None, None]
    sampled = F.grid_sample(whole, seen[None], padding_mode="border", align_corners=True)[0]
    return _alike(fixed, (sampled * inside).float())


def _sigmas(moving: NDArray[Any], fixed: NDArray[Any]) -> list[float]:
    """Of each axis of a channel, in voxels, to widen them to those of another."""
    own = np.linalg.norm(moving[:3, :3], axis=0)
    axes = moving[:3, :3] / own
    other = np.abs(axes.T @ fixed[:3, :3]).max(axis=1)
    return [float(each) for each in np.sqrt(np.clip(other**2 - own**2, 0, None) / 12) / own]
