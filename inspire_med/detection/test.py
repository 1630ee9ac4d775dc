"""Command: test a detector (`python -m inspire_med.detection.test CONFIG CHECKPOINT ...`)."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import Namespace

from inspire_med.cli.command import run_command
from inspire_med.cli.parser import CommandParser
from inspire_med.detection.extra import require_extra
from inspire_med.detection.options import add_options
from inspire_med.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

    from inspire_med.detection.precision import Precision
    from inspire_med.detection.ranks import Place


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, test, print the scores as JSON, and answer with the exit status."""
    parser = CommandParser(
        prog="inspire-med detection.test",
        description="Score a detector on the config's test set; the last line is JSON.",
    )
    parser.add_argument("config", type=Path, help="A config of mmengine's kind; it is run.")
    parser.add_argument("checkpoint", help="Its weights: .pth, .safetensors or an address.")
    add_options(
        parser,
        work_dir="Logs and scores go into a time-stamped folder under its test/: by default the "
        "config's own, or runs/ and its name.",
        amp="Predict in mixed precision: fp16 on GPUs, bf16 on CPUs.",
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="Keep the predictions: OUT.bbox.json and the like, in COCO's result format.",
    )
    parser.add_argument(
        "--tta",
        type=bool,
        default=False,
        help="Merge several views of each image: the config's tta_pipeline, else a flip.",
    )
    return run_command(parser, _test, arguments)


def _test(options: Namespace) -> int:
    require_extra()
    from inspire_med.detection.ranks import run_as_rank

    work = partial(_test_rank, options.amp)
    return run_as_rank(options.launcher, partial(_prepare, options), work)


def _prepare(options: Namespace) -> "Config":
    from inspire_med.detection.ranks import say_notes

    config = _read(options)
    say_notes(options.launcher, _check(config))
    if options.tta:
        _use_views(config)
    return config


def _test_rank(mixed: bool, config: "Config", place: "Place") -> None:
    from mmengine.runner import Runner

    from inspire_med.detection.precision import autocast

    runner = Runner.from_cfg(config)
    with autocast(runner.model, _precision(mixed)):
        scores = runner.test()
    if place.rank == 0:
        print(json.dumps(scores, default=float))


def _read(options: Namespace) -> "Config":
    from inspire_med.detection.settings import read_settings, require

    config = read_settings(options.config, options.cfg_options)
    require(options.config, config, "model", "test_dataloader", "test_cfg", "test_evaluator")
    work_dir = options.work_dir or config.get("work_dir") or Path("runs") / options.config.stem
    # mmengine writes its config beside the time-stamped folders, over that of the training.
    config.work_dir = str(Path(work_dir) / "test")
    config.load_from, config.resume = options.checkpoint, False
    if options.out is not None:
        _keep_predictions(config, options.out)
    return config


def _check(config: "Config") -> list[str]:

    from inspire_med.detection.fit import check_fit
    from inspire_med.detection.settings import enter_scope
    from inspire_med.detection.verdict import check_data
    from inspire_med.detection.weights import guard_loading

    guard_loading()
    enter_scope(config)
    notes = check_data(config, ("test",))
    check_fit(config.load_from, config, whole=True)
    return notes


def _precision(mixed: bool) -> "Precision":
    import torch

    if not mixed:
        return "fp32"
    return "fp16" if torch.cuda.is_available() else "bf16"


def _keep_predictions(config: "Config", out: Path) -> None:
    """Let the metrics that can write results write them under this name."""
    from mmdet.registry import METRICS

    from inspire_med.detection.keys import parameters
    from inspire_med.detection.settings import kind_of

    if out.suffix in (".pkl", ".pickle"):
        raise InputError(f"--out: {out} would be a pickle; predictions are written as .json.")
    prefix = out.with_suffix("") if out.suffix == ".json" else out
    taken = sorted(out.parent.glob(f"{prefix.name}.*")) if out.parent.is_dir() else []
    if taken:
        raise InputError(f"{taken[0]}: exists already; choose another --out.")
    evaluators: Any = config.test_evaluator
    evaluators = evaluators if isinstance(evaluators, list) else [evaluators]
    kinds: list[Any] = [kind_of(one, METRICS) for one in evaluators]
    writers = [
        one
        for one, kind in zip(evaluators, kinds, strict=True)
        if kind is not None and "outfile_prefix" in (parameters(kind) or ())
    ]
    if not writers:
        raise InputError("--out: the config's test_evaluator writes no predictions; leave it out.")
    for one in writers:
        one.outfile_prefix = str(prefix)


def _use_views(config: "Config") -> None:
    """Wrap the model to merge views of an image, and make the views in the pipeline."""
    from mmdet.models import TwoStagePanopticSegmentor
    from mmdet.registry import MODELS
    from mmengine.config import ConfigDict

    from inspire_med.detection.instance_tta import InstanceTTAModel
    from inspire_med.detection.settings import kind_of
    from inspire_med.detection.verdict import leaves

    kind: Any = kind_of(config.model, MODELS)
    if issubclass(kind, TwoStagePanopticSegmentor):
        raise InputError(
            f"--tta: {kind.__name__} gives segments that tile the image, and views of those cannot "
            "be merged; leave it out."
        )
    merging = config.get("tta_model") or ConfigDict(
        type=InstanceTTAModel.__name__,
        tta_cfg={"nms": {"type": "nms", "iou_threshold": 0.5}, "max_per_img": 100},
    )
    config.model = ConfigDict(**merging, module=config.model)
    for _, dataset in leaves(config.test_dataloader.dataset, "test_dataloader.dataset"):
        views = [*dataset.pipeline[:-1], _flipped_and_not()]
        dataset.pipeline = config.get("tta_pipeline") or views


def _flipped_and_not() -> dict[str, Any]:
    names = ("img_id", "img_path", "ori_shape", "img_shape", "scale_factor")
    packing = {"type": "PackDetInputs", "meta_keys": (*names, "flip", "flip_direction")}
    flips = [{"type": "RandomFlip", "prob": prob} for prob in (0.0, 1.0)]
    return {"type": "TestTimeAug", "transforms": [flips, [packing]]}


if __name__ == "__main__":
    raise SystemExit(main())
