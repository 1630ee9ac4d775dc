import json
import runpy
from math import nan
from pathlib import Path

import pytest
from mmdet.datasets import CocoDataset
from mmdet.datasets.transforms import LoadPanopticAnnotations
from mmdet.registry import DATASETS
from mmengine.registry import init_default_scope
from PIL import Image

from inspire_med.detection.annotations import read_annotations
from inspire_med.detection.settings import kind_of, read_settings
from inspire_med.detection.verdict import check_data
from inspire_med.errors import InputError

ROOT = Path(__file__).parent.parent.parent
coco = runpy.run_path(str(Path(__file__).parent / "coco.py"))


@pytest.fixture(autouse=True)
def scope() -> None:
    init_default_scope("mmdet")


@pytest.fixture
def data(tmp_path) -> Path:
    coco["write_set"](tmp_path / "data", count=3)
    return tmp_path / "data"


@pytest.fixture
def config(tmp_path, data) -> Path:
    return coco["write_config"](tmp_path, data)


@pytest.fixture
def annotations(data):
    """Change the annotation file: `annotations(function of its content)`."""
    file = data / "annotations" / "instances_train2017.json"

    def change(edit) -> None:
        content = json.loads(file.read_text())
        edit(content)
        file.write_text(json.dumps(content))

    return change


def check(config: Path, *options: str, parts=("train", "val")) -> None:
    check_data(read_settings(config, options), parts)


MASKS = "train_dataloader.dataset.pipeline.1.with_mask=True"
MAPS = "train_dataloader.dataset.pipeline.1.with_seg=True"


def test_a_sound_set_passes_with_boxes_masks_crowds_and_maps(config):
    maps = [MAPS, "train_dataloader.dataset.data_prefix.seg=stuffthingmaps/train2017/"]
    check(config, MASKS, *maps)
    check(config, "test_evaluator.metric=bbox,segm", parts=("test",))


@pytest.mark.slow
def test_classes_may_stand_for_names_as_in_pure_python_configs(config):
    settings = read_settings(config)
    settings.val_dataloader.dataset.type = CocoDataset
    settings.val_dataloader.dataset.pipeline[2] = {"type": LoadPanopticAnnotations}
    with pytest.raises(InputError, match="name their folder as data_prefix.seg"):
        check_data(settings, ("val",))
    settings.val_dataloader.dataset.pipeline[2]["with_seg"] = False
    check_data(settings, ("val",))
    assert kind_of({"type": "CocoDataset"}, DATASETS) is CocoDataset
    assert kind_of({"type": "NoSuchSet"}, DATASETS) is None


def test_real_coco_passes_with_masks_and_classes(real_data):
    data = real_data / "coco"
    for name in ("mask-rcnn_r50_fpn", "retinanet_r50_fpn", "htc-without-semantic_r50_fpn"):
        file = ROOT / "configs" / "detection" / f"{name}.py"
        check(file, f"data_root={data}", parts=("train", "val", "test"))


def test_real_coco_has_no_semantic_maps_for_htc(real_data):
    file = ROOT / "configs" / "detection" / "htc_r50_fpn.py"
    with pytest.raises(InputError, match="47 of 47 semantic maps are missing"):
        check(file, f"data_root={real_data / 'coco'}")


def first(content: dict) -> dict:
    return content["annotations"][0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c: c["images"][0].pop("file_name"), r"images\[0\] has no file_name"),
        (lambda c: first(c).update(bbox=[nan, 2, 3, 4]), r"annotation 1: bbox \[nan, 2, 3, 4\] is"),
        (lambda c: first(c).update(id=2), "annotations: id 2 stands there twice"),
        (lambda c: c["categories"][0].update(name="circle"), "has circle, bar, and not.*square; "),
        (lambda c: c["categories"].reverse(), "in another order than the categories"),
        (lambda c: c["annotations"].clear(), "no object of the config's classes has a box"),
        (lambda c: [a.update(area=0) for a in c["annotations"]], "no object of the config's class"),
        (lambda c: [a.update(iscrowd=1) for a in c["annotations"]], "no object of the config's cl"),
    ],
)
def test_annotations_that_do_not_hold_together(config, annotations, edit, message):
    annotations(edit)
    with pytest.raises(InputError, match=message) as error:
        check(config)
    assert "\n" not in str(error.value)


def test_images_that_are_all_too_small_to_learn_from(config):
    with pytest.raises(InputError, match="an image of 49 px or more"):
        check(config, "train_dataloader.dataset.filter_cfg.min_size=49")


def test_predictions_alone_need_no_ground_truth(config, annotations):
    annotations(lambda content: content.pop("annotations"))
    words = ["test_evaluator.format_only=True", "test_evaluator.outfile_prefix=x"]
    check(config, *words, parts=("test",))


def test_a_missing_image_is_named(config, data):
    (data / "train2017" / "002.png").unlink()
    with pytest.raises(InputError, match=r"1 of 3 images are not in .*train2017 \(002.png is the"):
        check(config)


def test_a_missing_image_folder_is_named(config):
    with pytest.raises(InputError, match="data/train: no such image folder"):
        check(config, "train_dataloader.dataset.data_prefix.img=train/")


def test_a_missing_or_unreadable_annotation_file_is_named(config, data):
    (data / "annotations" / "instances_train2017.json").write_text("{")
    with pytest.raises(InputError, match=r"instances_train2017.json: not readable as JSON"):
        check(config)
    with pytest.raises(InputError, match=r"none.json: no such file"):
        check(config, "train_dataloader.dataset.ann_file=none.json")


def test_the_mark_of_windows_is_refused_as_mmdet_cannot_read_it(tmp_path):
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"images": [], "categories": []}')

    with pytest.raises(InputError, match=r"a\.json: begins with the mark of Windows"):
        read_annotations(tmp_path / "a.json")


def test_classes_given_as_one_word(config):
    with pytest.raises(InputError, match=r"metainfo.classes is one word; write it as \('bar',\)"):
        check(config, "train_dataloader.dataset.metainfo.classes=bar")


def test_a_subset_of_the_categories_is_a_wish(config):
    words = [f"{p}_dataloader.dataset.metainfo.classes=(bar,)" for p in ("train", "val")]
    check(config, *words, "model.bbox_head.num_classes=1")


def test_a_head_with_another_number_of_classes(config):
    message = r"model.bbox_head.num_classes: is 80, but train_dataloader.dataset has 2 classes"
    with pytest.raises(InputError, match=message):
        check(config, "model.bbox_head.num_classes=80")


def test_masks_that_are_missing(config, annotations):
    annotations(lambda content: content["annotations"][2].pop("segmentation"))
    check(config)
    for words in ([MASKS], ["val_evaluator.metric=segm"]):
        with pytest.raises(InputError, match=r"1 annotations have no mask .*\(3 is the first\)"):
            check(config, *words)


def test_the_mask_of_a_crowd_has_the_size_of_its_image(config, annotations):
    mask = {"size": [64, 48], "counts": [3072]}
    annotations(lambda content: content["annotations"][-1].update(segmentation=mask))
    with pytest.raises(InputError, match=r"segmentation of size \[64, 48\], its picture has"):
        check(config)


def test_masks_are_scored_only_where_every_annotation_has_one(config, annotations):
    """Those that mmdet does not train on count as missed."""
    annotations(lambda content: (first(content).update(area=0), first(content).pop("segmentation")))
    check(config, MASKS)
    with pytest.raises(InputError, match=r"1 annotations have no mask \(1 is the first\)"):
        check(config, "val_evaluator.metric=segm")


def notes(config: Path, *options: str) -> str:
    return "\n".join(check_data(read_settings(config, options), ("train",)))


def test_what_is_left_out_of_training_is_said_with_its_count(config, annotations):
    assert notes(config) == ""
    assert notes(config, MASKS) == ""

    def edit(content: dict) -> None:
        content["annotations"] = [a for a in content["annotations"] if a["image_id"] != 2]
        sliver = coco["annotation"](90, 3, 7, [10, 10, 9, 9])
        sliver["segmentation"] = [[10.1, 10.1, 10.2, 10.1, 10.2, 10.2]]
        line = coco["annotation"](91, 3, 7, [10, 10, 0.5, 9])
        over = coco["annotation"](92, 3, 7, [60, 10, 6.5, 9])
        hair = coco["annotation"](93, 3, 7, [60, 10, 5, 9])
        content["annotations"] += [sliver, line, over, hair]

    annotations(edit)
    said = notes(config, MASKS)
    assert "1 of 3 pictures have no annotation of the config's classes (2 is the first)" in said
    assert (
        "1 of 9 annotations are to be ignored, have no area, or are not a pixel wide or hi" in said
    )
    assert "(91 is the first), and are left out of training" in said
    assert "1 of 9 boxes reach beyond their pictures, by up to 2.5 px (92 is the first)" in said
    assert "1 of 9 masks cover no pixel (90 is the first)" in said
    kept = notes(config, "train_dataloader.dataset.filter_cfg.filter_empty_gt=False")
    assert "pictures" not in kept.replace("beyond their pictures", "")


def test_pictures_too_small_for_training_are_said(config, data, annotations):
    with Image.open(data / "train2017" / "003.png") as image:
        image.crop((0, 0, 64, 31)).save(data / "train2017" / "003.png")
    annotations(lambda content: content["images"][2].update(height=31))
    assert "1 of 3 pictures are smaller than 32 px (3 is the first)" in notes(config)


def test_semantic_maps_that_are_missing(config, data):
    with pytest.raises(InputError, match="name their folder as data_prefix.seg"):
        check(config, MAPS)
    (data / "stuffthingmaps" / "train2017" / "003.png").unlink()
    with pytest.raises(InputError, match=r"1 of 3 semantic maps are missing \(003.png is the"):
        check(config, MAPS, "train_dataloader.dataset.data_prefix.seg=stuffthingmaps/train2017/")


def test_a_panoptic_file_is_read_by_its_segments(tmp_path, real_data):
    sample = real_data / "coco" / "panoptic_sample" / "sample_data"
    content = json.loads((sample / "panoptic_examples.json").read_text())
    (tmp_path / "data").symlink_to(sample)
    words = [
        *(
            f"data_root={tmp_path / 'data'}",
            "train_dataloader.dataset.data_prefix.img=input_images",
        ),
        "train_dataloader.dataset.ann_file=panoptic_examples.json",
        "train_dataloader.dataset.data_prefix.seg=panoptic_examples",
    ]
    file = ROOT / "configs" / "detection" / "panoptic-fpn_r50_fpn.py"
    check(file, *words, parts=("train",))
    with pytest.raises(
        InputError, match=f"{len(content['images'])} of .* semantic maps are missing"
    ):
        check(file, *words[:-1], "train_dataloader.dataset.data_prefix.seg=none", parts=("train",))


def test_an_evaluator_with_another_file(config, data, tmp_path):
    other = tmp_path / "other.json"
    content = json.loads((data / "annotations" / "instances_train2017.json").read_text())
    other.write_text(json.dumps(content | {"images": content["images"][:1], "annotations": []}))
    with pytest.raises(InputError, match=r"other.json: the evaluator's file lacks 2 images"):
        check(config, f"val_evaluator.ann_file={other}")


def test_sets_within_wrappers_are_checked_too(tmp_path, data):
    more = """
train_dataloader["dataset"] = dict(
    _delete_=True, type="RepeatDataset", times=2,
    dataset=dict(type="ConcatDataset", datasets=[dict(
        type="CocoDataset", ann_file="none.json", data_prefix=dict(img="train2017/"), **data
    )]),
)
"""
    with pytest.raises(InputError, match="none.json: no such file"):
        check(coco["write_config"](tmp_path, data, more), parts=("train",))


@pytest.mark.parametrize("name", ["ann_file", "proposal_file"])
def test_a_pickle_is_refused(config, name):
    with pytest.raises(InputError, match=f"train_dataloader.dataset.{name}: is a pickle, which co"):
        check(config, f"train_dataloader.dataset.{name}=a.pkl")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("metric=proposal", "val_evaluator.metric: proposal is not scored; take bbox, segm"),
        ("format_only=True", "writes nothing without val_evaluator.outfile_prefix"),
        ("ann_file=None", "val_evaluator.ann_file: is missing"),
        ("iou_thrs=[0.3]", r"val_evaluator.iou_thrs: \[0.3\] is not what is done: overlaps"),
        ("proposal_nums=[300]", r"proposal_nums: \[300\] is not what is done: the 100 surest"),
        ("metric_items=[mAP]", "val_evaluator.metric_items: .* all are given"),
        ("backend_args.backend=petrel", "val_evaluator.backend_args: .* files are read from disk"),
    ],
)
def test_what_the_protocol_fixes_is_not_asked_for(config, word, message):
    with pytest.raises(InputError, match=message):
        check(config, f"val_evaluator.{word}")


def test_persistent_workers_that_are_none(config):
    with pytest.raises(InputError, match="train_dataloader: persistent_workers needs num_workers"):
        check(config, "train_dataloader.persistent_workers=True")
