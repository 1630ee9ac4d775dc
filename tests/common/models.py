"""Models as trainings leave them, without the training."""

import json
from pathlib import Path

import torch

from inspire_med.cases.manifest import Manifest
from inspire_med.inference.model import ModelCard, write_model
from inspire_med.networks import build_network


def write_model_of(
    manifest: Path, folder: Path, trained_on: str, fold: int, skip: str = "concat"
) -> Path:
    """The checkpoint of a run on a set that left out a fold; its network is random."""
    known = Manifest.load(manifest)
    dims = known.task.spatial_dims
    network = {"spatial_dims": dims, "in_channels": len(known.channels), "widths": [4, 8]}
    network |= {"out_channels": len(known.regions), "skip": skip}
    patch = (32, 32) if dims == 2 else (16, 16, 8)
    card = ModelCard(
        known.task, tuple(known.channels), dict(known.regions), network, known.task.preparation,
        patch, "32-true", trained_on,
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    network = build_network(network)
    with torch.no_grad():
        for parameter in network.parameters():  # away from a start that moves and changes nothing
            parameter += 0.05 * torch.randn_like(parameter)
    write_model(folder, card, network)
    (folder / "training.json").write_text(json.dumps({"config": {"fold": fold}}))
    return folder
