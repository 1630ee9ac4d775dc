"""Show where the project leaves room for a header's rounding and the challenges' scripts do not.

    python scripts/bench/official_bounds.py --brats2023 BraTS-2023-Metrics --brats2025 f1131e3

In the environment of official.py. A header keeps voxel sizes in single precision: 0.2 mm come back
as 0.200000003, and five of them are more than 1 mm. Prints all values of ET that differ.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import official_peers as peers
from made_pairs import Pair
from numpy.typing import NDArray
from official import ours_of

from inspire_med.evaluation.protocols import MaskProtocol, protocol
from inspire_med.imaging.labels import LabelMap

ENHANCING = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--brats2023", type=Path, required=True, help="clone of its scripts")
    parser.add_argument("--brats2025", type=Path, required=True, help="clone of its scripts")
    options = parser.parse_args()
    peers.put_back_old_names()
    gli, men = options.brats2023 / "metrics.py", options.brats2025 / "metrics_MEN.py"
    print("| pair | protocol | measure | script | here |")
    print("|---|---|---|---:|---:|")
    show("brats2023-gli", partial(peers.brats, gli.resolve(), "BraTS-GLI", ()), missed())
    show("brats2025-men", partial(peers.brats, men.resolve(), "BraTS-MEN", ()), moved())
    show("brats2026-met", partial(peers.brats2026, "mets"), found())
    return 0


def show(name: str, script: Callable[[Sequence[Pair]], Iterator[peers.Scores]], pair: Pair) -> None:
    rules = protocol(name)
    assert isinstance(rules, MaskProtocol)
    ours, theirs = ours_of(pair, rules)["ET"], next(script([pair]))["ET"]
    for measure, value in theirs.items():
        same = isnan(value) and isnan(ours[measure])
        if not same and not abs(value - ours[measure]) <= 1e-6:
            print(f"| {pair[0].name} | `{name}` | `{measure}` | {value:g} | {ours[measure]:g} |")


def missed() -> Pair:
    """A lesion of 50 mm3, in single precision 50.0000007, and nothing."""
    reference = np.zeros((20, 20, 20), dtype=np.uint8)
    reference[2:7, 2:7, 2:4] = ENHANCING
    words = "50 voxels of 0.4 x 0.5 x 5 mm, missed"
    return pair_of(words, reference, np.zeros_like(reference), (0.4, 0.5, 5))


def moved() -> Pair:
    """A voxel and one that is 1 mm away, in single precision 1.000000015."""
    reference = np.zeros((20, 8, 8), dtype=np.uint8)
    reference[4, 4, 4] = ENHANCING
    words = "a voxel, and one 5 steps of 0.2 mm away"
    return pair_of(words, reference, np.roll(reference, 5, axis=0), (0.2, 0.2, 0.2))


def found() -> Pair:
    """A lesion of 20 mm3, in single precision 19.9999996, and the same."""
    reference = np.zeros((20, 20, 20), dtype=np.uint8)
    reference[2:7, 2:7, 2] = ENHANCING
    words = "25 voxels of 0.64 x 1.25 x 1 mm, found"
    return pair_of(words, reference, reference, (0.64, 1.25, 1))


def pair_of(
    words: str, reference: NDArray[Any], prediction: NDArray[Any], sides_mm: tuple[float, ...]
) -> Pair:
    kept = tuple(float(np.float32(side)) for side in sides_mm)
    return LabelMap(reference, kept, None, words), LabelMap(prediction, kept, None, words)


if __name__ == "__main__":
    raise SystemExit(main())
