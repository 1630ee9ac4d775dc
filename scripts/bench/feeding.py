"""Time what one training sample costs one worker: ours, MONAI's and nnU-Net's, side by side.

Ours from the store; MONAI's PersistentDataset with RandCropByPosNegLabel (pictures: whole) and its
own transforms for what `usual` does; batchgeneratorsv2 with nnU-Net's crop of a blosc2 file and its
chain for training, which `strong` follows. All on the same cases, prepared alike, in one thread.

    python scripts/bench/feeding.py --manifest brats.json --patch 128,128,128 --out /tmp/feeding \
        --python nnunet-venv/bin/python
    python scripts/bench/feeding.py --manifest kvasir.json --image_size 352,352 --out /tmp/feeding \
        --python nnunet-venv/bin/python
"""

import argparse
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from math import pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data.dataset import PersistentDataset
from monai.transforms import (
    Compose,
    RandAffined,
    RandCropByPosNegLabeld,
    RandFlipd,
    RandGaussianNoised,
    RandScaleIntensityd,
    RandShiftIntensityd,
    SpatialPadd,
)

from inspire_med.cases.augment import augmentation
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.patches import Sampling, TrainingSamples
from inspire_med.cases.store import Store
from inspire_med.inference.allocator import keep_freed_memory

BOTH = ("image", "target")
PEER = Path(__file__).parent / "feeding_peer.py"


def monai_volumes(patch: tuple[int, ...], *, altered: bool) -> list[Any]:
    """Crops around labelled voxels, and what `usual` does to volumes."""
    crop = [
        SpatialPadd(BOTH, patch),
        RandCropByPosNegLabeld(BOTH, "target", patch, pos=1, neg=2, num_samples=1),
    ]
    if not altered:
        return crop
    flips = [RandFlipd(BOTH, prob=0.5, spatial_axis=axis) for axis in range(3)]
    bend = RandAffined(
        BOTH,
        prob=0.15,
        rotate_range=(pi / 12,) * 3,
        scale_range=(0.15,) * 3,
        mode=("bilinear", "nearest"),
        padding_mode="zeros",
    )
    gain = RandScaleIntensityd("image", factors=0.2, prob=0.5, channel_wise=True)
    return [*crop, *flips, bend, gain, RandGaussianNoised("image", prob=0.05, std=0.1)]


def monai_pictures(*, altered: bool) -> list[Any]:
    """What `usual` does to pictures."""
    if not altered:
        return []
    return [
        *(RandFlipd(BOTH, prob=0.5, spatial_axis=axis) for axis in range(2)),
        RandAffined(
            BOTH,
            prob=0.3,
            rotate_range=pi / 8,
            scale_range=(0.2, 0.2),
            shear_range=(0.1, 0.1),
            mode=("bilinear", "nearest"),
            padding_mode="reflection",
        ),
        RandScaleIntensityd("image", factors=0.2, prob=0.3, channel_wise=True),
        RandShiftIntensityd("image", offsets=0.2, prob=0.3, channel_wise=True),
    ]


class _Loaded:
    """What PersistentDataset keeps of a case: its prepared arrays, as float32 tensors."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, case: Any) -> dict[str, torch.Tensor]:
        prepared = self._store.load(case["case"])
        assert prepared.target is not None
        target = torch.from_numpy(np.array(prepared.target, dtype=np.float32))
        return {"image": prepared.image_tensor(), "target": target}


def median_ms(make: Callable[[int], Any], count: int, rounds: int) -> float:
    """Milliseconds a sample: the median over rounds of the mean over `count` samples."""
    means: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        for k in range(count):
            make(k)
        means.append(1000 * (time.perf_counter() - started) / count)
    return statistics.median(means)


def main() -> None:
    """Print one line a way of making samples, then the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    numbers = lambda text: tuple(map(int, text.split(",")))  # noqa: E731
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="store and caches; made if absent")
    parser.add_argument("--patch", type=numbers, help="of volumes, in voxels")
    parser.add_argument("--image_size", type=numbers, help="of pictures, in pixels")
    parser.add_argument("--cases", type=int, default=6)
    parser.add_argument("--count", type=int, default=60, help="samples of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", type=Path, help="of an environment with batchgeneratorsv2")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as train does; theirs has it too
    manifest = Manifest.load(options.manifest)
    preparation = replace(manifest.task.preparation, image_size=options.image_size)
    store = Store(options.out / "store", preparation, manifest.channels, manifest.regions)
    cases = [case for case in manifest.cases if case.label][: options.cases]
    store.prepare_all(cases)
    shape = "volume" if options.patch else "picture"

    def ours(strength: str) -> Callable[[int], Any]:
        chain = augmentation(shape, strength)
        sampling = Sampling(options.patch)
        samples = TrainingSamples(
            store, cases, sampling=sampling, seed=0, length=10**9, augment=chain
        )
        return lambda k: samples[k]

    def monai(*, altered: bool) -> Callable[[int], Any]:
        chain = monai_pictures(altered=altered)
        if options.patch:
            chain = monai_volumes(options.patch, altered=altered)
        whole = Compose([_Loaded(store), *chain])
        whole.set_random_state(seed=0)
        items = [{"case": case} for case in cases]
        # Its usual reader takes some of its own files for damaged, and makes them anew each time.
        kept = PersistentDataset(items, whole, options.out / "monai", weights_only=False)
        return lambda k: kept[k % len(cases)]

    ways = {
        "ours, none": ours("none"),
        "MONAI, none": monai(altered=False),
        "ours, usual": ours("usual"),
        "MONAI, usual": monai(altered=True),
        "ours, strong": ours("strong"),
    }
    size = " x ".join(map(str, options.patch or options.image_size))
    print(f"torch {torch.__version__}, one thread, {options.count} samples of {size}\n", flush=True)
    found: dict[str, float] = {}
    for name, make in ways.items():
        for k in range(len(cases)):
            make(k)  # caches are filled, files in memory
        found[name] = median_ms(make, options.count, options.rounds)
        print(f"{name}: {found[name]:.1f} ms", flush=True)
    found |= peer(options, store, cases)
    print()
    for strength in ("none", "usual"):
        print(f"ours / MONAI, {strength}: {ratio(found, 'MONAI', strength):.2f} x the samples")
    if "batchgeneratorsv2, strong" in found:
        for strength in ("none", "strong"):
            times = ratio(found, "batchgeneratorsv2", strength)
            print(f"ours / batchgeneratorsv2, {strength}: {times:.2f} x the samples")


def ratio(found: dict[str, float], theirs: str, strength: str) -> float:
    """How many samples we make while they make one."""
    return found[f"{theirs}, {strength}"] / found[f"ours, {strength}"]


def peer(options: argparse.Namespace, store: Store, cases: list[Any]) -> dict[str, float]:
    """What batchgeneratorsv2 takes, in its own environment; nothing, said, without one."""
    if options.python is None:
        print("batchgeneratorsv2: left out, for there is no --python of an environment with it")
        return {}
    folder = options.out / "peer"
    folder.mkdir(exist_ok=True)
    for number, case in enumerate(cases):
        prepared = store.load(case)
        assert prepared.target is not None
        np.save(folder / f"{number}_image.npy", np.asarray(prepared.image, np.float32))
        np.save(folder / f"{number}_target.npy", prepared.target)
    words = [str(folder), ",".join(map(str, options.patch or options.image_size))]
    asked = [options.python, PEER, *words, str(options.count), str(options.rounds)]
    lines = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()
    found = {name: float(value) for name, value in (line.split(": ") for line in lines)}
    for name, value in found.items():
        print(f"{name}: {value:.1f} ms")
    return found


if __name__ == "__main__":
    main()
