"""ISLES phantom: stroke in DWI and ADC on an oblique grid, FLAIR on another one.

Written as ISLES 2022: `rawdata/sub-strokecaseNNNN/ses-0001/*_{dwi,adc,flair}.nii.gz` in float and
`derivatives/.../*_msk.nii.gz` in uint16; `participants.tsv` says each patient's site, as BIDS has
it. An acute infarct is bright in DWI and dark in ADC; old lesions shine through in DWI with high
ADC, dark ADC without DWI is blood, the skull base is bright in DWI alone.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inspire_med.cases.layouts.participants import TABLE
from inspire_med.cases.phantom.fields import Field, smooth_noise
from inspire_med.cases.phantom.scanner import Scanner
from inspire_med.cases.phantom.stroke_patient import TISSUES, Body, draw_body
from inspire_med.cases.phantom.subject import Size, Subject
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.volume import write_volume

Shape = tuple[int, int, int]
Spacing = tuple[float, float, float]
SIGNALS = {  # DWI and FLAIR in arbitrary units, ADC in 1e-3 mm2/s
    "dwi": (0.46, 0.56, 0.22, 0.98, 1.00, 0.50, 1.05),
    "adc": (0.78, 0.86, 2.60, 0.46, 1.35, 0.42, 0.82),
    "flair": (0.50, 0.62, 0.20, 0.78, 1.00, 0.45, 0.62),
}
SCANNERS = (
    Scanner("centre1", contrast=1.0, bias=0.12, noise=0.07, slice_mm=0, spoilt=0.06),
    Scanner("centre2", contrast=0.85, bias=0.22, noise=0.09, slice_mm=0, spoilt=0.12),
    Scanner("centre3", contrast=1.1, bias=0.12, noise=0.11, slice_mm=0, spoilt=0.12),
)


@dataclass(frozen=True)
class _Protocol:
    """Grids that a site scans on.

    Args:
        dwi: Of DWI and ADC.
        flair: Of FLAIR.
    """

    dwi: tuple[Shape, Spacing]
    flair: tuple[Shape, Spacing]


@dataclass(frozen=True)
class _Scale:
    """How finely all is drawn.

    Args:
        body_mm: Voxel size of the patient, finer than that of any scan.
        lesions: Volume of lesions as a multiple of real ones: coarse grids keep real lesions' count
            of voxels, not their volume, which would vanish there.
        protocols: A site each.
    """

    body_mm: float
    lesions: float
    protocols: tuple[_Protocol, ...]


_SCALES = {
    "small": _Scale(
        2.75,
        9.7,
        (
            _Protocol(((48, 48, 20), (3.6, 3.6, 6.0)), ((80, 80, 16), (2.2, 2.2, 7.8))),
            _Protocol(((44, 44, 20), (4.0, 4.0, 6.0)), ((72, 72, 18), (2.4, 2.4, 7.0))),
            _Protocol(((56, 56, 20), (3.1, 3.1, 6.0)), ((64, 64, 20), (2.8, 2.8, 6.2))),
        ),
    ),
    "full": _Scale(
        1.5,
        1.0,
        (
            _Protocol(((112, 112, 73), (2.0, 2.0, 2.0)), ((512, 512, 29), (0.45, 0.45, 5.0))),
            _Protocol(((128, 128, 64), (1.8, 1.8, 2.2)), ((320, 320, 26), (0.7, 0.7, 5.5))),
            _Protocol(((192, 192, 28), (1.2, 1.2, 5.0)), ((256, 256, 40), (0.9, 0.9, 3.6))),
        ),
    ),
}


def write_case(folder: Path, subject: Subject, size: Size) -> str:
    """Write one session, three scans and the mask, its patient's site, and answer with its id."""
    scanner, scale = subject.one_of(SCANNERS), _SCALES[size]
    protocol = subject.one_of(scale.protocols)
    patient = f"sub-strokecase{subject.number + 1:04d}"
    session = f"{patient}_ses-0001"
    raw = folder / "rawdata" / patient / "ses-0001"
    derived = folder / "derivatives" / patient / "ses-0001"
    raw.mkdir(parents=True)
    derived.mkdir(parents=True)
    body = draw_body(subject.anatomy, scale.body_mm, scale.lesions)
    dwi, flair = (_oblique(*grid, subject.scan) for grid in (protocol.dwi, protocol.flair))
    for contrast in SIGNALS:
        grid = flair if contrast == "flair" else dwi
        scan = _scan(contrast, body, grid, scanner, subject.scan)
        write_volume(raw / f"{session}_{contrast}.nii.gz", scan, grid)
    infarct = (body.tissue == TISSUES.index("infarct")).astype(np.float32)
    mask = body.sample(infarct, dwi) >= 0.5
    write_volume(derived / f"{session}_msk.nii.gz", mask.astype(np.uint16), dwi)
    _note_site(folder / "rawdata" / TABLE, patient, scanner.site)
    return session


def _note_site(path: Path, patient: str, site: str) -> None:
    if not path.is_file():
        path.write_text("participant_id\tsite\n")
    with path.open("a") as stream:
        stream.write(f"{patient}\t{site}\n")


def _oblique(shape: Shape, spacing_mm: Spacing, random: np.random.Generator) -> Grid:
    """A tilted LAS grid (x runs to the left) that has the patient in its middle."""
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
    return Grid(shape, affine)


def _scan(
    contrast: str, body: Body, grid: Grid, scanner: Scanner, random: np.random.Generator
) -> Field:
    """What a scanner writes on its grid; ADC keeps its unit, and noise may go below zero."""
    head = body.sample(body.head, grid)
    texture = 1 + 0.1 * smooth_noise(random, body.tissue.shape, 4 / body.mm)
    if contrast == "adc":
        clean = np.asarray(SIGNALS[contrast], np.float32)[body.tissue] * texture
        scan, gain = body.sample(clean * body.head, grid), 1.0
    else:
        clean = scanner.signal(SIGNALS[contrast])[body.tissue] * texture
        scan = scanner.receive(body.sample(clean * body.head, grid), grid.spacing_mm, random)
        gain = random.uniform(400, 1500)
    noise = scanner.noise * random.standard_normal(grid.shape, dtype=np.float32)
    return np.where(head > 0.5, (scan + noise) * gain, 0.0)
