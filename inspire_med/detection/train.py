"""Command: train a detector (`python -m inspire_med.detection.train CONFIG ...`)."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import Namespace

from inspire_med.cli.command import run_command
from inspire_med.cli.parser import CommandParser
from inspire_med.detection.extra import require_extra
from inspire_med.detection.options import add_options
from inspire_med.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

    from inspire_med.detection.ranks import Place


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, train, and answer with the exit status."""
    parser = CommandParser(
        prog="inspire-med detection.train",
        description="Train a detector by mmengine's Runner, after a look at data and weights.",
    )
    parser.add_argument("config", type=Path, help="A config of mmengine's kind; it is run.")
    add_options(
        parser,
        work_dir="Folder for checkpoints and logs: by default the config's own, or runs/ and its "
        "name. One with checkpoints is refused without --resume.",
        amp="Train in mixed precision; needs a GPU.",
    )
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        metavar="auto|FILE",
        help="Go on from a checkpoint: from the last one in the work dir, if there is one (auto, "
        "or no word), or from a file.",
    )
    parser.add_argument(
        "--auto-scale-lr",
        type=bool,
        default=False,
        help="Scale the learning rate by the batch in use over auto_scale_lr.base_batch_size.",
    )
    return run_command(parser, _train, arguments)


def _train(options: Namespace) -> int:
    require_extra()
    from inspire_med.detection.ranks import run_as_rank

    return run_as_rank(options.launcher, partial(_prepare, options), _train_rank)


def _prepare(options: Namespace) -> "Config":
    from inspire_med.detection.ranks import say_notes

    config = _read(options)
    say_notes(options.launcher, _check(config))
    return config


def _train_rank(config: "Config", place: "Place") -> None:
    from mmengine.runner import Runner

    from inspire_med.detection.finite import StopAtNotFinite

    runner = Runner.from_cfg(config)
    runner.register_hook(StopAtNotFinite())
    runner.train()


def _read(options: Namespace) -> "Config":
    from inspire_med.detection.folder import begin
    from inspire_med.detection.settings import read_settings, require

    config = read_settings(options.config, options.cfg_options)
    require(options.config, config, "model", "train_dataloader", "train_cfg", "optim_wrapper")
    work_dir = options.work_dir or config.get("work_dir") or Path("runs") / options.config.stem
    config.work_dir = str(work_dir)
    if options.amp:
        config.optim_wrapper.type = "AmpOptimWrapper"
        config.optim_wrapper.setdefault("loss_scale", "dynamic")
    if options.auto_scale_lr:
        if "base_batch_size" not in (config.get("auto_scale_lr") or ()):
            raise InputError(
                f"--auto-scale-lr: {options.config} has no auto_scale_lr.base_batch_size; add it."
            )
        config.auto_scale_lr.enable = True
    asked = options.resume
    if asked is None and config.get("resume"):
        asked = config.get("load_from") or "auto"
    last = begin(Path(work_dir), asked)
    config.resume = last is not None
    if last is not None:
        config.load_from = str(last)
    return config


def _check(config: "Config") -> list[str]:
    import torch

    from inspire_med.detection.fit import check_fit
    from inspire_med.detection.pretrained import (
        check_pretrained,
        note_other_pictures,
        note_random_backbone,
    )
    from inspire_med.detection.resume import check_run
    from inspire_med.detection.settings import enter_scope, type_path
    from inspire_med.detection.verdict import check_data
    from inspire_med.detection.weights import guard_loading

    guard_loading()
    enter_scope(config)
    mixed = type_path(config.optim_wrapper).endswith("AmpOptimWrapper")
    if mixed and not torch.cuda.is_available():
        raise InputError("--amp: mixed precision trains on GPUs alone, and none is here; leave it.")
    notes = check_data(config, ("train", "val"))
    if config.resume:
        check_run(config.load_from, config)
    if not config.resume:
        notes += check_pretrained(config.model) + note_other_pictures(config.model)
    if config.get("load_from"):
        check_fit(config.load_from, config, whole=config.resume)
    else:
        notes += note_random_backbone(config.model)
    return notes


if __name__ == "__main__":
    raise SystemExit(main())
