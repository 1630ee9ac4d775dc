"""BraTS phantom: a skull-stripped head in four contrasts with nested tumour regions.

Written as BraTS 2020/2021: `BraTS2021_00000/BraTS2021_00000_{flair,t1,t1ce,t2,seg}.nii.gz`, int16,
LPS, labels 0 1 2 4. No contrast alone tells the tumour: CSF is as bright in T2 and as dark in T1,
gliosis is as bright in FLAIR, haemorrhage and vessels are as bright in T1ce.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspire_med.cases.phantom.fields import Field, paint_ball, radius_field, smooth_noise
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.volume import write_volume

SHAPE = (64, 64, 48)
SPACING_MM = 2.5
TISSUES = ("white", "grey", "csf", "gliosis", "blood", "vessel", "oedema", "necrosis", "enhancing")
CONTRASTS = {  # relative signal of each tissue, in the order above
    "flair": (0.42, 0.55, 0.15, 0.95, 0.50, 0.55, 0.92, 0.62, 0.80),
    "t1": (0.80, 0.60, 0.22, 0.66, 1.10, 0.55, 0.52, 0.32, 0.55),
    "t1ce": (0.80, 0.60, 0.22, 0.66, 1.12, 1.15, 0.52, 0.32, 1.15),
    "t2": (0.38, 0.52, 1.00, 0.60, 0.45, 0.35, 0.85, 0.98, 0.70),
}
LABELS = {"oedema": 2, "necrosis": 1, "enhancing": 4}


def write_case(folder: Path, number: int, random: np.random.Generator) -> None:
    """Write one case folder."""
    name = f"BraTS2021_{number:05d}"
    place = folder / name
    place.mkdir(parents=True)
    tissue, head = _tissues(random)
    affine = np.diag([-SPACING_MM, -SPACING_MM, SPACING_MM, 1.0])
    affine[1, 3] = (SHAPE[1] - 1) * SPACING_MM
    for contrast, signals in CONTRASTS.items():
        scan = _scan(signals, tissue, head, random)
        write_volume(place / f"{name}_{contrast}.nii.gz", scan, Grid(SHAPE, affine))
    label = np.zeros(SHAPE, np.int16)
    for region, value in LABELS.items():
        label[tissue == TISSUES.index(region)] = value
    write_volume(place / f"{name}_seg.nii.gz", label, Grid(SHAPE, affine))


def _tissues(random: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Index into TISSUES of every voxel, and which voxels are head at all."""
    middle = np.array(SHAPE) / 2 - 0.5
    radii = np.array(SHAPE) * random.uniform(0.41, 0.46, 3)
    depth = radius_field(SHAPE, middle, radii) + 0.03 * smooth_noise(random, SHAPE, 3)
    head = depth < 1
    tissue = np.full(SHAPE, TISSUES.index("white"), np.uint8)
    folds = smooth_noise(random, SHAPE, 1.8)
    tissue[(depth > 0.78 + 0.08 * folds) | (folds > 1.5)] = TISSUES.index("grey")
    tissue[(depth > 0.86) & (smooth_noise(random, SHAPE, 1.5) > 0.9)] = TISSUES.index("csf")
    for side in (-1, 1):
        centre = middle + random.uniform((side * 5 - 1, -4, 0), (side * 5 + 1, 4, 3))
        ventricle = radius_field(SHAPE, centre, random.uniform((3, 8, 4), (4.5, 13, 7)))
        tissue[ventricle + 0.15 * smooth_noise(random, SHAPE, 2) < 1] = TISSUES.index("csf")
    _add_distractors(tissue, depth, random)
    _add_tumour(tissue, middle, radii, random)
    return tissue, head


def _add_distractors(tissue: NDArray[np.uint8], depth: Field, random: np.random.Generator) -> None:
    """Gliosis, old blood and vessels: bright where the tumour is bright, in one contrast each."""
    inner = depth < 0.9
    for name, count, low, high in (("gliosis", 5, 3.0, 6.5), ("blood", 4, 2.0, 4.0)):
        for _ in range(count):
            paint_ball(tissue, inner, random, TISSUES.index(name), random.uniform(low, high))
    lines = np.abs(smooth_noise(random, SHAPE, 4)) + np.abs(smooth_noise(random, SHAPE, 4))
    tissue[inner & (lines < 0.16)] = TISSUES.index("vessel")


def _add_tumour(
    tissue: NDArray[np.uint8], middle: Field, radii: Field, random: np.random.Generator
) -> None:
    """Oedema around a core of necrosis in an enhancing rim, off the middle."""
    direction = random.standard_normal(3)
    direction /= np.linalg.norm(direction)
    centre = middle + direction * radii * random.uniform(0.35, 0.5)
    radius = random.uniform(9, 13)
    own = radius_field(SHAPE, centre, radius * random.uniform(0.8, 1.2, 3))
    inside = radius_field(SHAPE, middle, radii) < 0.92
    whole = inside & (own + 0.22 * smooth_noise(random, SHAPE, 3) < 1)
    rough = smooth_noise(random, SHAPE, 2)
    core = whole & (own + 0.12 * rough < random.uniform(0.55, 0.7))
    necrosis = core & (own + 0.16 * smooth_noise(random, SHAPE, 1.5) < random.uniform(0.3, 0.42))
    tissue[whole] = TISSUES.index("oedema")
    tissue[core] = TISSUES.index("enhancing")
    tissue[necrosis] = TISSUES.index("necrosis")


def _scan(
    signals: tuple[float, ...],
    tissue: NDArray[np.uint8],
    head: NDArray[np.bool_],
    random: np.random.Generator,
) -> NDArray[np.int16]:
    """Signal x texture x bias field + noise, in the scanner's own arbitrary unit."""
    clean = np.asarray(signals, np.float32)[tissue]
    clean = clean * (1 + 0.10 * smooth_noise(random, SHAPE, 1.2))
    clean = clean * np.exp(0.18 * smooth_noise(random, SHAPE, 14))
    noise = 0.06 * random.standard_normal((2, *SHAPE), dtype=np.float32)
    rician = np.sqrt((clean + noise[0]) ** 2 + noise[1] ** 2)
    gain = random.uniform(300, 1500)
    return np.where(head, np.maximum(np.rint(gain * rician), 1), 0).astype(np.int16)
