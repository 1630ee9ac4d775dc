"""Faults of scans and labels: put into one file or case of six of BraTS's, LPS, 1 x 1 x 2 mm."""

import gzip
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
from faults import Fault
from PIL import Image

CASE = "BraTS20_Training_003"
T1, SEG = f"{CASE}_t1.nii.gz", f"{CASE}_seg.nii.gz"
SHAPE = (20, 18, 15)


def at(root: Path, name: str = T1) -> Path:
    return root / CASE / name


def image(root: Path, name: str = T1) -> tuple[np.ndarray, np.ndarray]:
    stored = nib.load(at(root, name))
    return np.asarray(stored.dataobj), stored.affine


def store(root: Path, values: np.ndarray, affine: np.ndarray, name: str = T1) -> None:
    nib.save(nib.Nifti1Image(values, affine), at(root, name))


def bytes_of(change: Callable[[bytearray], bytes | None], name: str = T1):
    """Change a file's bytes as they lie."""

    def inject(root: Path) -> None:
        raw = bytearray(at(root, name).read_bytes())
        changed = change(raw)
        at(root, name).write_bytes(raw if changed is None else changed)

    return inject


def header(name: str = T1, *, cut: int | None = None, **fields: object):
    """Change fields of a header and nothing else."""

    def inject(root: Path) -> None:
        raw = bytearray(gzip.decompress(at(root, name).read_bytes()))
        stored = nib.Nifti1Header(bytes(raw[:348]), check=False)
        for field, value in fields.items():
            stored[field] = value
        at(root, name).write_bytes(gzip.compress((bytes(stored.binaryblock) + raw[348:])[:cut]))

    return inject


def values(change: Callable[[np.ndarray], np.ndarray], name: str = T1):
    """Store other voxels on the same grid."""

    def inject(root: Path) -> None:
        old, affine = image(root, name)
        store(root, change(old), affine, name)

    return inject


def placed(change: Callable[[np.ndarray], np.ndarray], name: str = T1):
    """Store the same voxels in another place."""

    def inject(root: Path) -> None:
        old, affine = image(root, name)
        store(root, old, change(affine.copy()), name)

    return inject


def every(inject: Callable[..., Callable[[Path], None]], *args: object, **fields: object):
    """Do it to all files of the case."""

    def inject_all(root: Path) -> None:
        for kind in ("flair", "t1", "t1ce", "t2", "seg"):
            inject(*args, name=f"{CASE}_{kind}.nii.gz", **fields)(root)

    return inject_all


def flipped(raw: bytearray, place: int) -> None:
    raw[place] ^= 0x10


def replaced(make: Callable[[Path], object], name: str = T1):
    """Take a file away and put something else in its place."""

    def inject(root: Path) -> None:
        at(root, name).unlink()
        make(at(root, name))

    return inject


def png(path: Path) -> None:
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(path, format="PNG")


def loop(path: Path) -> None:
    path.symlink_to(path.with_suffix(".b"))
    path.with_suffix(".b").symlink_to(path)


def all_gone(root: Path) -> None:
    for path in (root / CASE).iterdir():
        path.unlink()
        path.symlink_to("nowhere")


def promise(path: Path) -> None:
    """A header of 2 GB, packed into less than a kilobyte."""
    huge = nib.Nifti1Header()
    huge.set_data_dtype(np.int16)
    huge.set_data_shape((1024, 1024, 1024))
    huge.set_sform(np.eye(4), 1)
    huge["vox_offset"], huge["magic"] = 352, b"n+1"
    path.write_bytes(gzip.compress(bytes(huge.binaryblock) + bytes(5000)))
    assert path.stat().st_size < 1024


def mha(text: str, *, suffix: str = ".mha"):
    """A header of ITK's in place of the scan."""

    def inject(root: Path) -> None:
        at(root).unlink()
        at(root, f"{CASE}_t1{suffix}").write_text(text)

    return inject


def other_name(root: Path) -> None:
    there = root / "BraTS20_Training_009"
    shutil.copytree(root / CASE, there)
    for path in there.iterdir():
        path.rename(path.with_name(path.name.replace("003", "009")))


def renamed(case: str):
    def inject(root: Path) -> None:
        for path in (root / CASE).iterdir():
            path.rename(path.with_name(path.name.replace(CASE, case)))
        (root / CASE).rename(root / case)

    return inject


def label_in_the_corner(root: Path) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[:3, :3, :3] = 2
    store(root, labels, image(root)[1], SEG)


def spread(affine: np.ndarray, factors: tuple[float, ...] = (3, 3, 3, 1)) -> np.ndarray:
    return affine @ np.diag(factors)


def from_above(affine: np.ndarray, way: int = 2, by: float = 7.0) -> np.ndarray:
    affine[way, 3] += by
    return affine


def tilted(affine: np.ndarray) -> np.ndarray:
    angle = np.radians(20)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ affine


def in_micrometres(root: Path) -> None:
    for kind in ("flair", "t1", "t1ce", "t2", "seg"):
        stored = nib.load(at(root, f"{CASE}_{kind}.nii.gz"))
        moved = nib.Nifti1Image(
            np.asarray(stored.dataobj), np.diag([1e3, 1e3, 1e3, 1]) @ stored.affine
        )
        moved.header.set_xyzt_units("micron")
        nib.save(moved, at(root, f"{CASE}_{kind}.nii.gz"))


def stored_otherwise(root: Path) -> None:
    for kind in ("flair", "t1", "t1ce", "t2", "seg"):
        path = at(root, f"{CASE}_{kind}.nii.gz")
        nib.save(nib.as_closest_canonical(nib.load(path)), path)


def half(raw: bytearray) -> bytes:
    return bytes(raw[: len(raw) // 2])


MHA = """ObjectType = Image
NDims = 3
DimSize = 20 18 15
ElementType = MET_SHORT
ElementSpacing = 1 1 2
"""

VOLUMES = [
    Fault("scan cut in half", bytes_of(half), "fault", "truncated or corrupt", T1),
    Fault("label cut in half", bytes_of(half, SEG), "fault", "truncated or corrupt", SEG),
    Fault("scan cut within its header", bytes_of(lambda raw: raw[:90]), "fault", "truncated", T1),
    Fault("voxels cut, stream whole", header(cut=3000), "fault", "truncated or corrupt", T1),
    Fault("a bit flipped in the stream", bytes_of(partial(flipped, place=2000)), "fault", "", T1),
    Fault(
        "a bit flipped in the checksum", bytes_of(partial(flipped, place=-6)), "fault", "CRC", T1
    ),
    Fault("empty file", bytes_of(lambda raw: b""), "fault", "the file is empty", T1),
    Fault("a PNG called nii.gz", replaced(png), "fault", "named .gz but not compressed", T1),
    Fault(
        "a page of an error, packed",
        bytes_of(lambda raw: gzip.compress(b"<html>404" * 99)),
        "fault",
        "not a NIfTI file",
        T1,
    ),
    Fault(
        "a text called nii.gz",
        replaced(lambda p: p.write_text("x" * 999)),
        "fault",
        "rename it",
        T1,
    ),
    Fault(
        "nii called nii.gz",
        bytes_of(gzip.decompress),
        "fault",
        "named .gz but not compressed",
        T1,
    ),
    Fault(
        "nii.gz called nii",
        lambda root: at(root).rename(at(root).with_suffix("")),
        "fault",
        "compressed but not named .gz",
        T1[:-3],
    ),
    Fault("2 GB promised in 1 KB", replaced(promise), "fault", "cannot hold them", T1),
    Fault("no mark of NIfTI", header(magic=b""), "fault", "its mark is missing", T1),
    Fault("negative size", header(dim=[3, -20, 18, 15, 1, 1, 1, 1]), "fault", "", T1),
    Fault("no slices", header(dim=[3, 20, 18, 0, 1, 1, 1, 1]), "fault", "not that of a volume", T1),
    Fault("nine axes", header(dim=[9, 20, 18, 15, 1, 1, 1, 1]), "fault", "", T1),
    Fault("unknown type of numbers", header(datatype=9999), "fault", "", T1),
    Fault("voxels within the header", header(vox_offset=64), "fault", "not a NIfTI file", T1),
    Fault(
        "colours for voxels",
        values(lambda v: np.zeros(v.shape, [("R", "u1"), ("G", "u1"), ("B", "u1")])),
        "fault",
        "colours, vectors or complex",
        T1,
    ),
    Fault(
        "complex voxels", values(lambda v: v.astype(np.complex64)), "fault", "complex numbers", T1
    ),
    Fault(
        "two volumes in one file",
        values(lambda v: np.stack([v, v], -1)),
        "fault",
        "holds 2 volumes",
        T1,
    ),
    Fault("one slice, two axes", values(lambda v: v[..., 0]), "fault", "not that of a volume", T1),
    Fault(
        "five axes",
        values(lambda v: np.stack([v] * 2, -1)[..., None, :]),
        "fault",
        "not that of a volume",
        T1,
    ),
    Fault(
        "label of four axes",
        values(lambda v: np.stack([v] * 2, -1), SEG),
        "fault",
        "is not one mask",
        SEG,
    ),
    Fault(
        "NaN voxels", values(lambda v: np.where(v > 99, np.nan, v)), "fault", "NaN or infinite", T1
    ),
    Fault(
        "infinite voxels",
        values(lambda v: np.where(v > 99, np.inf, v)),
        "fault",
        "NaN or infinite",
        T1,
    ),
    Fault("scan of zeros", values(np.zeros_like), "fault", "every voxel of t1 is zero", T1),
    Fault(
        "scan of one value",
        values(lambda v: np.full_like(v, 7)),
        "fault",
        "every voxel of t1 is 7",
        T1,
    ),
    Fault(
        "scan of another size",
        values(lambda v: v[..., :-1]),
        "fault",
        "has (20, 18, 14) voxels",
        T1,
    ),
    Fault("scan moved by 7 mm", placed(from_above), "fault", "shifted along k", T1),
    Fault("scan turned by 20 degrees", placed(tilted), "fault", "turned along i, j", T1),
    Fault(
        "scan of other slices",
        placed(partial(spread, factors=(1, 1, 1.5, 1))),
        "fault",
        "voxels of 1 x 1 x 3 mm where 1 x 1 x 2 mm, along k",
        T1,
    ),
    Fault(
        "two voxel sizes in a header",
        header(pixdim=[1, 9, 9, 9, 1, 1, 1, 1]),
        "fault",
        "of 9 x 9 x 9 mm",
        T1,
    ),
    Fault(
        "voxels of no size",
        header(pixdim=[1, 0, 1, 1, 1, 1, 1, 1], sform_code=0, qform_code=0),
        "fault",
        "no usable voxel size",
        T1,
    ),
    Fault(
        "voxels of negative size",
        header(pixdim=[1, -1, 1, 2, 1, 1, 1, 1], sform_code=0, qform_code=0),
        "fault",
        "no usable voxel size",
        T1,
    ),
    Fault(
        "voxels of NaN size",
        header(pixdim=[1, np.nan, 1, 2, 1, 1, 1, 1], sform_code=0, qform_code=0),
        "fault",
        "no usable voxel size",
        T1,
    ),
    Fault(
        "matrix of NaN", header(srow_x=[np.nan] * 4), "fault", "no usable voxel size or affine", T1
    ),
    Fault(
        "matrix that flattens",
        header(srow_x=[0, 0, 0, 0]),
        "fault",
        "no usable voxel size or affine",
        T1,
    ),
    Fault("a million kilometres away", header(srow_x=[-1, 0, 0, 1e12]), "fault", "no usable", T1),
    Fault(
        "label of fractions",
        values(lambda v: v * np.float32(0.6), SEG),
        "fault",
        "whole numbers",
        SEG,
    ),
    Fault(
        "probabilities for a label",
        values(lambda v: v / np.float32(4), SEG),
        "fault",
        "probabilities",
        SEG,
    ),
    Fault(
        "label with NaN",
        values(lambda v: np.where(v > 1, np.nan, v), SEG),
        "fault",
        "NaN or infinite",
        SEG,
    ),
    Fault(
        "label below zero",
        values(lambda v: v.astype(np.int16) - 1, SEG),
        "fault",
        "negative values",
        SEG,
    ),
    Fault(
        "label that no region has",
        values(lambda v: v + np.uint8(7), SEG),
        "fault",
        "in no region",
        SEG,
    ),
    Fault(
        "a scan for a label",
        values(lambda v: v * 40_000.0, SEG),
        "fault",
        "too large for a label",
        SEG,
    ),
    Fault(
        "label of another size",
        values(lambda v: v[:-1], SEG),
        "fault",
        "has (19, 18, 15) voxels",
        SEG,
    ),
    Fault("label moved by 7 mm", placed(from_above, SEG), "fault", "shifted along k", SEG),
    Fault(
        "label outside the head",
        label_in_the_corner,
        "warning",
        "lies around what the images show",
        SEG,
    ),
    Fault(
        "label turned inside out",
        values(lambda v: np.where(v, 0, 2).astype("u1"), SEG),
        "warning",
        "its corners too",
        SEG,
    ),
    Fault("empty label", values(np.zeros_like, SEG), "note", "is empty in 1 of 6 cases"),
    Fault(
        "case stored otherwise",
        stored_otherwise,
        "warning",
        "its axes run RAS where most of the set run LPS",
        T1,
    ),
    Fault("case of other voxels", every(placed, spread), "warning", "where the set's median", T1),
    Fault(
        "case of impossible voxels",
        every(placed, partial(spread, factors=(1e-3, 1e-3, 1e-3, 1))),
        "warning",
        "as no patient's scan has",
        T1,
    ),
    Fault("lengths in micrometres", in_micrometres, "note", "gives lengths in microns", T1),
    Fault(
        "stored as another type",
        values(lambda v: v.astype(np.float64)),
        "note",
        "stored as float64",
        T1,
    ),
    Fault(
        "two channels alike",
        lambda root: shutil.copy(at(root, f"{CASE}_t2.nii.gz"), at(root)),
        "warning",
        "holds the same voxels as t1",
        f"{CASE}_t2.nii.gz",
    ),
    Fault(
        "channel not registered",
        values(lambda v: np.roll(v, (7, 5), (0, 1))),
        "warning",
        "shares",
        T1,
    ),
    Fault(
        "one case under two names",
        other_name,
        "warning",
        "shows the same image as",
        "009_flair.nii.gz",
    ),
    Fault("channel missing", lambda root: at(root).unlink(), "fault", "lacks t1", CASE),
    Fault("label missing", lambda root: at(root, SEG).unlink(), "fault", "has no label file", CASE),
    Fault(
        "a file of no channel",
        lambda root: shutil.copy(at(root), at(root, f"{CASE}_pd.nii.gz")),
        "fault",
        "unknown modality",
        "_pd.nii.gz",
    ),
    Fault(
        "link to nowhere",
        replaced(lambda p: p.symlink_to("nowhere")),
        "fault",
        "a link to nowhere",
        T1,
    ),
    Fault("every file a link to nowhere", all_gone, "fault", "a link to nowhere", SEG),
    Fault("links in a circle", replaced(loop), "fault", "a link to", T1),
    Fault(
        "folder that links to itself",
        lambda root: (root / CASE / "again").symlink_to(root),
        "taken",
    ),
    Fault("folder called nii.gz", replaced(Path.mkdir), "fault", "lacks t1", CASE),
    Fault("a pipe called nii.gz", replaced(os.mkfifo), "fault", "lacks t1", CASE),
    Fault("names with accents and spaces", renamed("Größe 7 (zwei)"), "taken"),
    Fault(
        "ids that differ by capitals",
        lambda root: (other_name(root), renamed("BRATS20_training_009")(root)),
        "refused",
        "its files would be those of",
    ),
    Fault(
        "voxels in another folder",
        mha(MHA + "ElementDataFile = ../../secret.raw\n"),
        "fault",
        "not in one file beside it",
        "_t1.mha",
    ),
    Fault(
        "voxels that are not there",
        mha(MHA + "ElementDataFile = t1.raw\n", suffix=".mhd"),
        "fault",
        "t1.raw, which is not there",
        "_t1.mhd",
    ),
    Fault(
        "2 GB promised by an mha",
        mha(MHA.replace("20 18 15", "1024 1024 1024") + "ElementDataFile = LOCAL\n"),
        "fault",
        "cannot hold them",
        "_t1.mha",
    ),
    Fault(
        "a header of 99 axes",
        mha(MHA.replace("NDims = 3", "NDims = 99") + "ElementDataFile = LOCAL\n"),
        "fault",
        "dimensions",
        "_t1.mha",
    ),
]
