"""Ways to predict a prepared case: ours, MONAI's, nnU-Net's; each is asked again and again."""

import argparse
import copy
import json
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch
from monai.inferers.utils import sliding_window_inference
from numpy.typing import NDArray
from torch import Tensor, nn

from inspire_med.cases.prepare import Prepared
from inspire_med.inference.ensemble import Ensemble
from inspire_med.inference.members import Member
from inspire_med.inference.model import ModelCard, read_model
from inspire_med.inference.precision import Precision, autocast
from inspire_med.inference.settings import OVERLAP, Settings, WindowChoice, find_device
from inspire_med.inference.sliding_window import ONE

PEER = Path(__file__).parent / "inference_peer.py"
PRECISIONS: dict[str, Precision] = {"bf16": "bf16-mixed", "fp32": "32-true"}
DEFAULT = "MONAI, fp32"
LIKE = "MONAI, bf16, channels last"

Way = Callable[[], NDArray[np.float32]]  # gives the probabilities


def ours(folder: Path, prepared: Prepared, device: torch.device) -> dict[str, Way]:
    ways: dict[str, Way] = {}
    windows: Sequence[WindowChoice] = ("training", "largest")
    for precision, name in PRECISIONS.items():
        for choice in windows:
            settings = Settings(device, name, windows=choice)
            ensemble = Ensemble([Member(folder, *read_model(folder))], settings)
            ways[f"ours, {precision}, {choice}"] = _our_way(ensemble, prepared)
    return ways


def _our_way(ensemble: Ensemble, prepared: Prepared) -> Way:
    return lambda: ensemble(lambda _: prepared)[0].astype(np.float32) / np.float32(ONE)


def monai(folder: Path, prepared: Prepared, device: torch.device) -> dict[str, Way]:
    card, network = read_model(folder)
    plain = network.to(device).eval()
    last = copy.deepcopy(plain).to(memory_format=torch.channels_last_3d)  # pyright: ignore[reportCallIssue]
    ways: dict[str, Way] = {}
    for name, asked, precision, at_once in (
        (DEFAULT, plain, "32-true", 1),
        (f"{DEFAULT}, four at once", plain, "32-true", 4),
        (LIKE, last, "bf16-mixed", 1),
        (f"{LIKE}, four at once", last, "bf16-mixed", 4),
    ):
        ways[name] = _their_way(asked, prepared, card.patch_size, precision, at_once)
    return ways


def _their_way(
    network: nn.Module, prepared: Prepared, patch: Sequence[int], precision: str, at_once: int
) -> Way:
    device = next(network.parameters()).device
    alike = precision != "32-true"

    def asked(window: Tensor) -> Tensor:
        if alike:
            window = window.contiguous(memory_format=torch.channels_last_3d)
        with autocast(precision, device):
            return network(window).float()

    @torch.inference_mode()
    def way() -> NDArray[np.float32]:
        image = prepared.image_tensor()[None].to(device)
        logits = sliding_window_inference(
            image, patch, at_once, asked, overlap=OVERLAP, mode="gaussian"
        )
        assert isinstance(logits, Tensor)
        return logits[0].sigmoid().cpu().numpy()

    return way


def nnunet(
    options: argparse.Namespace,
    card: ModelCard,
    prepared: Prepared,
    flops: float,
    scratch: Path,
    peers: ExitStack,
) -> dict[str, Callable[[], None]]:
    """Asks nnU-Net's predictor, which waits in its own environment until `peers` closes."""
    if options.nnunet is None:
        print("nnU-Net: left out, for there is no --nnunet with an interpreter that has it")
        return {}
    file = scratch / "image.npy"
    np.save(file, np.asarray(prepared.image, np.float32))
    request = {
        "image": str(file),
        "patch": card.patch_size,
        "levels": len(card.network["widths"]),
        "regions": len(card.regions),
        "flops": flops,
        "threads": options.threads,
        "device": str(find_device(options.device)),
    }
    command = [options.nnunet, PEER, json.dumps(request)]
    peer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    peers.enter_context(peer)
    assert peer.stdin is not None
    assert peer.stdout is not None
    asks, says = peer.stdin, peer.stdout

    def ask() -> None:
        asks.write("\n")
        asks.flush()
        if says.readline() != "done\n":
            raise SystemExit("nnU-Net's predictor ended; see above.")

    name = f"nnU-Net's predictor, {says.readline().strip()}"
    ask()  # warms up
    return {name: ask}
