"""Panoptic quality: how well an image was cut into segments, and each named."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from mmdet.registry import METRICS
from mmdet.structures import INSTANCE_OFFSET
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from inspire_med.detection.panoptic import read_segments
from inspire_med.errors import InputError


class Segments(NamedTuple):
    """An image cut into `n` segments that do not overlap.

    `places`: integers (height, width), the segment of each pixel, `n` where it has none;
    `classes`: integers (n,); `crowds`: bool (n,), segments of more objects than could be told
    apart. Every segment has a pixel.
    """

    places: np.ndarray
    classes: np.ndarray
    crowds: np.ndarray


class Counts(NamedTuple):
    """What is added up over images, each (classes,).

    `overlap`: sum of the IoU of matched segments; `matched`, `invented`, `missed`: numbers of
    segments; `agreed`, `either`: pixels given the class by both, and by reference or prediction.
    """

    overlap: np.ndarray
    matched: np.ndarray
    invented: np.ndarray
    missed: np.ndarray
    agreed: np.ndarray
    either: np.ndarray


@METRICS.register_module()
class PanopticQuality(BaseMetric):
    """PQ, SQ and RQ of all classes, of things and of stuff, and the mean IoU of the classes' map.

    Per class, with TP, FP and FN of `count`: SQ is the mean IoU of matched segments, RQ = TP /
    (TP + FP / 2 + FN / 2), PQ = SQ RQ. Their means are over classes with a segment that counts;
    `_th` and `_st` mark those over things and over stuff, absent where there is none. `mIoU` is
    that of the predicted segments' classes, instances forgotten, over classes with a pixel; where
    nothing is predicted, the pixel is missed. All lie within 0 and 1; mmdet's own metric gives
    percent.

    Images come from a `CocoPanopticDataset` whose pipeline packs the meta keys `ori_shape`,
    `seg_map_path` and `segments_info`.

    Args:
        classwise: Log a table of all classes, too.
        options: Those of mmengine's `BaseMetric`.

    Raises:
        InputError: If a meta key is missing, a class is neither among `thing_classes` nor
            `stuff_classes`, or as `read_segments`.

    References:
        Kirillov et al., "Panoptic Segmentation", CVPR 2019.
    """

    default_prefix = "panoptic"

    def __init__(self, classwise: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.classwise = classwise

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Count in the images of a batch."""
        things = self._things()
        for sample in data_samples:
            picture = sample["pred_panoptic_seg"]["sem_seg"][0].cpu().numpy()
            counts = count(
                _reference(sample, things), _prediction(picture, len(things)), len(things)
            )
            self.results.append(counts)

    def compute_metrics(self, results: Sequence[Counts]) -> dict[str, float]:
        """Add up the images' counts and make scores of them."""
        things = self._things()
        quality = class_quality(Counts(*np.sum(results, axis=0)))
        if self.classwise:
            print_log(_table(self._meta()["classes"], quality), logger="current")
        groups = {"": np.full(len(things), True), "_th": things, "_st": ~things}
        values = {
            f"{name}{group}": of_classes[members]
            for group, members in groups.items()
            for name, of_classes in zip(("PQ", "SQ", "RQ"), quality, strict=False)
        }
        values["mIoU"] = quality[3]
        return {
            name: float(np.nanmean(numbers))
            for name, numbers in values.items()
            if not np.isnan(numbers).all()
        }

    def _meta(self) -> dict[str, Any]:
        assert self.dataset_meta is not None  # the evaluator sets it
        return self.dataset_meta

    def _things(self) -> np.ndarray:
        """Tell for each class whether its objects are counted one by one."""
        meta = self._meta()
        things, stuff = (meta.get(f"{kind}_classes", ()) for kind in ("thing", "stuff"))
        for name in meta["classes"]:
            if name not in things and name not in stuff:
                raise InputError(
                    f"metainfo: class {name} is neither among thing_classes nor stuff_classes; "
                    "add it to one."
                )
        return np.array([name in things for name in meta["classes"]], bool)


def count(reference: Segments, prediction: Segments, classes: int) -> Counts:
    """Match two cuts of an image.

    Segments of one class match where their IoU is above 0.5; at most one of each does. What the
    reference does not label belongs to no union. A predicted segment without a match is invented,
    unless more than half of it is unlabelled or in crowds of its class; one of the reference is
    missed, unless it is a crowd. (Of several crowds of a class in an image, which COCO has not,
    COCO's own program looks at the last alone.)

    Args:
        reference: The segments of the annotations.
        prediction: The segments found; `crowds` is not looked at.
        classes: The number of classes.

    Returns:
        The image's counts.
    """
    rows, columns = len(reference.classes), len(prediction.classes)
    pairs = reference.places.astype(np.int64) * (columns + 1) + prediction.places
    overlap = np.bincount(pairs.ravel(), minlength=(rows + 1) * (columns + 1))
    overlap = overlap.reshape(rows + 1, columns + 1)
    shared, unlabelled = overlap[:-1, :-1], overlap[-1, :-1]
    own_area, found_area = overlap[:-1].sum(1), shared.sum(0)

    same = reference.classes[:, None] == prediction.classes
    iou = shared / (own_area[:, None] + found_area - shared)
    matches = same & ~reference.crowds[:, None] & (iou > 0.5)
    in_crowds = (shared * (same & reference.crowds[:, None])).sum(0)
    excused = unlabelled + in_crowds > (unlabelled + found_area) / 2

    def by_class(segments: Segments, values: np.ndarray) -> np.ndarray:
        return np.bincount(segments.classes, values, minlength=classes)

    agreed = by_class(reference, (shared * same).sum(1))
    return Counts(
        overlap=by_class(reference, (iou * matches).sum(1)),
        matched=by_class(reference, matches.any(1)),
        invented=by_class(prediction, ~matches.any(0) & ~excused),
        missed=by_class(reference, ~matches.any(1) & ~reference.crowds),
        agreed=agreed,
        either=by_class(reference, own_area) + by_class(prediction, found_area) - agreed,
    )


def class_quality(counts: Counts) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give PQ, SQ, RQ and IoU, each (classes,); NaN for a class with nothing that counts."""
    segments = counts.matched + (counts.invented + counts.missed) / 2
    segments = np.where(segments > 0, segments, np.nan)
    quality = counts.overlap / segments
    recognition = counts.matched / segments
    mean_overlap = counts.overlap / np.maximum(counts.matched, 1)
    segmentation = np.where(np.isnan(segments), np.nan, mean_overlap)
    iou = counts.agreed / np.where(counts.either > 0, counts.either, np.nan)
    return quality, segmentation, recognition, iou


def _reference(sample: dict[str, Any], things: np.ndarray) -> Segments:
    for key in ("ori_shape", "seg_map_path", "segments_info"):
        if sample.get(key) is None:
            raise InputError(
                f"PanopticQuality: the images have no {key}; name it among the meta_keys of the "
                "test pipeline's PackDetInputs, and the folder of PNGs as data_prefix.seg."
            )
    listed = sample["segments_info"]
    classes = np.array([segment["category"] for segment in listed], np.int64)
    # The data set marks a crowd of things as no thing.
    crowds = things[classes] & ~np.array([segment["is_thing"] for segment in listed], bool)
    places = read_segments(sample["seg_map_path"], listed, sample["ori_shape"])
    return Segments(places, classes, crowds)


def _prediction(picture: np.ndarray, classes: int) -> Segments:
    """Cut up mmdet's picture: class + 1000 instance; a class that is none marks no segment."""
    values, places = np.unique(picture, return_inverse=True)
    labels = values % INSTANCE_OFFSET
    known = labels < classes
    number = np.where(known, np.cumsum(known) - 1, known.sum())
    return Segments(
        number[places.reshape(picture.shape)],
        labels[known].astype(np.int64),
        np.full(known.sum(), False),
    )


def _table(names: Sequence[str], quality: Sequence[np.ndarray]) -> str:
    width = max(len(name) for name in names)
    lines = [f"{'class':{width}}     PQ     SQ     RQ    IoU"]
    for name, values in zip(names, np.transpose(quality), strict=True):
        lines.append(f"{name:{width}}" + "".join(f"{value:7.3f}" for value in values))
    return "\n".join(lines)
