"""BraTS phantom: a skull-stripped head in four contrasts with nested tumour regions.

Written as BraTS since 2023: `BraTS-GLI-00000-000/BraTS-GLI-00000-000-{t2f,t1n,t1c,t2w,seg}.nii.gz`,
int16, LPS, labels 0 1 2 3; every second case is of the African set (`SSA`), from an older scanner.
No contrast alone tells the tumour: CSF is as bright in T2 and as dark in T1, gliosis is as bright
in FLAIR, haemorrhage and vessels are as bright in T1 after contrast agent.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspire_med.cases.phantom.fields import (
    Field,
    Mask,
    box_around,
    lowest,
    paint_ball,
    place_inside,
    radius_field,
    smooth_noise,
)
from inspire_med.cases.phantom.scanner import Scanner
from inspire_med.cases.phantom.sizes import draw_tumour
from inspire_med.cases.phantom.subject import Size, Subject
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.volume import write_volume

SCANNERS = (
    Scanner("GLI", contrast=1.0, bias=0.15, noise=0.06, slice_mm=1.0, spoilt=0.08),
    Scanner("SSA", contrast=0.8, bias=0.25, noise=0.10, slice_mm=5.0, spoilt=0.2),
)
TISSUES = ("white", "grey", "csf", "gliosis", "blood", "vessel", "oedema", "necrosis", "enhancing")
# Relative signal of each tissue, in the order above. The tumour's regions stand off the brain, in
# units of its deviation, as real ones do (`scripts/bench/mask_contrasts.py`).
CONTRASTS = {
    "t2f": (0.42, 0.55, 0.15, 0.95, 0.50, 0.55, 0.80, 0.92, 0.86),
    "t1n": (0.80, 0.60, 0.22, 0.66, 1.10, 0.55, 0.66, 0.50, 0.64),
    "t1c": (0.80, 0.60, 0.22, 0.66, 1.12, 1.22, 0.66, 0.50, 1.22),
    "t2w": (0.38, 0.52, 1.00, 0.60, 0.45, 0.35, 0.72, 1.00, 0.80),
}
LABELS = {"necrosis": 1, "oedema": 2, "enhancing": 3}


@dataclass(frozen=True)
class _Frame:
    """The grid of a set, and how far a head reaches from its middle.

    Args:
        shape: Of the files.
        spacing_mm: Of the voxels.
        head_mm: Half axes of a middling head.
    """

    shape: tuple[int, int, int]
    spacing_mm: float
    head_mm: tuple[float, float, float]


_FRAMES = {
    "small": _Frame((64, 64, 48), 2.5, (66, 66, 50)),
    "full": _Frame((240, 240, 155), 1.0, (66, 82, 63)),
}


def write_case(folder: Path, subject: Subject, size: Size) -> str:
    """Write one case folder, and answer with the case's id."""
    scanner, frame = subject.one_of(SCANNERS), _FRAMES[size]
    name = f"BraTS-{scanner.site}-{subject.number:05d}-000"
    place = folder / name
    place.mkdir(parents=True)
    affine = np.diag([-frame.spacing_mm, -frame.spacing_mm, frame.spacing_mm, 1.0])
    affine[1, 3] = (frame.shape[1] - 1) * frame.spacing_mm
    grid = Grid(frame.shape, affine)
    head, tissue, brain = _patient(frame, subject)
    for contrast, signals in CONTRASTS.items():
        scan = np.zeros(frame.shape, np.int16)
        scan[head] = _scan(scanner, signals, tissue, brain, frame.spacing_mm, subject.scan)
        write_volume(place / f"{name}-{contrast}.nii.gz", scan, grid)
    values = np.zeros(len(TISSUES), np.uint8)
    for region, value in LABELS.items():
        values[TISSUES.index(region)] = value
    label = np.zeros(frame.shape, np.uint8)
    label[head] = values[tissue]
    write_volume(place / f"{name}-seg.nii.gz", label, grid)
    return name


def _patient(frame: _Frame, subject: Subject) -> tuple[tuple[slice, ...], NDArray[np.uint8], Mask]:
    """The box of the head in the frame; in it each voxel's index into TISSUES, and what is head."""
    random = subject.anatomy
    radii = np.array(frame.head_mm) * random.uniform(0.95, 1.05, 3) / frame.spacing_mm
    middle = np.array(frame.shape) / 2 - 0.5
    box = box_around(frame.shape, middle, 1.12 * radii)
    middle = middle - [part.start for part in box]
    shape, mm = tuple(part.stop - part.start for part in box), frame.spacing_mm
    depth = radius_field(shape, middle, radii) + 0.03 * smooth_noise(random, shape, 8 / mm)
    tissue = np.full(shape, TISSUES.index("white"), np.uint8)
    folds = smooth_noise(random, shape, 4.5 / mm)
    tissue[(depth > 0.78 + 0.08 * folds) | (folds > 1.5)] = TISSUES.index("grey")
    furrows = smooth_noise(random, shape, 4 / mm) > 0.9
    tissue[(depth > 0.86) & furrows] = TISSUES.index("csf")
    for side in (-1, 1):
        centre = middle + random.uniform((side * 12 - 3, -10, 0), (side * 12 + 3, 10, 8)) / mm
        ventricle = random.uniform((7.5, 20, 10), (11, 32, 17)) / mm
        _paint(tissue, centre, ventricle, TISSUES.index("csf"), random)
    _add_distractors(tissue, depth < 0.9, mm, random)
    _add_tumour(tissue, depth < 0.92, middle, radii, mm, subject)
    return box, tissue, depth < 1


def _paint(
    tissue: NDArray[np.uint8], centre: Field, radii: Field, value: int, random: np.random.Generator
) -> None:
    box = box_around(tissue.shape, centre, 1.6 * radii)
    field = radius_field(tissue[box].shape, centre - [part.start for part in box], radii)
    field += 0.15 * smooth_noise(random, field.shape, float(radii.min()) / 2)
    tissue[box][field < 1] = value


def _add_distractors(
    tissue: NDArray[np.uint8], inner: Mask, mm: float, random: np.random.Generator
) -> None:
    """Gliosis, old blood and vessels: bright where the tumour is bright, in one contrast each."""
    for name, count, low, high in (("gliosis", 5, 7.5, 16.0), ("blood", 4, 5.0, 10.0)):
        for _ in range(count):
            radii = np.full(3, random.uniform(low, high) / mm)
            paint_ball(tissue, inner, random, TISSUES.index(name), radii)
    across = [np.abs(smooth_noise(random, tissue.shape, 10 / mm)) for _ in range(2)]
    tissue[inner & (across[0] + across[1] < 0.16)] = TISSUES.index("vessel")


def _add_tumour(
    tissue: NDArray[np.uint8],
    brain: Mask,
    middle: Field,
    radii: Field,
    mm: float,
    subject: Subject,
) -> None:
    """Oedema around a core, off the middle; the core enhances at its rim, more on one side.

    The regions have the drawn volumes to the voxel.
    """
    random = subject.anatomy
    volumes = draw_tumour(random, subject.patient)
    direction = random.standard_normal(3)
    direction /= np.linalg.norm(direction)
    centre = middle + direction * radii * random.uniform(0.35, 0.5)
    reach = np.cbrt(volumes.whole * 1000 * 3 / (4 * np.pi)) / mm
    stretch = random.uniform(0.8, 1.2, 3)
    box = box_around(tissue.shape, centre, 2.2 * reach * stretch)
    shape, start = tissue[box].shape, [part.start for part in box]
    own = radius_field(shape, centre - start, reach * stretch)
    per_ml = 1000 / mm**3
    rough = smooth_noise(random, shape, 7 / mm)
    whole = lowest(own + 0.2 * rough, brain[box], round(volumes.whole * per_ml))
    fine = smooth_noise(random, shape, 4 / mm)
    core = lowest(own + 0.08 * fine, whole, round(volumes.core * per_ml))
    focus = place_inside(core, random)
    off = radius_field(shape, focus, reach * stretch)
    inner = own - 0.6 * off + 0.06 * fine
    dead = lowest(inner, core, round((volumes.core - volumes.enhancing) * per_ml))
    tissue[box][whole] = TISSUES.index("oedema")
    tissue[box][core] = TISSUES.index("enhancing")
    tissue[box][dead] = TISSUES.index("necrosis")


def _scan(
    scanner: Scanner,
    signals: tuple[float, ...],
    tissue: NDArray[np.uint8],
    brain: Mask,
    mm: float,
    random: np.random.Generator,
) -> NDArray[np.int16]:
    """Signal x texture x bias field + Rician noise, in the scanner's own arbitrary unit."""
    clean = scanner.signal(signals)[tissue]
    clean *= 1 + np.float32(0.1) * smooth_noise(random, tissue.shape, 3 / mm)
    scan = scanner.receive(clean * brain, (mm, mm, mm), random)
    noise = np.float32(scanner.noise) * random.standard_normal((2, *scan.shape), dtype=np.float32)
    noise[0] += scan
    rician = np.sqrt((noise**2).sum(axis=0)) * np.float32(random.uniform(300, 1500))
    return np.where(brain, np.maximum(np.rint(rician), 1), 0).astype(np.int16)
