from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from PIL import Image
from pycocotools.coco import COCO

from inspire_med.detection.phantom import main
from inspire_med.detection.settings import read_settings
from inspire_med.detection.verdict import check_data

CONFIGS = Path(__file__).parent.parent.parent / "configs" / "detection"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("coco") / "made"
    assert main([str(folder), "--pictures", "24"]) == 0
    return folder


@pytest.fixture(scope="module")
def train(made) -> COCO:
    return COCO(made / "annotations" / "instances_train2017.json")


def test_a_quarter_is_held_out(made):
    names = {
        part: {path.name for path in (made / part).iterdir()} for part in ("train2017", "val2017")
    }

    assert [len(each) for each in names.values()] == [18, 6]
    assert not set.intersection(*names.values())


def test_boxes_and_areas_are_those_of_the_masks_to_the_pixel(train):
    for entry in train.anns.values():
        mask = train.annToMask(entry)
        rows, columns = np.nonzero(mask)
        left, top, width, height = entry["bbox"]
        assert entry["area"] == mask.sum() > 0
        assert (left, top) == (columns.min(), rows.min())
        assert (left + width, top + height) == (columns.max() + 1, rows.max() + 1)


def test_masks_show_the_objects_of_the_picture(made, train):
    for entry in train.anns.values():
        mask = train.annToMask(entry).astype(bool)
        with Image.open(made / "train2017" / train.imgs[entry["image_id"]]["file_name"]) as picture:
            assert picture.size == mask.shape[::-1]
            pixels = np.asarray(picture, float)
        if mask.sum() > 150:  # one colour, but for noise and the JPEG's rims
            assert np.median(np.abs(pixels[mask] - np.median(pixels[mask], axis=0))) < 16


def test_what_is_hidden_is_in_no_mask_and_there_are_all_kinds_of_entries(train):
    for image in train.imgs:
        masks = [train.annToMask(entry) for entry in train.imgToAnns[image]]
        assert not any((one & other).any() for one, other in combinations(masks, 2))
    entries = list(train.anns.values())
    assert {type(entry["segmentation"]) for entry in entries} == {list, dict}
    assert {entry["iscrowd"] for entry in entries} == {0, 1}
    assert any(not train.imgToAnns[image] for image in train.imgs)
    names = {train.cats[entry["category_id"]]["name"] for entry in entries}
    assert names == {"sports ball", "book", "donut"}
    # As in the real set (instances_val2017.json).
    assert {train.cats[each]["name"] for each in (1, 13, 37, 60, 84, 90)} == {
        "person", "stop sign", "sports ball", "donut", "book", "toothbrush"
    }  # fmt: skip


def test_configs_take_the_set_as_they_stand(made):
    init_default_scope("mmdet")

    config = CONFIGS / "mask-rcnn_r50_fpn.py"
    check_data(read_settings(config, [f"data_root={made}/"]), ("train", "val"))


def test_one_seed_the_same_bytes_and_longer_sets_begin_alike(made, tmp_path):
    assert main([str(tmp_path / "again"), "--pictures", "12"]) == 0
    assert main([str(tmp_path / "other"), "--pictures", "12", "--seed", "1"]) == 0

    for name in ("000000000001.jpg", "000000000009.jpg"):
        content = [path.read_bytes() for path in (
            made / "train2017" / name, tmp_path / "again" / "train2017" / name,
            tmp_path / "other" / "train2017" / name,
        )]  # fmt: skip
        assert content[0] == content[1] != content[2]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--pictures", "3"], "--pictures 3: too few for two parts; give 4 or more."),
        (["--seed", "-1"], "--seed -1: below zero; give 0 or more."),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path, capsys, words, sentence):
    assert main([str(tmp_path / "made"), *words]) == 2
    assert capsys.readouterr().err == f"inspire-med detection.phantom: {sentence}\n"


def test_what_is_there_is_kept(tmp_path, capsys):
    (tmp_path / "mine.txt").touch()

    assert main([str(tmp_path)]) == 2
    assert "exists already; choose another place" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
