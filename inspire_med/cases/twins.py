"""Twins: one image under two names, found by what it shows and not by its file."""

import hashlib
from collections.abc import Collection, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet

from inspire_med.cases.case import Case
from inspire_med.imaging.orientation import Turn
from inspire_med.imaging.picture import is_picture, read_picture
from inspire_med.imaging.volume import Volume, read_volume

Twins = tuple[str, str]  # a case, and an earlier one that holds the same image


def fingerprint(image: NDArray[Any]) -> frozenset[bytes]:
    """What an image is known by; nothing where all of it is one value, which says not whose it is.

    Container, compression and the type that numbers are stored as are no part of it.

    Args:
        image: A picture, or a volume with its axes closest to RAS+, the last one first.
    """
    if image.min() == image.max():
        return frozenset()
    digest = hashlib.blake2b(key=str(image.shape).encode())
    for plane in image:
        plain = np.ascontiguousarray(plane, dtype=np.float32) + np.float32(0)  # one zero, not two
        digest.update(plain.data)
    return frozenset([digest.digest()])


def fingerprint_of_volume(volume: Volume) -> frozenset[bytes]:
    """What a volume is known by, however its axes lie."""
    turned = Turn.to("RAS", volume.grid.affine).apply(volume.values)
    return fingerprint(turned.T)  # in slices along k, which files hold one after the other


def read_fingerprints(case: Case) -> frozenset[bytes]:
    """What the images of a case are known by, read from its files.

    Raises:
        InputError: If one cannot be read.
    """
    if is_picture(case.images):
        found = [fingerprint(read_picture(path)) for path in set(case.images.values())]
    else:
        found = [
            fingerprint_of_volume(read_volume(path, case.components.get(channel)))
            for channel, path in case.images.items()
        ]
    return frozenset[bytes]().union(*found)


def find_twins(cases: Sequence[Case], fingerprints: Sequence[Collection[bytes]]) -> list[Twins]:
    """Cases that share an image with earlier ones, and one of those.

    Args:
        cases: The cases.
        fingerprints: Of all images of each.
    """
    first: dict[bytes, str] = {}
    twins: list[Twins] = []
    for case, own in zip(cases, fingerprints, strict=True):
        owners = {first.setdefault(each, case.id) for each in own} - {case.id}
        twins += [(case.id, owner) for owner in sorted(owners)[:1]]
    return twins


def shared_images(cases: Sequence[Case], others: Sequence[Case]) -> Iterator[tuple[Case, Case]]:
    """Cases that hold an image of another set's cases, each with one of those; the files are read.

    Size is part of what an image is known by, so that a case of a size of its own is not opened.

    Raises:
        InputError: If a file cannot be read.
    """
    sizes = {*map(_size, cases)} & {*map(_size, others)}
    alike, known = ([case for case in some if _size(case) in sizes] for some in (cases, others))
    with ThreadPoolExecutor(2) as pool:  # reading leaves the interpreter free
        of_known, of_alike = (pool.map(read_fingerprints, some) for some in (known, alike))
        owners = {mark: case for case, own in zip(known, of_known, strict=True) for mark in own}
        for case, own in zip(alike, of_alike, strict=True):
            shared = own & owners.keys()
            if shared:
                yield case, owners[min(shared)]


def _size(case: Case) -> tuple[int, ...]:
    """However the axes lie."""
    return tuple(sorted(case.shape))


def joined_names(names: Sequence[str], images: Sequence[Collection[Hashable]]) -> list[str]:
    """Give what shares an image, and all else of the same names, one name: the first's.

    Args:
        names: Of patients or videos, a case each.
        images: What the images of each case are known by.
    """
    together = DisjointSet(range(len(names)))
    first: dict[Hashable, int] = {}
    for place, (name, own) in enumerate(zip(names, images, strict=True)):
        for mark in (name, *own):
            together.merge(place, first.setdefault(mark, place))
    chosen: dict[int, str] = {}
    return [chosen.setdefault(together[place], name) for place, name in enumerate(names)]


def as_one_patient(
    cases: Sequence[Case], images: Sequence[Collection[Hashable]]
) -> tuple[Case, ...]:
    """Give cases that share an image, and all others of their patients, one patient: the first's.

    Args:
        cases: The cases.
        images: What the images of each are known by.
    """
    patients = joined_names([case.patient for case in cases], images)
    return tuple(
        replace(case, patient=patient) for case, patient in zip(cases, patients, strict=True)
    )
