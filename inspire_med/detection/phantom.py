"""Command: a made set in COCO's form (`python -m inspire_med.detection.phantom OUT --pictures 40`).

Balls, books and doughnuts of any colour on uneven ground, some half behind others, some pictures
empty, some with a crowd. All of COCO's categories are listed, so that every config reads the set.
Masks, boxes and areas are those of the pixels that show the object.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from jsonargparse import Namespace
from numpy.typing import NDArray
from PIL import Image

from inspire_med.cli.command import run_command
from inspire_med.cli.parser import CommandParser
from inspire_med.detection.extra import require_extra
from inspire_med.errors import InputError
from inspire_med.files import atomic_folder, refuse_existing, write_json
from inspire_med.imaging.coco import Entry

Mask = NDArray[np.bool_]
SHAPES = ("sports ball", "book", "donut")
_NO_CATEGORY = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}  # of 1 to 90
_EMPTY, _CROWDED = 8, 5  # one picture in so many


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, make the set, and answer with the exit status."""
    parser = CommandParser(
        prog="inspire-med detection.phantom",
        description="Make pictures with known objects, as COCO's instances, to train and test on.",
    )
    parser.add_argument("out", type=Path, help="A new folder: annotations, train2017, val2017.")
    parser.add_argument("--pictures", type=int, default=40, help="How many; a quarter in val2017.")
    parser.add_argument("--seed", type=int, default=0, help="Of all pictures.")
    return run_command(parser, _make, arguments)


def _make(options: Namespace) -> None:
    if options.pictures < 4:
        raise InputError(f"--pictures {options.pictures}: too few for two parts; give 4 or more.")
    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: below zero; give 0 or more.")
    refuse_existing(options.out, overwrite=False)
    require_extra()
    with atomic_folder(options.out, before_commit=lambda: _remove_empty(options.out)) as folder:
        held_out = options.pictures // 4
        numbers = range(1, options.pictures + 1)
        write_part(folder, "train2017", numbers[:-held_out], options.seed)
        write_part(folder, "val2017", numbers[-held_out:], options.seed)
    print(f"Written: {options.out}")
    print(f"Train on it with --cfg-options data_root={options.out}/")


def _remove_empty(folder: Path) -> None:
    if folder.is_dir():
        folder.rmdir()


def write_part(folder: Path, name: str, numbers: Sequence[int], seed: int) -> None:
    """Write `folder/name/*.jpg` and `folder/annotations/instances_name.json`.

    Args:
        folder: The set's.
        name: Of the part.
        numbers: Of the pictures, each a pure function of (seed, number).
        seed: Of the set.
    """
    (folder / name).mkdir(parents=True)
    part = _Part()
    for number in numbers:
        pixels = _picture(part, number, np.random.default_rng([seed, number]))
        Image.fromarray(pixels).save(folder / name / f"{number:012d}.jpg", quality=95)
    categories = [{"id": each, "name": word} for word, each in _categories().items()]
    content = {"images": part.images, "annotations": part.objects, "categories": categories}
    write_json(folder / "annotations" / f"instances_{name}.json", content)


@dataclass
class _Part:
    """Entries as they gather."""

    images: list[Entry] = field(default_factory=list)
    objects: list[Entry] = field(default_factory=list)

    def add(self, image: int, category: str, mask: Mask, *, crowd: bool) -> None:
        """An object, unless nothing of it shows."""
        from pycocotools import mask as coco

        if not mask.any():
            return
        packed = coco.encode(np.asfortranarray(mask, np.uint8))
        self.objects.append(
            {
                "id": 1000 * image + len(self.objects),
                "image_id": image,
                "category_id": _categories()[category],
                "bbox": coco.toBbox(packed).tolist(),
                "area": int(coco.area(packed)),
                "iscrowd": int(crowd),
                "segmentation": _segmentation(
                    mask, cast("bytes", packed["counts"]).decode("ascii")
                ),
            }
        )


def _segmentation(mask: Mask, runs: str) -> Any:
    """A polygon where the object is a whole rectangle, else run lengths."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    if mask.sum() == (bottom - top) * (right - left):
        corners = (left, top, right, top, right, bottom, left, bottom)
        return [[int(each) for each in corners]]
    return {"size": list(mask.shape), "counts": runs}


def _categories() -> dict[str, int]:
    """COCO's: ids by name."""
    from mmdet.datasets import CocoDataset

    ids = [each for each in range(1, 91) if each not in _NO_CATEGORY]
    return dict(zip(CocoDataset.METAINFO["classes"], ids, strict=True))


def _picture(part: _Part, number: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a picture, and note it and what shows of its objects."""
    height, width = (int(side) for side in random.integers(96, 192, 2))
    coarse = Image.fromarray(random.integers(60, 200, (6, 8, 3), np.uint8))
    ground = coarse.resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(ground) + random.normal(0, 8, (height, width, 3))
    name = f"{number:012d}.jpg"
    part.images.append({"id": number, "file_name": name, "height": height, "width": width})
    drawn: list[tuple[str, Mask]] = []
    for _ in range(0 if number % _EMPTY == 0 else int(random.integers(1, 5))):
        kind = str(random.choice(SHAPES))
        mask = _shape(kind, (height, width), random)
        pixels[mask] = random.integers(0, 256, 3) + random.normal(0, 8, (mask.sum(), 3))
        drawn = [(other, seen & ~mask) for other, seen in drawn] + [(kind, mask)]
    for kind, mask in drawn:
        part.add(number, kind, mask, crowd=False)
    if number % _CROWDED == 0:
        crowd = np.zeros((height, width), bool)
        for _ in range(12):
            crowd |= _disc((height, width), random.uniform(0, 1, 2), 4)
        for _, mask in drawn:
            crowd &= ~mask
        pixels[crowd] = random.integers(0, 256, 3)
        part.add(number, SHAPES[0], crowd, crowd=True)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _shape(kind: str, size: tuple[int, int], random: np.random.Generator) -> Mask:
    radius, place = random.uniform(9, 26), random.uniform(0.1, 0.9, 2)
    if kind == "book":
        middle = place * size
        half = radius * random.permutation((1.0, random.uniform(0.4, 0.7)))
        rows, columns = (
            np.abs(np.arange(side) - at) for side, at in zip(size, middle, strict=True)
        )
        return (rows <= half[0])[:, None] & (columns <= half[1])
    ring = _disc(size, place, radius)
    return ring & ~_disc(size, place, radius * 0.5) if kind == "donut" else ring


def _disc(size: tuple[int, int], place: NDArray[np.float64], radius: float) -> Mask:
    rows, columns = np.ogrid[: size[0], : size[1]]
    return (rows - place[0] * size[0]) ** 2 + (columns - place[1] * size[1]) ** 2 <= radius**2


if __name__ == "__main__":
    raise SystemExit(main())
