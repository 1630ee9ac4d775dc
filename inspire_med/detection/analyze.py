"""Command: what a detector costs (`python -m inspire_med.detection.analyze CONFIG ...`)."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jsonargparse import Namespace

from inspire_med.cli.command import run_command
from inspire_med.cli.parser import CommandParser
from inspire_med.detection.extra import require_extra
from inspire_med.detection.options import add_cfg_options
from inspire_med.errors import InputError

if TYPE_CHECKING:
    from mmdet.models import BaseDetector
    from mmengine.config import Config

    from inspire_med.detection.complexity import Complexity


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, count and time, and answer with the exit status."""
    parser = CommandParser(
        prog="inspire-med detection.analyze",
        description="Parameters, operations and speed of a detector; the last line is JSON.",
    )
    parser.add_argument("config", type=Path, help="A config of mmengine's kind; it is run.")
    parser.add_argument(
        "--shape",
        type=int,
        nargs=2,
        metavar=("H", "W"),
        help="Size of the image in pixels; by default the config's test size. Padded as in tests.",
    )
    parser.add_argument("--depth", type=int, default=2, help="How deep the table of modules goes.")
    parser.add_argument(
        "--fps",
        type=bool,
        default=False,
        help="Time one image a batch through network and post-processing, on a GPU if there is "
        "one: images a second, by the median.",
    )
    parser.add_argument(
        "--precision",
        type=Literal["fp32", "fp16", "bf16"],
        default="fp32",
        help="What --fps computes in, by autocast.",
    )
    parser.add_argument(
        "--checkpoint",
        help="Weights for --fps, as for testing; without, post-processing is busy with what random "
        "ones find.",
    )
    add_cfg_options(parser)
    return run_command(parser, _analyze, arguments)


def _analyze(options: Namespace) -> None:
    require_extra()
    for name in ("precision", "checkpoint"):
        if not options.fps and options[name] not in ("fp32", None):
            raise InputError(f"option --{name}: changes the speed alone; give --fps too.")

    from mmdet.registry import MODELS

    from inspire_med.detection.complexity import complexity
    from inspire_med.detection.settings import enter_scope, read_settings, require

    config = read_settings(options.config, options.cfg_options)
    require(options.config, config, "model")
    height, width = _image_size(config, options.shape)
    enter_scope(config)
    _check_weights(config, options.checkpoint)
    detector = MODELS.build(config.model).eval()
    speed = {"fps": _speed(detector, height, width, options)} if options.fps else {}
    counted = complexity(detector, height, width)
    whole = counted[""]

    print(f"{options.config} at {height} x {width} pixels")
    print(_table(detector, counted, options.depth))
    if speed:
        print(f"{speed['fps']:.2f} images a second in {options.precision}")
    print(json.dumps({**vars(whole), **speed}))


def _image_size(config: "Config", shape: Sequence[int] | None) -> tuple[int, int]:
    """Height and width as asked for, or as the config tests, padded as its model pads."""
    height, width = shape or _test_size(config)
    if min(height, width) < 1:
        raise InputError(f"option --shape: {height} x {width} is no size; give two above 0.")
    divisor = (config.model.get("data_preprocessor") or {}).get("pad_size_divisor", 1)
    return math.ceil(height / divisor) * divisor, math.ceil(width / divisor) * divisor


def _test_size(config: "Config") -> Sequence[int]:
    """Height and width that the config's test images are resized to, landscape."""
    from inspire_med.detection.settings import type_path

    pipeline = (config.get("test_dataloader") or {}).get("dataset", {}).get("pipeline", ())
    for step in pipeline:
        if "Resize" in type_path(step) and "scale" in step:
            return step.scale[::-1]  # mmdet writes (width, height)
    raise InputError("option --shape: the config does not say at what size it tests; give it.")


def _check_weights(config: "Config", checkpoint: str | None) -> None:
    from inspire_med.detection.fit import check_fit
    from inspire_med.detection.weights import guard_loading

    if checkpoint is not None:
        guard_loading()
        check_fit(checkpoint, config, whole=True)


def _speed(detector: "BaseDetector", height: int, width: int, options: Namespace) -> float:
    import torch
    from mmengine.runner import load_checkpoint

    from inspire_med.detection.speed import frames_per_second

    if options.checkpoint is not None:
        load_checkpoint(detector, options.checkpoint, map_location="cpu")
    detector.to("cuda" if torch.cuda.is_available() else "cpu")
    return frames_per_second(detector, height, width, precision=options.precision)


def _table(detector: "BaseDetector", counted: "Mapping[str, Complexity]", depth: int) -> str:
    """A line a module that holds or does anything, in the detector's order, to a depth."""
    kinds = {name: type(module).__name__ for name, module in detector.named_modules()}
    lines = [("module", "kind", "parameters", "GMACs", "GFLOPs (mmdet 2)")]
    for name, cost in counted.items():
        level = name.count(".") + 1 if name else 0
        if level <= depth and (cost.parameters or cost.macs or cost.flops_mmdet2):
            billions = (f"{cost.macs / 1e9:,.3f}", f"{cost.flops_mmdet2 / 1e9:,.3f}")
            lines.append((name or "whole", kinds[name], f"{cost.parameters:,}", *billions))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(room) if place < 2 else cell.rjust(room)
            for place, (cell, room) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


if __name__ == "__main__":
    raise SystemExit(main())
