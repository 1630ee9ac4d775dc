import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.evaluation import CocoMetric as MmdetCocoMetric
from mmdet.registry import METRICS
from mmengine.registry import METRICS as ROOT_METRICS
from pycocotools import mask as mask_tools
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from inspire_med.detection.coco_metric import CocoMetric, check_metric
from inspire_med.detection.settings import read_settings
from inspire_med.errors import InputError
from inspire_med.evaluation.protocols.coco import COCO_DETECTION

CLASSES = ("cup", "pen")
IDS = {"cup": 9, "pen": 4}  # falling, so that a label is no place among sorted ids
KINDS = ["bbox", "segm"]
HEIGHT, WIDTH = 120, 160


@pytest.fixture(scope="module")
def truth() -> dict:
    """Six images of up to five squares, from 8 to 110 px."""
    random = np.random.default_rng(0)
    annotations = []
    for image in range(1, 7):
        for _ in range(int(random.integers(1, 6))):
            side = int(random.integers(8, 111))
            left, top = (int(random.integers(0, room - side)) for room in (WIDTH, HEIGHT))
            corners = [left, top, left + side, top, left + side, top + side, left, top + side]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(random.choice(list(IDS.values()))),
                    "bbox": [left, top, side, side],
                    "area": side * side,
                    "iscrowd": 0,
                    "segmentation": [corners],
                }
            )
    images = [
        {"id": n, "file_name": f"{n}.png", "height": HEIGHT, "width": WIDTH} for n in range(1, 7)
    ]
    categories = [{"id": number, "name": name} for name, number in IDS.items()]
    return {"images": images, "annotations": annotations, "categories": categories}


@pytest.fixture(scope="module")
def samples(truth) -> list[dict]:
    """Objects found a little off, some doubled or of the other class, as detectors give them."""
    random = np.random.default_rng(1)
    found: list[dict] = []
    for image in truth["images"]:
        rows = []
        for each in truth["annotations"]:
            if each["image_id"] == image["id"]:
                for _ in range(int(random.integers(0, 3))):
                    left, top, side, _ = each["bbox"]
                    shift = random.integers(-4, 5, size=2)
                    low = np.maximum(np.array([left, top]) + shift, 0)
                    label = CLASSES.index("cup" if each["category_id"] == IDS["cup"] else "pen")
                    label = label if random.random() < 0.8 else 1 - label
                    rows.append(([*low, *(low + side)], label, random.random()))
        masks = torch.zeros(len(rows), HEIGHT, WIDTH, dtype=torch.bool)
        for mask, ((left, top, right, bottom), _, _) in zip(masks, rows, strict=True):
            mask[top + 1 : bottom, left:right] = True
        instances = {
            "bboxes": torch.tensor([row[0] for row in rows], dtype=torch.float32).reshape(-1, 4),
            "labels": torch.tensor([row[1] for row in rows], dtype=torch.long),
            "scores": torch.tensor([row[2] for row in rows], dtype=torch.float32),
            "masks": masks,
        }
        shape = (HEIGHT, WIDTH)
        found.append({"img_id": image["id"], "ori_shape": shape, "pred_instances": instances})
    return found


def scored(kind: type, file: Path, samples: list[dict], **options) -> dict[str, float]:
    metric = kind(ann_file=str(file), **{"metric": KINDS, **options})
    metric.dataset_meta = {"classes": CLASSES}
    metric.process(None, samples)
    with redirect_stdout(io.StringIO()):
        return metric.evaluate(len(samples))


@pytest.fixture
def write(tmp_path, truth):
    """Write the reference with ids from a number on."""

    def _write(first: int = 1, **changes) -> Path:
        numbered = [{**each, "id": each["id"] - 1 + first} for each in truth["annotations"]]
        file = tmp_path / f"from_{first}.json"
        file.write_text(json.dumps(truth | {"annotations": numbered} | changes))
        return file

    return _write


def test_configs_that_name_mmdets_metric_get_the_protocols():
    assert METRICS.get("CocoMetric") is CocoMetric


@pytest.mark.parametrize(
    "lines",
    [
        "kind = 'CocoMetric'",
        "kind = 'mmdet.CocoMetric'",
        "kind = 'mmdet.evaluation.CocoMetric'",
        "from mmengine.config import read_base\nfrom mmdet.evaluation import CocoMetric as kind",
    ],
)
def test_by_whatever_name_a_config_calls_it(tmp_path, lines):
    (tmp_path / "a.py").write_text(f"{lines}\ntest_evaluator = dict(type=kind, ann_file='a.json')")
    evaluator = read_settings(tmp_path / "a.py").test_evaluator
    for registry in (METRICS, ROOT_METRICS):
        assert registry.get(evaluator.type) is CocoMetric
    check_metric("test_evaluator", evaluator)
    with pytest.raises(InputError, match="^test_evaluator.metric: proposal is not scored; take"):
        check_metric("test_evaluator", {**evaluator, "metric": "proposal"})


def test_another_metric_of_that_name_stays(tmp_path):
    (tmp_path / "a.py").write_text("test_evaluator = dict(type='mmpose.CocoMetric')")
    assert read_settings(tmp_path / "a.py").test_evaluator.type == "mmpose.CocoMetric"


def test_with_ids_from_1_the_scores_are_mmdets_to_its_three_digits(write, samples):
    ours, theirs = (scored(kind, write(), samples) for kind in (CocoMetric, MmdetCocoMetric))
    assert ours.keys() == theirs.keys()
    assert 0.1 < ours["coco/bbox_mAP"] < 0.9
    assert ours["coco/segm_mAP"] < ours["coco/bbox_mAP"]
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=0.00051)


def test_the_scores_are_pycocotools_own(write, samples, tmp_path):
    file = write()
    ours = scored(CocoMetric, file, samples, outfile_prefix=str(tmp_path / "found"))
    for kind in KINDS:
        with redirect_stdout(io.StringIO()):
            truth = COCO(str(file))
            found = json.loads((tmp_path / f"found.{kind}.json").read_text())
            if kind == "segm":
                for each in found:
                    del each["bbox"]
            judge = COCOeval(truth, truth.loadRes(found), kind)
            judge.evaluate()
            judge.accumulate()
            judge.summarize()
        for name, value in zip(("", "_50", "_75", "_s", "_m", "_l"), judge.stats, strict=False):
            assert ours[f"coco/{kind}_mAP{name}"] == pytest.approx(value, abs=1e-9)


def test_what_is_written_scores_alike_by_the_evaluate_command(write, samples, tmp_path):
    ours = scored(CocoMetric, write(), samples, outfile_prefix=str(tmp_path / "found"))
    result = COCO_DETECTION.score(write(), tmp_path / "found.segm.json").regions["all"].measures
    assert result["box_ap"] == ours["coco/bbox_mAP"]
    assert result["mask_ap_small"] == ours["coco/segm_mAP_s"]


def test_ids_from_0_score_as_ids_from_1(write, samples):
    assert scored(CocoMetric, write(0), samples) == scored(CocoMetric, write(1), samples)
    with pytest.raises(AssertionError):  # mmdet's does not: the reason for this one
        assert scored(MmdetCocoMetric, write(0), samples) == scored(
            MmdetCocoMetric, write(1), samples
        )


def test_classes_alone_are_scored_on_all_images(write, samples):
    metric = CocoMetric(ann_file=str(write()), classwise=True)
    metric.dataset_meta = {"classes": CLASSES}
    metric.process(None, samples)
    both = metric.evaluate(len(samples))
    assert both["coco/bbox_mAP"] == pytest.approx(
        (both["coco/bbox_mAP/cup"] + both["coco/bbox_mAP/pen"]) / 2
    )
    alone = CocoMetric(ann_file=str(write()))
    alone.dataset_meta = {"classes": ("pen",)}
    for sample in samples:
        found = sample["pred_instances"]
        pens = found["labels"] == 1
        kept = {key: value[pens] for key, value in found.items()} | {
            "labels": torch.zeros(pens.sum(), dtype=torch.long)
        }
        alone.process(None, [{**sample, "pred_instances": kept}])
    assert alone.evaluate(len(samples))["coco/bbox_mAP"] == both["coco/bbox_mAP/pen"]


def test_a_detector_that_finds_nothing_scores_0_and_what_is_undefined_is_left_out(write, samples):
    nothing = [
        {**each, "pred_instances": {k: v[:0] for k, v in each["pred_instances"].items()}}
        for each in samples
    ]
    small = [{**each, "area": 20} for each in json.loads(write().read_text())["annotations"]]
    assert scored(CocoMetric, write(annotations=small), nothing) == {
        f"coco/{kind}_mAP{size}": 0 for kind in KINDS for size in ("", "_50", "_75", "_s")
    }


def test_run_lengths_and_scores_of_masks_are_taken_as_they_are(write, samples):
    encoded = []
    for each in samples:
        found = dict(each["pred_instances"])
        found["masks"] = [
            mask_tools.encode(np.asfortranarray(mask.numpy().astype(np.uint8)))
            for mask in found["masks"]
        ]
        found["mask_scores"] = 1 - found["scores"]
        encoded.append({**each, "pred_instances": found})
    plain, other = (scored(CocoMetric, write(), each) for each in (samples, encoded))
    assert other["coco/bbox_mAP"] == plain["coco/bbox_mAP"]
    assert other["coco/segm_mAP"] != plain["coco/segm_mAP"]
    theirs = scored(MmdetCocoMetric, write(), encoded)
    assert other["coco/segm_mAP"] == pytest.approx(theirs["coco/segm_mAP"], abs=0.00051)


def test_detections_alone_need_no_annotations(write, samples, tmp_path):
    file = write(annotations=[])
    options = {"format_only": True, "outfile_prefix": str(tmp_path / "found")}
    assert scored(CocoMetric, file, samples, **options) == {}
    first = json.loads((tmp_path / "found.bbox.json").read_text())[0]
    assert first.keys() == {"image_id", "category_id", "bbox", "score"}
    assert first["category_id"] in IDS.values()


def test_masks_asked_of_a_model_without(write, samples):
    bare = [{**samples[0], "pred_instances": dict(samples[0]["pred_instances"])}]
    del bare[0]["pred_instances"]["masks"]
    with pytest.raises(InputError, match="segm, but the model gives no masks"):
        scored(CocoMetric, write(), bare)


def test_sort_categories_and_use_mp_eval_of_mmdet_change_nothing(write, samples):
    words = {"sort_categories": True, "use_mp_eval": True}
    assert scored(CocoMetric, write(), samples, **words) == scored(CocoMetric, write(), samples)
