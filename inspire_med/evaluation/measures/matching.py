"""Matching: which parts of a prediction answer to which lesions of a reference.

Here what lies near a lesion answers to it, several parts together; `one_to_one.py` pairs them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures.lesions import Mask, Parts, dilated
from inspire_med.evaluation.measures.surface import hausdorff_mm, surface_distances
from inspire_med.evaluation.result import Lesion
from inspire_med.evaluation.rounding import at_most


@dataclass(frozen=True)
class Match:
    """Which parts of a prediction answer to which lesions of a reference.

    Attributes:
        reference: The lesions.
        prediction: What was predicted.
        hits: Of each lesion, the predicted parts that answer to it. One may hit several lesions.
    """

    reference: Parts
    prediction: Parts
    hits: Sequence[Sequence[int]]

    @cached_property
    def spurious(self) -> tuple[int, ...]:
        """Predicted parts that hit no lesion."""
        everything = set(range(len(self.prediction)))
        return tuple(sorted(everything.difference(*self.hits)))

    @cached_property
    def dice(self) -> NDArray[np.float64]:
        """Of each lesion with the whole of all parts that hit it, `(lesions,)`."""
        lesion, part, voxels = overlaps(self.reference, self.prediction)
        hits = {(one, other) for one, parts in enumerate(self.hits) for other in parts}
        held = [pair in hits for pair in zip(lesion.tolist(), part.tolist(), strict=True)]
        common = np.bincount(lesion[held], voxels[held], minlength=len(self.reference))
        sizes = self.prediction.sizes
        predicted = np.array([sizes[list(parts)].sum() for parts in self.hits], dtype=np.intp)
        return 2 * common / (self.reference.sizes + predicted)

    def masks(self, lesion: int) -> tuple[Mask, Mask]:
        """A lesion and all that hits it, on the smallest box that holds both."""
        parts = list(self.hits[lesion])
        low, high = (
            np.c_[own[:, [lesion]], other[:, parts]]
            for own, other in (
                (self.reference.lows, self.prediction.lows),
                (self.reference.highs, self.prediction.highs),
            )
        )
        corners = low.min(axis=1), high.max(axis=1)
        return self.reference.drawn([lesion], *corners), self.prediction.drawn(parts, *corners)

    def hd95_mm(self, spacing_mm: Sequence[float]) -> list[float]:
        """Of each lesion, to all that hits it; infinite where nothing does."""
        return [
            hausdorff_mm(surface_distances(*self.masks(lesion), spacing_mm))
            if parts
            else float("inf")
            for lesion, parts in enumerate(self.hits)
        ]


def match(reference: Parts, prediction: Parts) -> Match:
    """Find which predicted parts lie near which lesions, both on one grid."""
    near = reference.near.ravel()[prediction.places].astype(np.intp) - 1
    touching = near >= 0
    pairs = near[touching] * max(len(prediction), 1) + prediction.owners[touching]
    # Neighbours in scan order mostly repeat a pair; few are left to sort.
    fresh = np.unique(pairs[np.flatnonzero(np.diff(pairs, prepend=-1))])
    lesion, part = np.divmod(fresh, max(len(prediction), 1))
    ends = np.searchsorted(lesion, np.arange(len(reference) + 1))
    hits = [part[start:stop].tolist() for start, stop in pairwise(ends)]
    return Match(reference, prediction, hits)


class Overlaps(NamedTuple):
    """Pairs of a lesion and a predicted part that share voxels, by lesion, then by part.

    Attributes:
        lesion: Number of the lesion, `(pairs,)`.
        part: Number of the part, `(pairs,)`.
        voxels: How many they share, `(pairs,)`.
    """

    lesion: NDArray[np.intp]
    part: NDArray[np.intp]
    voxels: NDArray[np.intp]


def overlaps(reference: Parts, prediction: Parts) -> Overlaps:
    """Find which lesions and predicted parts share voxels, both on one grid."""
    covered = prediction.mask.ravel()[reference.places]
    part = prediction.near.ravel()[reference.places[covered]].astype(np.intp) - 1
    pairs = reference.owners[covered] * max(len(prediction), 1) + part
    # Neighbours in scan order mostly repeat a pair; few runs are left to sort.
    starts = np.flatnonzero(np.diff(pairs, prepend=-1))
    runs = np.diff(starts, append=len(pairs))
    found, number = np.unique(pairs[starts], return_inverse=True)
    voxels = np.bincount(number, runs, minlength=len(found)).astype(np.intp)
    return Overlaps(*np.divmod(found, max(len(prediction), 1)), voxels)


def joined(lesions: Parts, others: Parts) -> Parts:
    """Lesions that touch the same one of another tissue as one lesion.

    A lesion that touches several goes with the first of them, in scan order.

    Args:
        lesions: As `grouped` makes them, by one step or more.
        others: Of another tissue, on the same grid.
    """
    # Within one step of a lesion no other is near, so `near` says which one is touched.
    rim = np.where(dilated(lesions.mask, 1), lesions.near, 0).astype(np.uint32)
    touched = match(replace(lesions, near=rim), others).hits
    if not any(touched):
        return lesions
    alone = range(len(others), len(others) + len(lesions))
    partner = [parts[0] if parts else own for parts, own in zip(touched, alone, strict=True)]
    number = np.unique(partner, return_inverse=True)[1]
    owners = number[lesions.owners]
    ends = np.cumsum(np.bincount(owners))
    return Parts(
        mask=lesions.mask,
        near=np.r_[0, number + 1].astype(np.uint32)[lesions.near],
        places=lesions.places[np.argsort(owners, kind="stable")],
        starts=np.r_[0, ends],
    )


def lesion_table(
    found: Match,
    hd95_mm: Sequence[float],
    spacing_mm: Sequence[float],
    origin: Sequence[int],
    larger_than: float = 0.0,
) -> tuple[Lesion, ...]:
    """Every lesion of the reference, then every spurious one of the prediction.

    Args:
        found: What answers to what.
        hd95_mm: Distance of each lesion to what answers to it.
        spacing_mm: Voxel size along each axis.
        origin: Where in the whole volume the masks begin.
        larger_than: Size in mm3 that a lesion of the reference must exceed to count.
    """
    true_sizes, sizes = (parts.mm3(spacing_mm) for parts in (found.reference, found.prediction))
    true_centres, centres = (
        (parts.centres + np.reshape(origin, (-1, 1))).T.tolist() if len(parts) else []
        for parts in (found.reference, found.prediction)
    )
    small = at_most(true_sizes, larger_than)
    lesions = [
        Lesion(
            kind="matched" if found.hits[lesion] else "missed",
            size=size,
            centre=tuple(true_centres[lesion]),
            dice=float(found.dice[lesion]),
            hd95_mm=hd95_mm[lesion],
            counted=not small[lesion],
        )
        for lesion, size in enumerate(true_sizes.tolist())
    ]
    spurious = [
        Lesion("spurious", float(sizes[part]), tuple(centres[part])) for part in found.spurious
    ]
    return (*lesions, *spurious)
