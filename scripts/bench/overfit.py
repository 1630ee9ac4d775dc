"""Train a detector on eight images from random weights until it knows them: is it wired right?

    python scripts/bench/overfit.py configs/detection/X.py --coco data/coco --out /tmp/X

The config's model, at a small size, with its norms learning (there are no pretrained weights to
keep), AdamW and a short warm-up; scored on the very images it trains on. The curve goes to stdout.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from inspire_med.detection.settings import read_settings, sections

HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--coco", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", default="8")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--iterations", type=int, default=300)
    parser.add_argument("--lr", type=float, default=5e-4)
    parser.add_argument("--regions", type=int, default=64, help="regions a second stage samples")
    options = parser.parse_args()

    options.out.mkdir(parents=True)
    few = options.out / "few.json"
    source = options.coco / "annotations" / "instances_train2017.json"
    subset = ["--annotations", str(source), "--images", options.images, "--out", str(few)]
    subprocess.run([sys.executable, str(HERE / "coco_subset.py"), *subset], check=True)
    config = read_settings(options.config)
    let_norms_learn(config)
    sample_fewer_regions(config, options.regions)
    set_data(config, options, few)
    set_schedule(config, options)
    config.work_dir = str(options.out / "run")
    Runner.from_cfg(config).train()
    print_curve(options.out / "run")
    return 0


def let_norms_learn(config: Config) -> None:
    """Random weights under frozen norms could not train."""
    for part in sections(config.model):
        part.pop("init_cfg", None)
        if "norm_eval" in part:
            part["norm_eval"] = False
        if "frozen_stages" in part:
            part["frozen_stages"] = -1
        if part.get("norm_cfg"):
            part["norm_cfg"]["requires_grad"] = True
            if "momentum" in part["norm_cfg"]:
                part["norm_cfg"]["momentum"] = 0.1  # a short run's statistics
    config.model.data_preprocessor.pop("batch_augments", None)


def sample_fewer_regions(config: Config, regions: int) -> None:
    """512 regions in every stage of a cascade would take half a minute a step on two cores."""
    stages = (config.model.get("train_cfg") or {}).get("rcnn", [])
    for stage in stages if isinstance(stages, list) else [stages]:
        stage.sampler.num = regions


def set_data(config: Config, options: argparse.Namespace, few: Path) -> None:
    """The same images to train and to score, resized alone."""
    masks = any("mask_head" in part for part in sections(config.model))
    masks = masks or config.model.type == "SparseInst"
    boxes = config.model.type != "SparseInst"
    common = [
        dict(type="LoadImageFromFile"),
        dict(type="Resize", scale=(options.side, options.side), keep_ratio=True),
        dict(type="LoadAnnotations", with_bbox=True, with_mask=masks),
    ]
    meta = ("img_id", "img_path", "ori_shape", "img_shape", "scale_factor")
    train = [common[0], common[2], common[1], dict(type="PackDetInputs")]
    dataset = dict(
        type="CocoDataset",
        ann_file=str(few),
        data_prefix=dict(img=str(options.coco / "train2017")),
    )
    config.train_dataloader = dict(
        batch_size=options.batch,
        num_workers=1,
        persistent_workers=True,
        sampler=dict(type="InfiniteSampler"),
        dataset=dict(**dataset, filter_cfg=dict(filter_empty_gt=True), pipeline=train),
    )
    config.val_dataloader = dict(
        batch_size=1,
        num_workers=1,
        persistent_workers=True,
        sampler=dict(type="DefaultSampler", shuffle=False),
        dataset=dict(
            **dataset,
            test_mode=True,
            pipeline=[*common, dict(type="PackDetInputs", meta_keys=meta)],
        ),
    )
    metric = [*(["bbox"] if boxes else []), *(["segm"] if masks else [])]
    config.val_evaluator = dict(type="CocoMetric", ann_file=str(few), metric=metric)
    config.test_dataloader = config.test_evaluator = config.test_cfg = None


def set_schedule(config: Config, options: argparse.Namespace) -> None:
    """A warm-up, a constant rate, a tenth of it for the last fifth."""
    steps, warm_up = options.iterations, options.iterations // 10
    config.train_cfg = dict(
        type="IterBasedTrainLoop", max_iters=steps, val_interval=max(1, steps // 6)
    )
    config.optim_wrapper = dict(
        type="OptimWrapper",
        optimizer=dict(type="AdamW", lr=options.lr, weight_decay=1e-4),
        clip_grad=dict(max_norm=10, norm_type=2),
    )
    config.param_scheduler = [
        dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=warm_up),
        dict(type="MultiStepLR", by_epoch=False, milestones=[steps * 4 // 5], gamma=0.1),
    ]
    config.default_hooks.checkpoint = dict(type="CheckpointHook", interval=steps, by_epoch=False)
    config.default_hooks.logger = dict(type="LoggerHook", interval=10)
    config.log_processor = dict(type="LogProcessor", window_size=10, by_epoch=False)
    config.auto_scale_lr = None
    config.randomness = dict(seed=0)


def print_curve(run: Path) -> None:
    scalars = next(run.glob("*/vis_data/scalars.json"))
    lines = [json.loads(line) for line in scalars.read_text().splitlines()]
    print("| iteration | loss | box AP | mask AP |\n|---|---|---|---|")
    iteration = loss = 0
    for line in lines:
        if "loss" in line:
            iteration, loss = line["iter"], line["loss"]
            continue
        scores = [line.get(f"coco/{kind}_mAP") for kind in ("bbox", "segm")]
        shown = " | ".join("" if score is None else f"{score:.3f}" for score in scores)
        print(f"| {iteration} | {loss:.3f} | {shown} |")


if __name__ == "__main__":
    raise SystemExit(main())
