"""Where a DICOM series lies and what it holds, beside dcm2niix: made series of a real case.

A volume is written as DICOM in each form, its grid turned, stretched and counted backwards, the
files of plain series named at random; both read it back. Both sides are turned to the closest RAS+
axes, since dcm2niix turns rows over. Corners are compared in mm, voxels exactly.

    PYTHONPATH=. python scripts/bench/dicom_geometry.py --volume CASE_t1.nii.gz --out /tmp/dicom
"""

import argparse
import subprocess
from pathlib import Path

import dcm2niix
import nibabel
import numpy as np
from nibabel.affines import apply_affine
from scipy.spatial.transform import Rotation

from inspire_med.imaging.volume import open_volume, read_volume
from tests.common.dicom_series import write_enhanced, write_mosaic, write_plain

PLACES = {  # degrees about x, y, z; mm along i, j, k; the way each is counted in
    "as in its file": None,
    "axial, 1 x 1 x 5 mm": ((0, 0, 0), (1, 1, 5), (1, 1, 1)),
    "sagittal": ((90, 0, 90), (1, 1, 1.2), (1, 1, 1)),
    "coronal, backwards": ((90, 0, 0), (0.9, 0.9, 3), (1, 1, -1)),
    "oblique": ((12, -23, 31), (0.43, 0.86, 4.4), (1, 1, 1)),
    "oblique, backwards": ((-40, 18, 160), (0.7, 0.7, 2), (1, 1, -1)),
}


def main() -> None:
    """Write, read twice, print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--volume", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    source = read_volume(options.volume)
    values = source.values.astype(np.uint16)
    print("| series | form | slices | corners from dcm2niix, mm | from the truth, mm | voxels |")
    print("|---|---|---|---|---|---|")
    for place, how in PLACES.items():
        affine = source.grid.affine if how is None else turned(*how)
        for form in ("plain", "enhanced", "mosaic"):
            folder = options.out / f"{place}, {form}"
            path = written(form, folder / "series", values, affine)
            own, truth = read(path), canonical(values, affine)
            peer = nibabel.as_closest_canonical(nibabel.load(converted(folder)))
            same = all(
                np.array_equal(own.get_fdata(), other.get_fdata()) for other in (peer, truth)
            )
            print(
                f"| {place} | {form} | {values.shape[2]} | {apart(own, peer):.1e} | "
                f"{apart(own, truth):.1e} | {'equal' if same else 'DIFFER'} |"
            )


def turned(
    degrees: tuple[float, ...], spacing: tuple[float, ...], mirror: tuple[int, ...]
) -> np.ndarray:
    """An affine to RAS+ mm."""
    affine = np.eye(4)
    turn = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    affine[:3, :3] = turn * np.array(spacing) * mirror
    affine[:3, 3] = (-93.1, 71.7, -44.3)
    return affine


def written(form: str, folder: Path, values: np.ndarray, affine: np.ndarray) -> Path:
    """A file of the series."""
    if form == "plain":
        order = np.random.default_rng(0).permutation(values.shape[2])
        return write_plain(folder, values, affine, [f"IM{number}" for number in order])[0]
    write = {"enhanced": write_enhanced, "mosaic": write_mosaic}[form]
    return write(folder / "a.dcm", values, affine)


def canonical(values: np.ndarray, affine: np.ndarray) -> nibabel.Nifti1Image:
    """An image with RAS+ closest axes."""
    return nibabel.as_closest_canonical(nibabel.Nifti1Image(values.astype(np.float32), affine))


def read(path: Path) -> nibabel.Nifti1Image:
    """As inspire_med reads it."""
    stored = open_volume(path)
    return canonical(stored.read(np.float32), stored.affine)


def converted(folder: Path) -> Path:
    """As dcm2niix does."""
    (folder / "nifti").mkdir()
    command = [dcm2niix.bin, "-z", "n", "-b", "n", "-f", "x", "-o", folder / "nifti"]
    subprocess.run([*command, folder / "series"], check=True, capture_output=True)
    (made,) = (folder / "nifti").glob("*.nii")
    return made


def apart(first: nibabel.Nifti1Image, second: nibabel.Nifti1Image) -> float:
    """The farthest that a corner voxel lies from its partner, in mm."""
    corners = np.array(np.meshgrid(*([0, size - 1] for size in first.shape))).reshape(3, -1).T
    gaps = apply_affine(first.affine, corners) - apply_affine(second.affine, corners)
    return float(np.linalg.norm(gaps, axis=1).max())


if __name__ == "__main__":
    main()
