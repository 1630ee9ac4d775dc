"""AP of a detector as the evaluation's `coco` protocol has it, under the name of mmdet's metric."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmdet.evaluation import CocoMetric as MmdetCocoMetric
from mmdet.registry import METRICS

from inspire_med.detection.annotations import read_annotations
from inspire_med.detection.settings import COCO_METRIC
from inspire_med.errors import InputError
from inspire_med.evaluation.measures.average_precision import Kind, average_precision

_KINDS: dict[str, Kind] = {"bbox": "box", "segm": "mask"}  # mmdet's words and the protocol's
_SHOWN = {
    "mAP": "ap",
    "mAP_50": "ap50",
    "mAP_75": "ap75",
    "mAP_s": "ap_small",
    "mAP_m": "ap_medium",
    "mAP_l": "ap_large",
}
_FIXED = {
    "proposal_nums": "the 100 surest detections of a class in an image count; leave it out",
    "iou_thrs": "overlaps are 0.50, 0.55 ... 0.95; leave it out",
    "metric_items": "all are given; leave it out",
    "backend_args": "files are read from disk; set it to None",
}


@METRICS.register_module(name=MmdetCocoMetric.__name__, force=True)
class CocoMetric(MmdetCocoMetric):
    """The protocol's AP, `coco/bbox_mAP` and the like, in place of mmdet's of the same names.

    mmdet's takes an object with annotation id 0 for one that is never found, and rounds. What is
    undefined (no object of a size) is left out; mmdet gives -1. Scored are the classes that the
    data set knows, on all images of the file. With `classwise` comes `coco/bbox_mAP/CLASS`.

    Args:
        ann_file: The reference, in COCO's format.
        options: mmdet's, but for those that `check_metric` refuses.
    """

    def __init__(self, ann_file: str, **options: Any) -> None:
        super().__init__(ann_file=ann_file, **options)
        self.ann_file = Path(ann_file)

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Write what was found on all images in COCO's result format, and score it.

        Raises:
            InputError: If masks are to be scored, and there are none.
        """
        assert self.dataset_meta is not None  # the evaluator sets it
        reference = read_annotations(self.ann_file).of(self.dataset_meta["classes"])
        # In the file's order, which `check_data` has found to be that of the classes.
        self.cat_ids = [entry["id"] for entry in reference["categories"]]
        with TemporaryDirectory() as folder:
            prefix = self.outfile_prefix or f"{folder}/found"
            files = self.results2json([found for _, found in results], prefix)
            if self.format_only:
                return {}
            scores: dict[str, float] = {}
            for kind in self.metrics:
                if kind not in files:
                    raise InputError("evaluator's metric: segm, but the model gives no masks.")
                found = json.loads(Path(files[kind]).read_text())
                whole, categories = average_precision(reference, found, _KINDS[kind])
                scores |= {f"{kind}_{name}": whole[measure] for name, measure in _SHOWN.items()}
                if self.classwise:
                    scores |= {f"{kind}_mAP/{name}": one["ap"] for name, one in categories.items()}
        return {name: value for name, value in scores.items() if isfinite(value)}


def check_metric(place: str, settings: Mapping[str, Any]) -> None:
    """Refuse an evaluator of a config that asks of `CocoMetric` what the protocol does not do.

    Args:
        place: Its name in the config.
        settings: What stands there, as `read_settings` names it.

    Raises:
        InputError: If a setting is fixed by the protocol, of another kind, or missing.
    """
    if settings.get("type") != COCO_METRIC:
        return
    for name, kept in _FIXED.items():
        if settings.get(name):
            raise InputError(f"{place}.{name}: {settings[name]} is not what is done: {kept}.")
    metric: str | Sequence[str] = settings.get("metric", "bbox")
    kinds = [metric] if isinstance(metric, str) else metric
    strange = [kind for kind in kinds if kind not in _KINDS]
    if strange:
        raise InputError(f"{place}.metric: {strange[0]} is not scored; take bbox, segm or both.")
    if settings.get("format_only") and not settings.get("outfile_prefix"):
        raise InputError(f"{place}.format_only: writes nothing without {place}.outfile_prefix.")
    if not settings.get("ann_file"):
        raise InputError(f"{place}.ann_file: is missing; name the file of the data set.")
