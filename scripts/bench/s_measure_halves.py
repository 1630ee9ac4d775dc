"""The S-measure beside PySODMetrics, where the centroid of a mask lies at an exact half.

    pip install -e . pysodmetrics==1.6.2                             (an environment of its own)
    python scripts/bench/s_measure_halves.py --pictures 2000 --masks Kvasir-SEG/masks

Both divide a picture in four at the centroid. At a half this project rounds up, as MATLAB's scripts
do, and PySODMetrics to the even pixel. Prints how many pictures of each kind have such a centroid,
in how many the values differ, and by how much at most.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from py_sod_metrics import Smeasure
from scipy import ndimage

from inspire_med.evaluation.measures.s_measure import s_measure
from inspire_med.evaluation.measures.threshold_curves import stretched
from inspire_med.imaging.grey_map import read_official_mask

Mask = NDArray[np.bool_]
SAME = 1e-9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pictures", type=int, default=2000, help="made pictures of each kind")
    parser.add_argument("--masks", type=Path, nargs="*", default=[], help="folders of real masks")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(
        "| masks | pictures | centroid at a half | differ there | by at most | differ elsewhere |"
    )
    print("|---|---:|---:|---:|---:|---:|")
    random = np.random.default_rng(options.seed)
    show("made, any", made(random, options.pictures), random)
    halves = (mask for mask in made(random, 10**9) if at_a_half(mask))
    show("made, at a half", (next(halves) for _ in range(options.pictures)), random)
    for folder in options.masks:
        masks = (read_official_mask(path)[0] for path in sorted(folder.iterdir()))
        show(folder.parent.name, masks, random)
    return 0


def show(what: str, masks: Iterator[Mask], random: np.random.Generator) -> None:
    """One row: real and made masks with maps that are blurred, moved and noisy."""
    rows: list[tuple[bool, float]] = []
    for mask in masks:
        grey = np.rint(255 * stretched(answer(mask, random))).astype(np.uint8)
        theirs = Smeasure()
        theirs.step(pred=grey, gt=255 * mask.astype(np.uint8))
        apart = abs(float(theirs.get_results()["sm"]) - s_measure(mask, stretched(grey / 255)))
        rows.append((at_a_half(mask), apart))
    there = [apart for half, apart in rows if half and apart > SAME]
    elsewhere = sum(not half and not apart <= SAME for half, apart in rows)
    cells = (what, len(rows), sum(half for half, _ in rows), len(there))
    print(
        f"| {' | '.join(map(str, cells))} | {max(there, default=0):.2g} | {elsewhere} |", flush=True
    )


def made(random: np.random.Generator, number: int) -> Iterator[Mask]:
    """Polyps in small pictures, whose centroid often lies at a half; none touches the far border.

    There a quadrant without pixels makes PySODMetrics' value NaN.
    """
    while number:
        shape = tuple(random.integers(16, 60, 2))
        field = ndimage.gaussian_filter(random.normal(size=shape), random.uniform(1, 5))
        mask = field / field.std() > random.uniform(0.5, 2.5)
        mask[-3:], mask[:, -3:] = False, False
        if mask.sum() > 1:
            number -= 1
            yield mask


def answer(mask: Mask, random: np.random.Generator) -> NDArray[np.float64]:
    moved = np.roll(mask, tuple(random.integers(-3, 4, 2)), axis=(0, 1)).astype(float)
    return ndimage.gaussian_filter(moved, random.uniform(0.5, 3)) + 0.1 * random.random(mask.shape)


def at_a_half(mask: Mask) -> bool:
    return any(2 * each.sum() % len(each) == 0 and 2 * each.sum() // len(each) % 2
               for each in np.nonzero(mask))  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
