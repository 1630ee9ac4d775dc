"""ISLES phantom: stroke in DWI and ADC on an oblique grid, FLAIR on another one.

Written as ISLES 2022: `rawdata/sub-strokecaseNNNN/ses-0001/*_{dwi,adc,flair}.nii.gz` in float and
`derivatives/.../*_msk.nii.gz` in uint16. An acute infarct is bright in DWI and dark in ADC; old
lesions shine through in DWI with high ADC, dark ADC without DWI is blood, the skull base is bright
in DWI alone.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from inspire_med.cases.phantom.fields import Field, paint_ball, radius_field, smooth_noise
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.volume import write_volume

BODY_SHAPE, BODY_MM = (60, 72, 52), 2.75  # the patient, finer than any of the scans
DWI_SHAPE, DWI_MM = (48, 48, 20), (3.6, 3.6, 6.0)
FLAIR_SHAPE, FLAIR_MM = (80, 80, 16), (2.2, 2.2, 7.8)
TISSUES = ("white", "grey", "csf", "infarct", "old", "blood", "base")
SIGNALS = {  # DWI and FLAIR in arbitrary units, ADC in 1e-3 mm2/s
    "dwi": (0.46, 0.56, 0.22, 0.98, 1.00, 0.50, 1.05),
    "adc": (0.78, 0.86, 2.60, 0.46, 1.35, 0.42, 0.82),
    "flair": (0.50, 0.62, 0.20, 0.78, 1.00, 0.45, 0.62),
}
DISTRACTORS = (("old", 5, 2.5, 5.5), ("blood", 6, 2.0, 4.5))


def write_case(folder: Path, number: int, random: np.random.Generator) -> None:
    """Write one session: three scans and the mask."""
    patient = f"sub-strokecase{number + 1:04d}"
    session = f"{patient}_ses-0001"
    raw = folder / "rawdata" / patient / "ses-0001"
    derived = folder / "derivatives" / patient / "ses-0001"
    raw.mkdir(parents=True)
    derived.mkdir(parents=True)
    tissue, head = _body(random)
    dwi_affine = _oblique(DWI_SHAPE, DWI_MM, random)
    flair_affine = _oblique(FLAIR_SHAPE, FLAIR_MM, random)
    for contrast, signals in SIGNALS.items():
        shape, affine = (
            (FLAIR_SHAPE, flair_affine) if contrast == "flair" else (DWI_SHAPE, dwi_affine)
        )
        scan = _scan(contrast, signals, tissue, head, shape, affine, random)
        write_volume(raw / f"{session}_{contrast}.nii.gz", scan, Grid(scan.shape, affine))
    infarct = (tissue == TISSUES.index("infarct")).astype(np.float32)
    mask = _sample(infarct, DWI_SHAPE, dwi_affine) >= 0.5
    grid = Grid(mask.shape, dwi_affine)
    write_volume(derived / f"{session}_msk.nii.gz", mask.astype(np.uint16), grid)


def _body(random: np.random.Generator) -> tuple[NDArray[np.uint8], Field]:
    """Tissue of every voxel of the patient, and 1 where there is head."""
    shape, middle = BODY_SHAPE, np.array(BODY_SHAPE) / 2 - 0.5
    radii = np.array(BODY_SHAPE) * random.uniform(0.42, 0.46, 3)
    depth = radius_field(shape, middle, radii) + 0.03 * smooth_noise(random, shape, 3)
    tissue = np.full(shape, TISSUES.index("white"), np.uint8)
    tissue[depth + 0.08 * smooth_noise(random, shape, 2) > 0.78] = TISSUES.index("grey")
    tissue[(depth > 0.86) & (smooth_noise(random, shape, 1.6) > 0.8)] = TISSUES.index("csf")
    for side in (-1, 1):
        centre = middle + random.uniform((side * 5 - 1, -4, 0), (side * 5 + 1, 4, 4))
        ventricle = radius_field(shape, centre, random.uniform((2.5, 8, 4), (4, 12, 7)))
        tissue[ventricle + 0.15 * smooth_noise(random, shape, 2) < 1] = TISSUES.index("csf")
    floor = middle - (0, -radii[1] * 0.35, radii[2] * 0.8)
    base = radius_field(shape, floor, (10, 9, 5)) + 0.2 * smooth_noise(random, shape, 2)
    tissue[base < 1] = TISSUES.index("base")
    inside = depth < 0.88
    for name, count, low, high in DISTRACTORS:
        for _ in range(count):
            paint_ball(tissue, inside, random, TISSUES.index(name), random.uniform(low, high))
    for _ in range(int(random.integers(1, 4))):
        paint_ball(tissue, inside, random, TISSUES.index("infarct"), random.uniform(5, 9))
    return tissue, (depth < 1).astype(np.float32)


def _oblique(
    shape: tuple[int, ...], spacing_mm: tuple[float, ...], random: np.random.Generator
) -> NDArray[np.float64]:
    """A tilted LAS affine (x runs to the left) whose grid has the patient in its middle."""
    tilt, turn = random.uniform(-0.25, 0.25), random.uniform(-0.08, 0.08)
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    )
    about_z = np.array(
        [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    )
    affine = np.eye(4)
    affine[:3, :3] = about_x @ about_z @ np.diag([-1.0, 1.0, 1.0]) * np.array(spacing_mm)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2) + random.uniform(-3, 3, 3)
    return affine


def _sample(body: Field, shape: tuple[int, ...], affine: NDArray[np.float64]) -> Field:
    """The patient's values at the voxel centres of a grid; the patient's middle is at 0 mm."""
    voxels = np.stack(np.meshgrid(*[np.arange(size) for size in shape], indexing="ij"))
    points = np.tensordot(affine[:3, :3], voxels, axes=1) + affine[:3, 3][:, None, None, None]
    middle = (np.array(BODY_SHAPE) - 1)[:, None, None, None] / 2
    return map_coordinates(body, points / BODY_MM + middle, order=1, mode="constant")


def _scan(
    contrast: str,
    signals: tuple[float, ...],
    tissue: NDArray[np.uint8],
    head: Field,
    shape: tuple[int, ...],
    affine: NDArray[np.float64],
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """What a scanner writes on its grid; ADC keeps its unit, and noise may go below zero."""
    clean = np.asarray(signals, np.float32)[tissue]
    clean = clean * (1 + 0.10 * smooth_noise(random, BODY_SHAPE, 1.5))
    if contrast != "adc":
        clean = clean * np.exp(0.15 * smooth_noise(random, BODY_SHAPE, 14))
    noise = 0.08 * random.standard_normal(shape)
    scan = _sample(clean * head, shape, affine) + noise
    gain = 1.0 if contrast == "adc" else random.uniform(400, 1500)
    return np.where(_sample(head, shape, affine) > 0.5, scan * gain, 0.0)
