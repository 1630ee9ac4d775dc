"""A made COCO set and a config of a detector small enough to train on it in seconds.

Loaded by path (`runpy`), because test folders are no packages.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

CONFIG = """
_base_ = "mmdet::retinanet/retinanet_r18_fpn_1x_coco.py"
classes = ("square", "bar")
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="Resize", scale=(64, 64), keep_ratio=True),
    dict(type="PackDetInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=(64, 64), keep_ratio=True),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(
        type="PackDetInputs",
        meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor"),
    ),
]
data = dict(data_root="DATA/", metainfo=dict(classes=classes))
data_root = "DATA/"
here = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(**here, batch_size=4, dataset=dict(**data, pipeline=train_pipeline))
val_dataloader = dict(
    **here,
    dataset=dict(
        **data,
        pipeline=test_pipeline,
        ann_file="annotations/instances_train2017.json",
        data_prefix=dict(img="train2017/"),
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file="DATA/annotations/instances_train2017.json")
test_evaluator = val_evaluator
model = dict(
    backbone=dict(base_channels=16, norm_eval=False, frozen_stages=-1, init_cfg=None),
    neck=dict(in_channels=[16, 32, 64, 128], out_channels=32),
    bbox_head=dict(num_classes=2, in_channels=32, feat_channels=32, stacked_convs=1),
    test_cfg=dict(score_thr=0.001),  # untrained, it finds something
)
train_cfg = dict(max_epochs=2)
param_scheduler = [dict(type="ConstantLR", factor=1.0, by_epoch=False)]
optim_wrapper = dict(optimizer=dict(_delete_=True, type="AdamW", lr=0.002))
default_hooks = dict(logger=dict(interval=1))
randomness = dict(seed=0)
"""


def write_set(folder: Path, count: int = 8) -> Path:
    """Pictures of 64 x 48: a red square, a blue bar, on the first a crowd; their annotations."""
    random = np.random.default_rng(0)
    for name in ("train2017", "annotations", "stuffthingmaps/train2017"):
        (folder / name).mkdir(parents=True)
    images, objects = [], []
    for number in range(1, count + 1):
        pixels = random.integers(100, 130, size=(48, 64, 3))
        for category, (width, height), colour in ((7, (16, 16), 0), (9, (24, 8), 2)):
            left, top = (int(random.integers(0, room)) for room in (64 - width, 48 - height))
            pixels[top : top + height, left : left + width] = 0
            pixels[top : top + height, left : left + width, colour] = 255
            box = [left, top, width, height]
            objects.append(annotation(len(objects) + 1, number, category, box))
        Image.fromarray(pixels.astype(np.uint8)).save(folder / "train2017" / f"{number:03}.png")
        stuff = Image.fromarray(np.zeros((48, 64), np.uint8))
        stuff.save(folder / "stuffthingmaps" / "train2017" / f"{number:03}.png")
        images.append({"id": number, "file_name": f"{number:03}.png", "height": 48, "width": 64})
    crowd = annotation(len(objects) + 1, 1, 7, [0, 0, 4, 48]) | {"iscrowd": 1}
    crowd["segmentation"] = {"size": [48, 64], "counts": [0, 4 * 48, 60 * 48]}
    names = {7: "square", 9: "bar"}
    content = {
        "images": images,
        "annotations": [*objects, crowd],
        "categories": [{"id": key, "name": name} for key, name in names.items()],
    }
    file = folder / "annotations" / "instances_train2017.json"
    file.write_text(json.dumps(content))
    return file


def annotation(number: int, image: int, category: int, box: list[int]) -> dict:
    left, top, width, height = box
    right, bottom = left + width, top + height
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "bbox": box,
        "area": width * height,
        "iscrowd": 0,
        "segmentation": [[left, top, right, top, right, bottom, left, bottom]],
    }


def write_config(folder: Path, data: Path, more: str = "") -> Path:
    """A RetinaNet of 16 channels for that set; `more` stands below it."""
    file = folder / "tiny.py"
    file.write_text(CONFIG.replace("DATA", str(data)) + more)
    return file
