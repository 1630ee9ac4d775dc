"""Panoptic: COCO's pictures of segments, read without the package `panopticapi`."""

from collections.abc import Sequence
from typing import Any

import mmcv
import numpy as np
from mmdet.datasets.transforms import LoadAnnotations
from mmdet.registry import TRANSFORMS
from mmdet.structures.mask import BitmapMasks
from mmengine.fileio import get

from inspire_med.errors import InputError

UNLABELLED = 255  # what mmdet's losses leave out


@TRANSFORMS.register_module()
class LoadPanopticSegments(LoadAnnotations):
    """Load boxes, labels, masks and the semantic map of one image of a `CocoPanopticDataset`.

    The same as mmdet's `LoadPanopticAnnotations`, which needs `panopticapi`; the options are those
    of `LoadAnnotations`. Needs `ori_shape`, `instances`, `segments_info` and `seg_map_path`;
    without a path, as where there is no reference, there is neither mask nor map. Adds, as asked:

    - `gt_bboxes`, `gt_ignore_flags`, `gt_bboxes_labels` of the things that are no crowd;
    - `gt_masks`: their bitmaps, in the same order;
    - `gt_seg_map`: int32 (height, width), every pixel's class, crowds and stuff included; 255
      where nothing is labelled.

    Raises:
        InputError: As `read_segments`.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load what one image has."""
        if self.with_bbox:
            self._load_bboxes(results)
        if self.with_label:
            self._load_labels(results)
        if results.get("seg_map_path") is not None and (self.with_mask or self.with_seg):
            self._load_segments(results)
        return results

    def _load_segments(self, results: dict[str, Any]) -> None:
        segments, shape = results["segments_info"], results["ori_shape"]
        places = read_segments(results["seg_map_path"], segments, shape, self.backend_args)
        if self.with_mask:
            things = [number for number, segment in enumerate(segments) if segment["is_thing"]]
            masks = [(places == number).astype(np.uint8) for number in things]
            results["gt_masks"] = BitmapMasks(masks, *shape)
        if self.with_seg:
            classes = [segment["category"] for segment in segments]
            results["gt_seg_map"] = np.array([*classes, UNLABELLED], np.int32)[places]


def read_segments(
    file: str,
    segments: Sequence[dict[str, Any]],
    shape: Sequence[int],
    backend_args: dict[str, Any] | None = None,
) -> np.ndarray:
    """Tell from a panoptic PNG to which segment each pixel belongs.

    The colour is the segment's id, R + 256 G + 256^2 B. Black, 0, is unlabelled, and so is every
    id that is not listed.

    Args:
        file: The PNG.
        segments: The image's `segments_info`; of each, `id` is used.
        shape: Height and width of the image.
        backend_args: Where mmengine finds the file, if not on the disk.

    Returns:
        Int32 (height, width): the segment's place in the list, or the list's length where
        unlabelled.

    Raises:
        InputError: If the file is missing, is no picture, has another size than its image, or
            lacks a listed segment, as the PNGs of another format do.

    References:
        COCO's format for panoptic segmentation, https://cocodataset.org/#format-data.
    """
    try:
        colours: Any = mmcv.imfrombytes(get(file, backend_args=backend_args), flag="color")
    except FileNotFoundError:
        raise InputError(f"{file}: no such panoptic PNG; set data_prefix.seg.") from None
    if colours is None:
        raise InputError(f"{file}: cannot be read as a picture; fetch it again.")
    if colours.shape[:2] != tuple(shape):
        has, wanted = (f"{width} x {height}" for height, width in (colours.shape[:2], shape))
        raise InputError(
            f"{file}: is {has}, but its image {wanted}; set data_prefix.seg to the folder made for "
            "these images."
        )
    ids = colours.astype(np.int32) @ np.array([256**2, 256, 1], np.int32)  # decoded as B, G, R
    places = np.full(ids.shape, len(segments), np.int32)
    for number, segment in enumerate(segments):
        mask = ids == segment["id"]
        if not mask.any():
            raise InputError(
                f"{file}: has no pixel of segment {segment['id']}, which the annotations list; set "
                "data_prefix.seg to the folder of panoptic PNGs that belongs to ann_file."
            )
        places[mask] = number
    return places
