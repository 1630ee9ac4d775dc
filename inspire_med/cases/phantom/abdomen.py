"""Two organs in CT, in thick slices, as a user of nnU-Net has them.

Written as nnU-Net's raw folder: `Dataset900_Phantom/{imagesTr,labelsTr}` and `dataset.json`; int16,
Hounsfield units, LPS; slices are two to eight times as thick as pixels are wide. Stomach, bowel
and muscle have the organs' units; places and outlines tell them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from inspire_med.cases.phantom.fields import (
    Field,
    Mask,
    Vector,
    box_around,
    paint_ball,
    radius_field,
    smooth_noise,
)
from inspire_med.cases.phantom.subject import Size, Subject
from inspire_med.files import read_json, write_json
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.volume import write_volume

SET = "Dataset900_Phantom"
LABELS = {"background": 0, "liver": 1, "spleen": 2}
TISSUES = ("air", "fat", "muscle", "bone", "bowel", "vessel", "liver", "spleen")
HOUNSFIELD = (-1000, -95, 60, 420, 85, 150, 100, 115)  # with contrast agent, portal phase
BODY_MM = (170.0, 120.0)  # half axes of a slice
LENGTH_MM = 200.0


@dataclass(frozen=True)
class _Scanner:
    """A site's reconstruction.

    Args:
        slice_mm: Thickness of slices, which also are as far apart.
        noise: Deviation, in Hounsfield units.
    """

    slice_mm: float
    noise: float


SCANNERS = (_Scanner(10.0, 14), _Scanner(12.5, 10), _Scanner(8.0, 20))
_PIXELS = {"small": (112, 3.2), "full": (448, 0.8)}  # a side, and mm


def write_case(folder: Path, subject: Subject, size: Size) -> str:
    """Write one image and its label, count the case in dataset.json, and answer with its id."""
    scanner, (side, pixel) = subject.one_of(SCANNERS), _PIXELS[size]
    thick = scanner.slice_mm if size == "small" else scanner.slice_mm / 2
    spacing = np.array((pixel, pixel, thick))
    shape = (side, round(side * 0.75), round(LENGTH_MM / thick))
    place, name = folder / SET, f"phantom_{subject.number:03d}"
    tissue = _patient(shape, spacing, subject.anatomy)
    grid = Grid(shape, np.diag([-pixel, -pixel, thick, 1.0]))
    scan = _scan(tissue, spacing, scanner.noise, subject.scan)
    write_volume(place / "imagesTr" / f"{name}_0000.nii.gz", scan, grid)
    label = np.zeros(shape, np.uint8)
    for organ, value in list(LABELS.items())[1:]:
        label[tissue == TISSUES.index(organ)] = value
    write_volume(place / "labelsTr" / f"{name}.nii.gz", label, grid)
    _count(place / "dataset.json")
    return name


def _count(path: Path) -> None:
    known = read_json(path)["numTraining"] if path.is_file() else 0
    write_json(
        path,
        {
            "channel_names": {"0": "CT"},
            "labels": LABELS,
            "numTraining": known + 1,
            "file_ending": ".nii.gz",
        },
    )


def _patient(
    shape: tuple[int, ...], spacing_mm: Field, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Index into TISSUES of every voxel; the first axis runs to the patient's left."""
    middle = np.array(shape) / 2 - 0.5

    def at(*place_mm: float) -> Field:
        return middle + np.array(place_mm) / spacing_mm

    waist = np.array((*BODY_MM, 1e5)) * random.uniform(0.85, 1.0) / spacing_mm
    depth = radius_field(shape, middle, waist)
    depth += 0.03 * smooth_noise(random, shape, np.maximum(25 / spacing_mm, 1))
    tissue = np.full(shape, TISSUES.index("air"), np.uint8)
    tissue[depth < 1] = TISSUES.index("fat")
    tissue[depth < 0.88] = TISSUES.index("muscle")
    cavity = depth < 0.78
    tissue[cavity] = TISSUES.index("fat")
    for _ in range(30):
        radii = np.full(3, random.uniform(14, 30)) / spacing_mm
        paint_ball(tissue, cavity, random, TISSUES.index("bowel"), radii)
    _paint(tissue, cavity, at(0, 62, 0), np.array((20, 18, 1e5)) / spacing_mm, "bone", random)
    _paint(tissue, cavity, at(12, 35, 0), np.array((9, 9, 1e5)) / spacing_mm, "vessel", random)
    for organ, place, half in (
        ("liver", (-62, -8, 30), (62, 58, 62)),
        ("spleen", (84, 28, 40), (24, 36, 42)),
    ):
        centre = at(*(np.array(place) + random.uniform(-8, 8, 3)))
        radii = np.array(half) * random.uniform(0.8, 1.15, 3) / spacing_mm
        _paint(tissue, cavity, centre, radii, organ, random)
    return tissue


def _paint(
    tissue: NDArray[np.uint8],
    inside: Mask,
    centre: Vector,
    radii: Field,
    name: str,
    random: np.random.Generator,
) -> None:
    """Write one tissue into a warped ellipsoid, as far as it is inside."""
    box = box_around(tissue.shape, centre, np.minimum(1.6 * radii, max(tissue.shape)))
    field = radius_field(
        tissue[box].shape, np.asarray(centre) - [part.start for part in box], radii
    )
    field += 0.12 * smooth_noise(random, field.shape, np.clip(radii / 2, 1, max(field.shape)))
    tissue[box][inside[box] & (field < 1)] = TISSUES.index(name)


def _scan(
    tissue: NDArray[np.uint8], spacing_mm: Field, noise: float, random: np.random.Generator
) -> NDArray[np.int16]:
    """Hounsfield units with texture; blurred in the slice; noise that has a grain."""
    shape = tissue.shape
    values = np.asarray(HOUNSFIELD, np.float32)[tissue]
    values += 8 * smooth_noise(random, shape, np.maximum(6 / spacing_mm, 0.6)) * (tissue > 0)
    grain = random.standard_normal(shape, dtype=np.float32)
    for axis in (0, 1):
        values = uniform_filter1d(values, 2, axis=axis)
        grain = uniform_filter1d(grain, 2, axis=axis)
    values += 2 * np.float32(noise) * grain
    return np.rint(np.clip(values, -1024, 3071)).astype(np.int16)
