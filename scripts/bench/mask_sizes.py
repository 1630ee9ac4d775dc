"""Sizes of real masks, which made ones are drawn from (`cases/phantom/sizes.py`).

python scripts/bench/mask_sizes.py --task brats --source DIR [--source DIR ...]
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label as components_of

from inspire_med.cases.layouts.recognise import edition_of, find_together
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.masks import region_masks
from inspire_med.tasks.find import task_named


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True)
    parser.add_argument("--source", type=Path, action="append", required=True)
    options = parser.parse_args()
    task = edition_of(task_named(options.task, options.source), options.source)
    labels = [case.label for case in find_together(task, options.source).cases if case.label]
    sizes, lesions, unit = [], [], "share" if task.spatial_dims == 2 else "ml"
    for path in labels:
        found = read_labels(path)
        masks = region_masks(found.labels, task.regions)
        voxel = 1 / masks[0].size if unit == "share" else np.prod(found.spacing_mm) / 1000
        sizes.append(masks.reshape(len(masks), -1).sum(axis=1) * voxel)
        parts, _ = components_of(masks[0], np.ones((3,) * masks[0].ndim))
        lesions.append(np.bincount(parts.ravel())[1:] * voxel)
    print(f"{len(labels)} masks; mean and deviation of logarithms, least and most")
    names = list(task.regions)
    for number, (name, own) in enumerate(zip(names, np.array(sizes).T, strict=True)):
        say(f"{name}, {unit}", np.log(own[own > 0]), own)
        print(f"{name}: empty in {(own == 0).sum()}")
        if number:
            share = own / np.array(sizes)[:, number - 1]
            say(f"{name} in {names[number - 1]}, logit", np.log(share / (1 - share)), share)
    counts = np.array([len(each) for each in lesions], float)
    say(f"lesions of {names[0]}", np.log(counts), counts)
    say(f"each lesion, {unit}", np.log(np.concatenate(lesions)), np.concatenate(lesions))
    return 0


def say(what: str, logs: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    print(
        f"{what}: n {len(logs)}, {logs.mean():.2f} +- {logs.std():.2f}, {values.min():.3g} to "
        f"{values.max():.3g}, median {np.median(values):.3g}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
