"""MONAI bundle: a folder that `python -m monai.bundle run` predicts with, without this package."""

import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import torch

import inspire_med
from inspire_med.files import sha256, write_json, write_text
from inspire_med.inference.members import Member
from inspire_med.inference.postprocess import Postprocessing
from inspire_med.interop import bundle_scripts
from inspire_med.interop.bundle_config import inference_config, needs_rules, refuse_impossible
from inspire_med.interop.bundle_metadata import metadata
from inspire_med.interop.program import export_program

_ROOT = Path(inspire_med.__file__).parent
_OWN_IMPORT = re.compile(r"^from (inspire_med\.[\w.]+) import", re.MULTILINE)
_LOGGING = """[loggers]
keys=root
[handlers]
keys=console
[formatters]
keys=plain
[logger_root]
level=INFO
handlers=console
[handler_console]
class=StreamHandler
level=INFO
formatter=plain
args=(sys.stdout,)
[formatter_plain]
format=%(asctime)s - %(name)s - %(levelname)s - %(message)s
"""
_LICENSE = """The code in scripts/ is part of inspire_med: Apache License, Version 2.0,
https://www.apache.org/licenses/LICENSE-2.0

The network in models/ belongs to those who trained it, under their terms and those of the data
that it was trained on; docs/README.md says what is known of both.
"""


def write_bundle(
    folder: Path, members: Sequence[Member], rules: Postprocessing, readme: str
) -> None:
    """Write a bundle into `folder`; the caller makes the folder appear atomically.

    Args:
        folder: Is there, and empty.
        members: Models that predict together.
        rules: What is done to their masks.
        readme: What is known of them, as Markdown.

    Raises:
        InputError: If a step of the preparation is none that a bundle can take, or if torch cannot
            export the network.
    """
    names = ["models/model.pt2"]
    names += [f"models/model_{place}.pt2" for place in range(1, len(members))]
    card = members[0].card
    refuse_impossible(card)
    programs = [export_program(member.network, member.card) for member in members]
    cards = [member.card for member in members]
    config = inference_config(cards, names, rules, programs[0].least)
    for name in ("configs", "docs", "models", "scripts"):
        (folder / name).mkdir()
    for program, name in zip(programs, names, strict=True):
        torch.export.save(program.exported, folder / name)
    _copy_scripts(folder / "scripts", str(config))
    write_json(folder / "configs" / "inference.json", config)
    write_text(folder / "configs" / "logging.conf", _LOGGING)
    write_text(folder / "docs" / "README.md", readme + _how_to_run(card.task.spatial_dims))
    write_text(folder / "LICENSE", _LICENSE)
    packages = ["nibabel" if card.task.spatial_dims == 3 else "pillow"]
    if any(needs_rules(rules.of(name)) for name in card.regions):
        packages.append("scipy")
    written = sorted(file for file in folder.rglob("*") if file.is_file())
    sha256s = {file.relative_to(folder).as_posix(): sha256(file) for file in written}
    known = metadata(card, {name: version(name) for name in packages}, sha256s)
    write_json(folder / "configs" / "metadata.json", known)


def _copy_scripts(folder: Path, config: str) -> None:
    """Those that the config names, and what they import of this package, side by side."""
    named = re.findall(r"scripts\.(\w+)\.", config)
    wanted = {f"{bundle_scripts.__name__}.{name}" for name in ("__init__", *named)}
    done: set[str] = set()
    while wanted - done:
        module = (wanted - done).pop()
        done.add(module)
        source = _ROOT.joinpath(*module.split(".")[1:]).with_suffix(".py").read_text("utf-8")
        wanted |= set(_OWN_IMPORT.findall(source))
        name = module.rpartition(".")[2]
        alone = _OWN_IMPORT.sub(lambda own: f"from .{own[1].rpartition('.')[2]} import", source)
        write_text(folder / f"{name}.py", alone)


def _how_to_run(spatial_dims: int) -> str:
    files = "`CASE_CHANNEL.nii.gz`" if spatial_dims == 3 else "pictures"
    return f"""
## Run it

In this folder, with MONAI, PyTorch and the packages of `configs/metadata.json`:

    python -m monai.bundle run --config_file configs/inference.json \\
        --dataset_dir DATA --output_dir MASKS

`DATA` is a folder with {files}; `--datalist FILE.json` names the files of each case instead: a list
of entries (or one under `testing`) with a file for each channel, or all of them under `image` in
the order of the channels. Every mask lies on the grid of its case's own file.
"""
