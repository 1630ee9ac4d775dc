"""Which format for prepared cases? Size on the disk, time to write, time of a random crop.

Each of real prepared images (float16) is written as .npy, blosc2 and zarr, and the same random
crops are read from each, in turn, in one run. What is not installed is left out, said
(`pip install -r requirements-bench.txt`).

    python scripts/bench/store_formats.py --manifest brats.json --out /tmp/formats
"""

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inspire_med.cases.manifest import Manifest
from inspire_med.cases.store import Store


@dataclass(frozen=True)
class Format:
    """A way to keep an array.

    Args:
        write: Takes the array and a path without ending; answers with the path that it wrote.
        read: From that path to what crops are cut out of.
    """

    write: Callable[[np.ndarray, Path], Path]
    read: Callable[[Path], Any]


def npy() -> Format:
    def write(values: np.ndarray, place: Path) -> Path:
        np.save(place.with_suffix(".npy"), values)
        return place.with_suffix(".npy")

    return Format(write, lambda path: np.load(path, mmap_mode="r"))


def with_blosc2() -> Format:
    import blosc2

    blosc2.set_nthreads(1)

    def write(values: np.ndarray, place: Path) -> Path:
        path = place.with_suffix(".b2nd")
        chunks = (1, *(min(64, side) for side in values.shape[1:]))
        settings = {"cparams": {"codec": blosc2.Codec.ZSTD, "clevel": 5}, "chunks": chunks}
        blosc2.asarray(values, urlpath=str(path), mode="w", **settings)
        return path

    return Format(write, lambda path: blosc2.open(str(path), mode="r", mmap_mode="r"))


def with_zarr() -> Format:
    import zarr

    def write(values: np.ndarray, place: Path) -> Path:
        path = place.with_suffix(".zarr")
        chunks = (1, *(min(64, side) for side in values.shape[1:]))
        kept = zarr.create_array(
            str(path), shape=values.shape, dtype=values.dtype, chunks=chunks, overwrite=True
        )
        kept[:] = values
        return path

    return Format(write, lambda path: zarr.open_array(str(path), mode="r"))


def bytes_of(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def windows(shape: tuple[int, ...], side: int, count: int) -> list[tuple[slice, ...]]:
    random = np.random.default_rng(side)
    lengths = [min(side, length) for length in shape[1:]]
    drawn: list[tuple[slice, ...]] = []
    for _ in range(count):
        starts = [int(random.integers(a - b + 1)) for a, b in zip(shape[1:], lengths, strict=True)]
        ends = zip(starts, lengths, strict=True)
        drawn.append((slice(None), *(slice(s, s + n) for s, n in ends)))
    return drawn


def main() -> None:
    """Print a line a format."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=3)
    parser.add_argument("--crops", type=int, default=20, help="of each case and side")
    parser.add_argument("--sides", type=int, nargs="+", default=[128, 96])
    options = parser.parse_args()
    manifest = Manifest.load(options.manifest)
    store = Store(
        options.out / "store", manifest.task.preparation, manifest.channels, manifest.regions
    )
    images = [np.array(store.load(case).image) for case in manifest.cases[: options.cases]]
    formats = {"npy": npy()}
    for name, make in {"blosc2": with_blosc2, "zarr": with_zarr}.items():
        if importlib.util.find_spec(name) is None:
            print(f"{name}: left out, for it is not installed")
        else:
            formats[name] = make()
    for name, kept in formats.items():
        began = time.perf_counter()
        paths = [kept.write(image, options.out / f"{i}") for i, image in enumerate(images)]
        wrote = (time.perf_counter() - began) / len(images)
        size = sum(map(bytes_of, paths)) / len(images) / 2**20
        line = f"{name}: {size:.1f} MiB and {wrote:.2f} s to write a case"
        for side in options.sides:
            times: list[float] = []
            for image, path in zip(images, paths, strict=True):
                source = kept.read(path)
                for window in windows(image.shape, side, options.crops):
                    began = time.perf_counter()
                    found = np.array(source[window])
                    times.append(1000 * (time.perf_counter() - began))
                    if not np.array_equal(found, image[window]):
                        raise SystemExit(f"{name}: gives back other values")
            line += f"; crop of {side}^3: {statistics.median(times):.1f} ms"
        print(line, flush=True)


if __name__ == "__main__":
    main()
