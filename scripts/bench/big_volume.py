"""Predict a volume that is large for the machine: its peak of memory, and where the time goes.

A CT is made in --out (or --image given), networks that have learnt nothing (or --run given), and
the command predict runs in this process, which cannot get more memory of its own than --limit. What
stands after `--` are options of predict:

    python scripts/bench/big_volume.py --out big --limit 6GiB
    python scripts/bench/big_volume.py --out big --limit 6GiB --models 2 --spacing 1 1 1 -- \
        --windows largest --memory 3GiB --probabilities --doubt

A step's memory is the most that the process held while it was in that step and in none of those
within it: its own, and pages of mapped files, which the system takes back where it needs them.
"""

import argparse
import functools
import pydoc
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch

from inspire_med import predict
from inspire_med.inference.model import ModelCard, write_model
from inspire_med.memory import bytes_of
from inspire_med.networks import build_network
from inspire_med.tasks.task import Files, Preparation, Task

STEPS = {  # places that are called, and what happens there
    "inspire_med.inference.predictor.prepare_case": "prepare",
    "inspire_med.cases.align.read_volume": "read",
    "inspire_med.cases.checking.scan.read_volume": "read",
    "inspire_med.inference.ensemble.region_probabilities": "blend",
    "inspire_med.networks.UNet.forward": "network",
    "inspire_med.inference.predictor.Prediction.painted": "paint",
    "inspire_med.inference.postprocess.RegionRules.__call__": "postprocess",
    "inspire_med.predicting.answers.doubt_of": "doubt",
    "inspire_med.predicting.answers.write_mask": "write",
    "inspire_med.predicting.answers.write_probabilities": "write",
    "inspire_med.predicting.doubt_files.write_probabilities": "write",
}
REGIONS = {"liver": (1,), "spleen": (2,)}
BIAS = "head.bias"
STATISTICS = {"ct": {"low": -200.0, "high": 300.0, "mean": 40.0, "sd": 50.0}}


def main() -> int:
    own = sys.argv[1:]
    cut = own.index("--") if "--" in own else len(own)
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--run", type=Path, nargs="+")
    parser.add_argument("--shape", type=int, nargs=3, default=(512, 512, 800))
    parser.add_argument("--models", type=int, default=1)
    parser.add_argument("--widths", type=int, nargs="+", default=(8, 16))
    parser.add_argument(
        "--spacing", type=float, nargs=3, help="mm that the networks see; else the file's"
    )
    parser.add_argument("--limit", help="of the process's own memory, as in 6GiB")
    options = parser.parse_args(own[:cut])

    image = options.image or make_image(options.out, options.shape)
    runs = options.run or [make_model(options, seed) for seed in range(options.models)]
    words = [word for run in runs for word in ("--run", str(run))]
    words += ["--input", str(image), "--output", str(options.out / "masks"), "--overwrite"]
    if options.limit:
        most = bytes_of(options.limit, "--limit")
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    clock = Clock()
    for place, name in STEPS.items():
        watch(place, name, clock)
    status = predict.main([*words, "--threads", "1", *own[cut + 1 :]])
    print(" ".join(own), clock.table(), sep="\n")
    return status


def make_image(out: Path, shape: Sequence[int]) -> Path:
    """A body of noise with an organ in it, in air that holds one value; written slab by slab."""
    path = out / f"ct-{'x'.join(map(str, shape))}.nii"
    if path.exists():
        return path
    out.mkdir(parents=True, exist_ok=True)
    affine = np.diag([0.8, 0.8, 1.0, 1.0])
    header = nib.Nifti1Image(np.broadcast_to(np.int16(0), shape), affine).header
    begin = header.sizeof_hdr + 4
    header["vox_offset"] = begin
    noise = np.random.default_rng(0)
    half_written = path.with_suffix(".part")
    with half_written.open("wb") as file:
        file.write(header.binaryblock + b"\0" * (begin - header.sizeof_hdr))
        for k in range(shape[2]):
            plane = np.full(shape[:2], -1000, np.int16, order="F")
            body = plane[shape[0] // 8 : -shape[0] // 8, shape[1] // 8 : -shape[1] // 8]
            body[:] = noise.normal(40, 20, body.shape)
            if shape[2] // 3 < k < shape[2] // 2:
                body[50:150, 50:150] += 120
            file.write(plane.tobytes(order="F"))
    half_written.rename(path)
    return path


def make_model(options: argparse.Namespace, seed: int) -> Path:
    """A small U-Net that has learnt nothing; of noise it takes one voxel in 50."""
    network = {"spatial_dims": 3, "in_channels": 1, "out_channels": 2, "widths": options.widths}
    network |= {"skip": "concat", "steps": 1}
    preparation = Preparation(
        intensity="ct",
        intensity_statistics=STATISTICS,
        crop_to_foreground=False,
        spacing_mm=options.spacing,
    )
    files = Files("{case}.nii")
    task = Task("organs", 3, ("ct",), REGIONS, ("pattern",), files=files)
    card = ModelCard(task, ("ct",), REGIONS, network, preparation, (96, 96, 96), "bf16-mixed")
    folder = options.out / f"model{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    made = build_network(network).eval()
    with torch.no_grad():
        found = made(torch.randn(1, 1, 64, 64, 64) * 0.4).flatten(2)[0]
        dict(made.named_parameters())[BIAS].sub_(found.kthvalue(int(0.98 * found.shape[1])).values)
    write_model(folder, card, made)
    return folder


class Clock:
    """Whose the seconds are, and the memory: of the innermost step that the process is in."""

    def __init__(self) -> None:
        self._within = ["all else"]
        self._seconds, self._peaks = Counter[str](), Counter[str]()
        self._since = time.perf_counter()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Know that the process is in this step meanwhile."""
        self._turn()
        self._within.append(name)
        try:
            yield
        finally:
            self._turn()
            self._within.pop()

    def _turn(self) -> None:
        """What was up to now belongs to the step that the process was in up to now."""
        now, name = time.perf_counter(), self._within[-1]
        self._seconds[name] += now - self._since
        self._peaks[name] = max(self._peaks[name], most_gib())
        Path("/proc/self/clear_refs").write_text("5")  # the most so far is what there is now
        self._since = now

    def table(self) -> str:
        """A line a step, the longest first."""
        self._turn()
        rows = [f"{'step':12} {'minutes':>8} {'peak GiB':>9}"]
        for name, seconds in self._seconds.most_common():
            rows.append(f"{name:12} {seconds / 60:8.2f} {self._peaks[name]:9.2f}")
        total, most = self._seconds.total(), max(self._peaks.values())
        return "\n".join([*rows, f"{'together':12} {total / 60:8.2f} {most:9.2f}"])


def most_gib() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**20


def watch(place: str, name: str, clock: Clock) -> None:
    """Have the clock know when the process is in a function."""
    owner, attribute = pydoc.locate(place.rpartition(".")[0]), place.rpartition(".")[2]
    assert owner is not None, place
    function: Callable[..., Any] = getattr(owner, attribute)

    @functools.wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        with clock.step(name):
            return function(*args, **kwargs)

    setattr(owner, attribute, watched)


if __name__ == "__main__":
    raise SystemExit(main())
