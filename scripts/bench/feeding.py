"""Time what one training sample costs a worker, by the strength of its augmentation.

The store's own samples without augmentation, then what each strength adds, on samples in memory;
and the chain of MONAI's transforms that does what `usual` does to pictures.

    python scripts/bench/feeding.py --manifest kvasir.json --store store
"""

import argparse
import statistics
import time
from collections.abc import Callable
from math import pi
from pathlib import Path
from typing import Any

import torch
from monai.transforms import (
    Compose,
    RandAffined,
    RandFlipd,
    RandScaleIntensityd,
    RandShiftIntensityd,
)

from inspire_med.cases.augment import augmentation
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.patches import TrainingSamples
from inspire_med.cases.store import Store

BOTH = ("image", "target")


def monai_chain() -> Compose:
    """What `usual` does to pictures, of MONAI's transforms."""
    return Compose(
        [
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
    )


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
    """Print one line a way of making samples."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--manifest", type=Path, required=True, help="of pictures")
    parser.add_argument("--store", type=Path, required=True, help="prepared cases; made if absent")
    parser.add_argument("--count", type=int, default=200, help="samples of a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    manifest = Manifest.load(options.manifest)
    store = Store(
        options.store, manifest.task.preparation, tuple(manifest.channels), manifest.regions
    )
    cases = [case for case in manifest.cases if case.label][: options.count]
    store.prepare_all(cases)
    samples = TrainingSamples(store, cases, patch_size=None, seed=0, length=options.count)
    made = [{name: samples[k][name] for name in BOTH} for k in range(options.count)]
    size = " x ".join(map(str, made[0]["image"].shape))
    print(f"torch {torch.__version__}, one thread, {options.count} samples of {size}\n")
    ways: dict[str, Callable[[int], Any]] = {"from the store, none": lambda k: samples[k]}
    for strength in ("usual", "strong"):
        chain = augmentation("picture", strength)
        assert chain is not None
        ways[strength] = lambda k, chain=chain: chain(made[k], k)
    theirs = monai_chain()
    theirs.set_random_state(seed=0)
    ways["usual, by MONAI's transforms"] = lambda k: theirs(dict(made[k]))
    for name, make in ways.items():
        print(f"{name}: {median_ms(make, options.count, options.rounds):.1f} ms")


main()
