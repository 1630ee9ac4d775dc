"""How far a tumour's parts stand off the brain, which made ones are to (`cases/phantom/glioma.py`).

python scripts/bench/mask_contrasts.py MANIFEST

A part is a region without those inside of it. Its number is its median less that of the brain that
has no label, in deviations of the whole brain, which is where no channel is 0.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.masks import region_masks
from inspire_med.imaging.volume import read_volume


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifest", type=Path)
    manifest = Manifest.load(parser.parse_args().manifest)
    cases = [case for case in manifest.cases if case.label]
    print(f"{len(cases)} cases; parts of {', '.join(manifest.regions)} without those inside")
    print(f"{'':24}" + " | ".join(f"{name:^17}" for name in manifest.channels))
    found = np.array([contrasts(case, manifest) for case in cases])
    for case, own in zip(cases, found, strict=True):
        say(case.id, own)
    say("median", np.nanmedian(found, axis=0))
    return 0


def contrasts(case: Case, manifest: Manifest) -> NDArray[np.float64]:
    """`(channels, parts)`; NaN for a part that the case has not."""
    if case.label is None:
        raise ValueError(f"{case.id} has no label.")
    masks = region_masks(read_labels(case.label).labels, manifest.regions)
    inside = [*masks[1:], np.zeros_like(masks[0])]
    parts = [mask & ~inner for mask, inner in zip(masks, inside, strict=True)]
    volumes = [read_volume(case.images[name]).values for name in manifest.channels]
    brain = np.all([volume != 0 for volume in volumes], axis=0)
    numbers = np.full((len(volumes), len(parts)), np.nan)
    for channel, volume in enumerate(volumes):
        healthy = np.median(volume[brain & ~masks[0]])
        for number, part in enumerate(parts):
            if part.any():
                numbers[channel, number] = np.median(volume[part]) - healthy
        numbers[channel] /= volume[brain].std()
    return numbers


def say(name: str, numbers: NDArray[np.float64]) -> None:
    print(f"{name:24}" + " | ".join(" ".join(f"{each:5.1f}" for each in row) for row in numbers))


if __name__ == "__main__":
    raise SystemExit(main())
