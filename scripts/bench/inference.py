"""Time prediction of a real case: ours, MONAI's and nnU-Net's, side by side.

Same case, same weights, windows of one size with one overlap; the ways take turns, so that a busy
machine slows all of them alike. MONAI: `sliding_window_inference` in its default use (fp32, one
window or four at once) and at our precision and memory layout. nnU-Net: its own predictor, in its
own environment, on its own network of about as many FLOPs. Then the whole way of a case, from its
files to the mask on disk, and where that time goes.

    python scripts/bench/inference.py --case brats2018/HGG/Brats18_TCIA02_135_1 \
        --nnunet nnunet-venv/bin/python
    python scripts/bench/inference.py --case CASE --run runs/brats --rounds 1 --threads 1
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from inference_ways import DEFAULT, LIKE, monai, nnunet, ours
from numpy.typing import NDArray
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from inspire_med.cases.layouts.found import FoundCase
from inspire_med.cases.layouts.recognise import find_inputs
from inspire_med.cases.prepare import Prepared
from inspire_med.inference import Prediction, Predictor
from inspire_med.inference.allocator import keep_freed_memory
from inspire_med.inference.members import model_folders
from inspire_med.inference.model import ModelCard, read_model, write_model
from inspire_med.inference.settings import find_device
from inspire_med.networks import build_network
from inspire_med.provenance import code_commit
from inspire_med.tasks.brats import BRATS
from inspire_med.tasks.task import Preparation

SKIPS = {"plain U-Net": "concat", "INSPIRE": "inspire"}
REGIONS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    numbers = lambda text: tuple(map(int, text.split(",")))  # noqa: E731
    parser.add_argument("--case", type=Path, required=True, help="folder of a BraTS case")
    parser.add_argument("--run", type=Path, help="a trained run; else random weights of two kinds")
    parser.add_argument("--patch", type=numbers, default=(96, 96, 96), help="without --run")
    parser.add_argument("--widths", type=numbers, default=(16, 32, 64, 128), help="without --run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--nnunet", type=Path, help="interpreter of an environment with nnunetv2")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()  # as predict does; MONAI's way has it too
    device = find_device(options.device)
    print(
        f"torch {torch.__version__}, {options.threads} threads, {machine(device)}, commit "
        f"{code_commit()}; {options.rounds} rounds, medians"
    )
    with tempfile.TemporaryDirectory() as scratch:
        models = {"run": model_folders(options.run)[0]} if options.run else {}
        for name in () if options.run else SKIPS:
            models[name] = random_model(Path(scratch) / name, name, options)
        for name, folder in models.items():
            compare(name, folder, options, device, Path(scratch))


def machine(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return next(iter(names), platform.machine())


def random_model(folder: Path, name: str, options: argparse.Namespace) -> Path:
    """A model's folder with random weights."""
    network = {
        "spatial_dims": 3,
        "in_channels": len(BRATS.channels),
        "out_channels": len(REGIONS),
        "widths": list(options.widths),
        "skip": SKIPS[name],
    }
    how, kind = BRATS.preparation, "32-true"
    card = ModelCard(BRATS, BRATS.channels, REGIONS, network, how, options.patch, kind)
    torch.manual_seed(0)
    folder.mkdir()
    write_model(folder, card, build_network(network))
    return folder


def compare(
    name: str, folder: Path, options: argparse.Namespace, device: torch.device, scratch: Path
) -> None:
    """Print the tables of one network."""
    case, *_ = find_inputs(BRATS, options.case).cases
    predictor = Predictor.load(folder, device=str(device), precision="bf16-mixed")
    prepared = predictor.preparing(case)(predictor.card.preparation)
    flops = flops_of(folder)
    ways = {**ours(folder, prepared, device), **monai(folder, prepared, device)}
    answers = {way: ask() for way, ask in ways.items()}  # warms up
    times: dict[str, list[float]] = defaultdict(list)
    with ExitStack() as peers:
        theirs = nnunet(options, predictor.card, prepared, flops, scratch, peers)
        for _ in range(options.rounds):
            for way, ask in {**ways, **theirs}.items():
                times[way].append(seconds(ask))
    box = " x ".join(map(str, prepared.placement.size))
    patch = " x ".join(map(str, predictor.card.patch_size))
    print(f"\n{name}: a case of {box}, windows of {patch}, {flops / 1e9:.1f} GFLOPs each\n")
    found = {way: statistics.median(values) for way, values in times.items()}
    print_times(found)
    print()
    for way in ("ours, fp32, training", "ours, bf16, training", "ours, fp32, largest"):
        print(f"{way} beside {DEFAULT}: {beside(answers[way], answers[DEFAULT])}")
    print(f"one window in fp32, largest difference: {one_window(folder, prepared, device):.1e}\n")
    print_whole_way(predictor, case, options.rounds, scratch)


def print_times(found: Mapping[str, float]) -> None:
    columns = ["", "s", f"{DEFAULT}, takes so many times", "MONAI alike takes so many times"]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for way, value in found.items():
        print(f"| {way} | {value:.2f} | {found[DEFAULT] / value:.2f} | {found[LIKE] / value:.2f} |")


def print_whole_way(predictor: Predictor, case: FoundCase, rounds: int, scratch: Path) -> None:
    """From the files to the mask, in bf16 and windows of the training."""
    parts = [whole_way(predictor, case, scratch / f"mask{n}.nii.gz") for n in range(1 + rounds)]
    median = {name: statistics.median(each[name] for each in parts[1:]) for name in parts[0]}
    total, network = sum(median.values()), median["network"]
    print(f"from files to mask, bf16, training: {total:.2f} s, {total / network:.2f} x the network")
    print(", ".join(f"{name} {value:.2f} s" for name, value in median.items()))


def whole_way(predictor: Predictor, case: FoundCase, file: Path) -> dict[str, float]:
    """Seconds of each part."""
    times: dict[str, float] = {}
    began = time.perf_counter()
    prepare = predictor.preparing(case)

    def timed(how: Preparation) -> Prepared:
        prepared = prepare(how)
        times["read, check, prepare"] = time.perf_counter() - began
        return prepared

    found = predictor.predict_prepared(timed)
    answered = time.perf_counter() - began
    again = lambda: Prediction.painted(  # noqa: E731
        found.shares, found.placement, found.regions, predictor.rules, ""
    )
    times["paint"] = seconds(again)
    times["network"] = answered - times["read, check, prepare"] - times["paint"]
    times["write"] = seconds(lambda: found.save(file, overwrite=True))
    return times


def one_window(folder: Path, prepared: Prepared, device: torch.device) -> float:
    """Largest difference from MONAI's probabilities where both see one and the same window."""
    patch = read_model(folder)[0].patch_size
    part = prepared.image[(slice(None), *(slice(0, side) for side in patch))]
    window = Prepared(part, replace(prepared.placement, size=part.shape[1:]))
    first = ours(folder, window, device)["ours, fp32, training"]()
    second = monai(folder, window, device)[DEFAULT]()
    return float(np.abs(first - second[(slice(None), *map(slice, part.shape[1:]))]).max())


def flops_of(folder: Path) -> float:
    """Of one window forward, with each multiplication and addition counted."""
    card, network = read_model(folder)
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():  # no number is computed
        image = torch.empty(1, len(card.channels), *card.patch_size)
        with FlopCounterMode(display=False) as counter:
            network.eval()(image)
    return counter.get_total_flops()


def beside(first: NDArray[np.float32], second: NDArray[np.float32]) -> str:
    """Dice of the masks, over all regions together, and how far probabilities are apart."""
    one, other = first > 0.5, second > 0.5
    apart = np.abs(first - second)
    total = one.sum() + other.sum()
    dice = f"{2 * (one & other).sum() / total:.4f}" if total else "of empty masks"
    return f"Dice {dice}, probabilities {apart.mean():.1e} apart, {apart.max():.1e} at most"


def seconds(ask: Callable[[], Any]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
