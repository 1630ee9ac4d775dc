"""Alone: the script that predicts without this package, and the numbers that it goes by."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal

from inspire_med.errors import InputError
from inspire_med.files import sha256, write_json
from inspire_med.imaging.picture import COLOURS
from inspire_med.inference.settings import OVERLAP
from inspire_med.interop.program import Program
from inspire_med.interop.trained import Trained

SCRIPT, SETTINGS = "predict.py", "settings.json"
_SOURCES = "inspire_med.interop.standalone"
_MARK = "# RUNTIME: how a network is read and asked\n"
_RUNTIMES = {
    "onnx": """import onnxruntime


def network(file):
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return lambda image: session.run(None, {session.get_inputs()[0].name: image})[0]
""",
    "torch": """import torch
from plain_program import refuse_code


def network(file):
    refuse_code(file)
    asked = torch.export.load(str(file)).module()
    return lambda image: asked(torch.from_numpy(image)).detach().numpy()
""",
}
_WORDS = {"onnx": "onnxruntime", "torch": "torch"}


def write_script(
    folder: Path, trained: Trained, programs: Sequence[Program], runtime: Literal["onnx", "torch"]
) -> None:
    """Write the script and its settings beside the networks.

    Raises:
        InputError: If a channel may lie on another grid: the script resamples onto no other.
    """
    card, how = trained.card, trained.card.preparation
    if len(card.patch_size) == 2 and card.channels != COLOURS:
        raise InputError(
            f"--format {runtime}: pictures of {', '.join(card.channels)} are not read without this "
            "package; give --format model."
        )
    ending = {"onnx": "onnx", "torch": "pt2"}[runtime]
    names = [f"model{number}.{ending}" for number in range(len(programs))]
    settings = {
        "channels": card.channels,
        "regions": card.regions,
        "thresholds": [trained.rules.of(name).threshold for name in card.regions],
        "orientation": how.orientation,
        "spacing_mm": how.spacing_mm,
        "image_size": how.image_size,
        "intensity": how.intensity,
        "crop_to_foreground": how.crop_to_foreground,
        "patch_size": card.patch_size,
        "fixed_size": any(program.size is not None for program in programs),
        "least": [max(sides) for sides in zip(*(each.least for each in programs), strict=True)],
        "overlap": OVERLAP,
        "members": [
            {"file": name, "statistics": member.card.preparation.intensity_statistics}
            for name, member in zip(names, trained.members, strict=True)
        ],
        "sha256": {name: sha256(folder / name) for name in names},
    }
    write_json(folder / SETTINGS, settings)
    script = _source(SCRIPT).replace(_MARK, _RUNTIMES[runtime])
    (folder / SCRIPT).write_text(script.replace("RUNTIME", _WORDS[runtime]), encoding="utf-8")
    if runtime == "torch":
        name = "plain_program.py"
        (folder / name).write_text(_source(name), encoding="utf-8")


def _source(name: str) -> str:
    return (files(_SOURCES) / name).read_text(encoding="utf-8")
