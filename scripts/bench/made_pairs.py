"""Made references and predictions for official.py."""

import argparse
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from inspire_med.imaging.labels import LabelMap

SPACINGS = ((1, 1, 1), (0.9, 1.1, 1.3), (0.5, 0.5, 5), (2, 1, 0.7), (0.5, 0.5, 0.5))
EXACT_SPACINGS = ((1, 1, 1), (0.75, 1.25, 1.5), (0.5, 0.5, 5), (2, 1, 0.625), (0.5, 0.5, 0.5))
Pair = tuple[LabelMap, LabelMap]


def made_pairs(labels: int, options: argparse.Namespace) -> Iterator[Pair]:
    """Blobs of labels and a neighbour of them; labels lost, empty masks and noise among them."""
    random = np.random.default_rng(options.seed)
    for _ in range(options.volumes):
        shape = tuple(random.integers(12, 40, 3))
        spacing = SPACINGS[random.integers(len(SPACINGS))]
        spacing_mm = tuple(float(np.float32(size)) for size in spacing)
        field, other = blobs(random, shape), blobs(random, shape)
        edges = np.linspace(-1, 1, labels - 1)
        kinds = np.digitize(blobs(random, shape), edges) + 1 if labels > 1 else np.ones(shape)
        level = random.uniform(0.8, 2.8)
        reference = np.where(field > level, kinds, 0)
        prediction = np.where(field + random.uniform(0, 0.8) * other > level, kinds, 0)
        prediction = spoiled(random, prediction, labels)
        if random.random() < 0.1:
            reference[:] = 0
        maps = (each.astype(np.uint8) for each in (reference, prediction))
        yield tuple(LabelMap(each, spacing_mm, None, "made") for each in maps)


def blobs(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    field = ndimage.gaussian_filter(random.normal(size=shape), random.uniform(0.5, 2.2))
    return field / field.std()


def spoiled(random: np.random.Generator, labels: NDArray[Any], most: int) -> NDArray[Any]:
    kind = random.random()
    if kind < 0.1:
        return labels * (labels != random.integers(1, most + 1))
    if kind < 0.2:
        return labels * 0
    if kind < 0.35:
        noise = random.random(labels.shape) < 0.02
        return np.where(noise, random.integers(1, most + 1, labels.shape), labels)
    return labels


def lesion_pairs(labels: int, options: argparse.Namespace) -> Iterator[Pair]:
    """Many lesions, down to one voxel, on oblique grids: found, moved, missed, spurious, bridged.

    The first three pairs lack the reference's lesions, the prediction's, and both.
    """
    random = np.random.default_rng(options.seed)
    for number in range(options.volumes):
        shape = tuple(random.integers(16, 40, 3))
        spacing_mm = EXACT_SPACINGS[random.integers(len(EXACT_SPACINGS))]
        turn = (
            Rotation.random(random_state=random).as_matrix() if random.random() < 0.5 else np.eye(3)
        )
        affine = np.eye(4)
        affine[:3, :3] = turn * spacing_mm
        affine[:3, 3] = random.uniform(-90, 90, 3)
        reference, prediction = lesions(random, shape)
        kinds = np.digitize(blobs(random, shape), np.linspace(-1, 1, max(labels - 1, 0))) + 1
        others = np.where(random.random(shape) < 0.03, random.integers(1, labels + 1, shape), kinds)
        if number in (0, 2):
            reference[:] = False
        if number in (1, 2):
            prediction[:] = False
        maps = (reference * kinds, prediction * others)
        yield tuple(LabelMap(each.astype(np.uint8), spacing_mm, affine, "made") for each in maps)


def lesions(
    random: np.random.Generator, shape: tuple[int, ...]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Lesions of a reference, and what was made of them; some touch by a corner, some merge."""
    reference, prediction = (np.zeros(shape, dtype=bool) for _ in range(2))
    centres = random.integers(0, shape, (random.integers(1, 16), 3))
    for centre in centres:
        radius = random.choice((0.5, 0.5, 1, 1.5, 2, 3.5, 5))
        reference |= ball(shape, centre, radius)
        fate = random.random()
        if fate < 0.3:
            prediction |= ball(shape, centre, radius)
        elif fate < 0.8:
            moved = centre + random.integers(-2, 3, 3)
            prediction |= ball(shape, moved, max(0.5, radius + random.uniform(-1, 1)))
    for _ in range(random.integers(0, 6)):
        prediction |= ball(shape, random.integers(0, shape, 3), random.choice((0.5, 1, 2)))
    for one, other in pairwise(centres):
        if random.random() < 0.15:
            steps = np.linspace(one, other, 2 * max(shape)).round().astype(int)
            prediction[tuple(steps.T)] = True
    return reference, prediction


def ball(shape: tuple[int, ...], centre: NDArray[Any], radius: float) -> NDArray[np.bool_]:
    away = np.indices(shape) - np.reshape(centre, (-1, 1, 1, 1))
    return (away**2).sum(axis=0) <= radius**2


def probabilities(pair: Pair) -> NDArray[np.float32]:
    """A map around the prediction, in steps of 1/255; constant where it is empty."""
    smooth = ndimage.gaussian_filter((pair[1].labels > 0).astype(np.float64), 1)
    return np.float32(np.round(255 * smooth) / 255)
