"""The half of feeding.py that runs in nnU-Net's environment: batchgeneratorsv2 on blosc2 files.

The crop and the chain are those of nnU-Net's trainer (2.8.1): a larger patch is read where the
sample may be turned, so that nothing comes in from beyond it.
"""

import statistics
import sys
import time
from pathlib import Path

import blosc2
import numpy as np
import torch
from nnunetv2.training.data_augmentation.compute_initial_patch_size import get_patch_size
from nnunetv2.training.dataloading.nnunet_dataset import comp_blosc2_params
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer


def main() -> None:
    """Print a line each without changes and with nnU-Net's own."""
    folder, patch = Path(sys.argv[1]), tuple(map(int, sys.argv[2].split(",")))
    count, rounds = int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(1)
    cases = [compressed(file, patch) for file in sorted(folder.glob("*_image.npy"))]
    turn = (-np.pi / 6, np.pi / 6) if len(patch) == 3 else (-np.pi, np.pi)
    first = tuple(get_patch_size(patch, *[turn] * 3, (0.85, 1.25))[-len(patch) :].astype(int))
    chain = nnUNetTrainer.get_training_transforms(
        patch, turn, None, tuple(range(len(patch))), False, use_mask_for_norm=None
    )
    ways = {"none": (patch, None), "strong": (first, chain)}
    for name, (size, change) in ways.items():
        random = np.random.default_rng(0)
        for _ in range(len(cases)):
            sample(cases, size, change, random)
        means = []
        for _ in range(rounds):
            started = time.perf_counter()
            for _ in range(count):
                sample(cases, size, change, random)
            means.append(1000 * (time.perf_counter() - started) / count)
        print(f"batchgeneratorsv2, {name}: {statistics.median(means):.3f}")


def compressed(file, patch):
    """Image and label map of a case as nnU-Net stores them; regions counted up into labels."""
    image = np.load(file)
    target = np.load(str(file).replace("_image", "_target")).sum(0, keepdims=True).astype(np.int8)
    if image.ndim == 3:
        image, target, patch = image[:, None], target[:, None], (1, *patch)
    blocks, chunks = comp_blosc2_params(image.shape, patch)
    kept = []
    for values, name in ((image, "image"), (target, "target")):
        place = str(file).replace("_image.npy", f"_{name}.b2nd")
        Path(place).unlink(missing_ok=True)
        settings = {"blocks": blocks, "chunks": chunks, "cparams": {"codec": blosc2.Codec.LZ4HC}}
        blosc2.asarray(np.ascontiguousarray(values), urlpath=place, mmap_mode="w+", **settings)
        kept.append(blosc2.open(place, mode="r", mmap_mode="r"))
    return kept


def sample(cases, size, change, random):
    image, target = cases[random.integers(len(cases))]
    flat = image.shape[1] == 1 and len(size) == 2
    spatial = image.shape[2:] if flat else image.shape[1:]
    sides = list(zip(spatial, size, strict=True))
    start = [int(random.integers(-max(0, n - s), max(0, s - n) + 1)) for s, n in sides]
    places = list(zip(start, size, spatial, strict=True))
    found = []
    for values in (image, target):
        window = [slice(max(0, a), min(s, a + n)) for a, n, s in places]
        part = np.asarray(values[(slice(None), 0, *window) if flat else (slice(None), *window)])
        ends = [(max(0, -a), max(0, a + n - s)) for a, n, s in places]
        found.append(torch.from_numpy(np.pad(part, [(0, 0), *ends])))
    image, target = found[0].float(), found[1].to(torch.int16)
    if change is None:
        return image, target
    return change(image=image, segmentation=target)


main()
