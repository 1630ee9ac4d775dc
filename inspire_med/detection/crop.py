"""Crop: one of several scales, then a window around one of the boxes."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.datasets.transforms import Resize
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import BaseBoxes, autocast_box_type

from inspire_med.detection.canvas import long_and_short
from inspire_med.errors import InputError


class Window(NamedTuple):
    """Pixels `[top, top + height)` x `[left, left + width)` of an image."""

    top: int
    left: int
    height: int
    width: int


@TRANSFORMS.register_module()
class RandResizeCrop(BaseTransform):
    """Resize to a scale drawn at random, then crop a window around a box drawn at random.

    1. Every (long, short) of `scales` is equally likely; mmdet's `Resize` fits the image into it,
       its sides' ratio kept.
    2. The window has the sides `size`, the longer one upright for an image higher than wide. (A
       square one counts as landscape, as in mmdet's `AspectRatioBatchSampler`.) A side longer
       than the image's is the image's: nothing is padded here.
    3. The window's middle is the centre of one of the boxes that are not ignored, each equally
       likely, rounded to a pixel, plus noise; the window is then shifted back into the image.
    4. Boxes with their centre strictly inside the window stay, moved and clipped to it, ignored
       ones (crowds) and masks alike. Without a box left that is not ignored there is no sample,
       and mmdet draws another image.

    Without boxes in `results` (images alone, semantic maps) the window lies anywhere. Randomness
    is numpy's global generator, which mmengine seeds in every worker, as for mmcv's transforms.
    Needs `img`; transforms `gt_bboxes`, `gt_bboxes_labels`, `gt_ignore_flags`, `gt_masks`
    (polygons or bitmaps) and `gt_seg_map` where present; sets `img_shape`, `scale_factor` and
    `homography_matrix`.

    Args:
        scales: (long, short) sides to resize into, in pixels. The release never drew its last
            pair by mistake; leave that out to train as it did.
        size: Longer and shorter side of the window, in pixels.
        mode: `"center"` as above; `"random"` for windows anywhere in the image.
        jitter: Noise (a, b) of the middle: whole pixels of [-a, a) downwards, [-b, b) to the
            right.

    Raises:
        InputError: If `scales` is empty, a pair is not (long, short), or `mode` is unknown.

    References:
        SimpleDet, Chen et al., JMLR 2019 (`RandCrop`); sunke123/hrnet-tmp (`rand_resize_crop`).
    """

    def __init__(
        self,
        scales: Sequence[Sequence[int]],
        size: Sequence[int],
        mode: Literal["center", "random"] = "center",
        jitter: tuple[int, int] = (10, 30),
    ) -> None:
        if not scales:
            raise InputError("RandResizeCrop.scales is empty; give (long, short) pairs.")
        if mode not in ("center", "random"):
            raise InputError(f"RandResizeCrop.mode={mode!r} is unknown; give center or random.")
        pairs = [long_and_short("RandResizeCrop.scales", scale) for scale in scales]
        self.resizes = [Resize(scale=pair, keep_ratio=True) for pair in pairs]
        self.long, self.short = long_and_short("RandResizeCrop.size", size)
        self.mode = mode
        self.jitter = jitter

    @autocast_box_type()  # pyright: ignore[reportUntypedFunctionDecorator]
    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Resize and crop one image with all that belongs to it."""
        results = self.resizes[_integer(0, len(self.resizes))].transform(results)
        if results.get("gt_bboxes") is None:
            return _cropped_image(results, self._anywhere(results))
        boxes = results["gt_bboxes"]
        wanted = np.flatnonzero(~_ignored(results))
        if not wanted.size:
            return None
        if self.mode == "center":
            x, y = boxes.centers[wanted[_integer(0, wanted.size)]].tolist()
            window = self._around(x, y, results)
        else:
            window = self._anywhere(results)
        kept = _centred_inside(boxes, window)
        if not kept[wanted].any():
            return None
        return _cropped_instances(_cropped_image(results, window), kept, window)

    def _sides(self, results: dict[str, Any]) -> tuple[int, int]:
        """Give the window's height and width."""
        height, width = results["img_shape"]
        rows, columns = (self.long, self.short) if height > width else (self.short, self.long)
        return min(rows, height), min(columns, width)

    def _around(self, x: float, y: float, results: dict[str, Any]) -> Window:
        """Centre a window on a point, but for the noise and the image's borders."""
        image, sides = results["img_shape"], self._sides(results)
        starts = [
            round(centre - side / 2) + _integer(-noise, max(noise, 1))
            for centre, side, noise in zip((y, x), sides, self.jitter, strict=True)
        ]
        top, left = (
            min(max(start, 0), whole - side)
            for start, whole, side in zip(starts, image, sides, strict=True)
        )
        return Window(top, left, *sides)

    def _anywhere(self, results: dict[str, Any]) -> Window:
        image, sides = results["img_shape"], self._sides(results)
        top, left = (
            _integer(0, whole - side + 1) for whole, side in zip(image, sides, strict=True)
        )
        return Window(top, left, *sides)


def _integer(low: int, stop: int) -> int:
    """Draw one of low, ..., stop - 1."""
    return int(np.random.randint(low, stop))  # noqa: NPY002 - the generator that mmengine seeds


def _ignored(results: dict[str, Any]) -> np.ndarray:
    flags = results.get("gt_ignore_flags")
    return np.zeros(len(results["gt_bboxes"]), bool) if flags is None else flags.astype(bool)


def _centred_inside(boxes: BaseBoxes, window: Window) -> np.ndarray:
    """Tell which boxes have an area, and their centre strictly inside the window."""
    x, y = boxes.centers.numpy().T
    across = (window.left < x) & (x < window.left + window.width)
    down = (window.top < y) & (y < window.top + window.height)
    return across & down & (boxes.areas.numpy() > 0)


def _cropped_image(results: dict[str, Any], window: Window) -> dict[str, Any]:
    """Crop what has pixels and belongs to the image as a whole."""
    rows = slice(window.top, window.top + window.height)
    columns = slice(window.left, window.left + window.width)
    results["img"] = results["img"][rows, columns]
    results["img_shape"] = results["img"].shape[:2]
    if results.get("gt_seg_map") is not None:
        results["gt_seg_map"] = results["gt_seg_map"][rows, columns]
    shift = np.array([[1, 0, -window.left], [0, 1, -window.top], [0, 0, 1]], np.float32)
    results["homography_matrix"] = shift @ results["homography_matrix"]
    return results


def _cropped_instances(results: dict[str, Any], kept: np.ndarray, window: Window) -> dict[str, Any]:
    """Keep and crop what belongs to the boxes."""
    boxes = results["gt_bboxes"][kept]
    boxes.translate_((-window.left, -window.top))
    boxes.clip_((window.height, window.width))
    results["gt_bboxes"] = boxes
    for name in ("gt_bboxes_labels", "gt_ignore_flags"):
        if results.get(name) is not None:
            results[name] = results[name][kept]
    if results.get("gt_masks") is not None:
        top, left, height, width = window
        corners = np.array([left, top, left + width, top + height])
        results["gt_masks"] = results["gt_masks"][np.flatnonzero(kept)].crop(corners)
    return results
