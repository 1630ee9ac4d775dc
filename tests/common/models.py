"""Models as trainings leave them, without the training."""

import json
from pathlib import Path

from inspire_med.cases.manifest import Manifest
from inspire_med.inference.model import ModelCard, write_model
from inspire_med.networks import build_network


def write_model_of(manifest: Path, folder: Path, trained_on: str, fold: int) -> Path:
    """The checkpoint of a run on a set of pictures that left out a fold; its network is random."""
    known = Manifest.load(manifest)
    network = {"spatial_dims": 2, "in_channels": len(known.channels), "widths": [4, 8]}
    network |= {"out_channels": len(known.regions), "skip": "concat"}
    card = ModelCard(
        known.task, tuple(known.channels), dict(known.regions), network, known.task.preparation,
        (32, 32), "32-true", trained_on,
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    write_model(folder, card, build_network(network))
    (folder / "training.json").write_text(json.dumps({"config": {"fold": fold}}))
    return folder
