"""Whatever stands in a file: a reader gives what it says, or one sentence that names the file."""

import gzip
import tracemalloc
import warnings
from contextlib import contextmanager

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from examples import costly
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.imaging.grey_map import read_grey_map
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.picture import (
    picture_size,
    read_index_image,
    read_mask_image,
    read_picture,
)
from inspire_med.imaging.probabilities import read_probabilities
from inspire_med.imaging.volume import count_components, read_grid, read_volume

VOLUMES = ("nii", "nii.gz", "nifti2.nii", "hdr", "mha", "packed.mha", "mhd", "nrrd", "packed.nrrd")
PICTURES = ("L.png", "P.png", "1.png", "LA.png", "RGBA.png", "I;16.png", "RGB.jpg", "CMYK.jpg",
            "L.tif", "RGB.tif", "lzw.tif", "jpeg.tif", "L.bmp", "P.bmp")  # fmt: skip
HELD = 2**26  # bytes: many times what any of these small volumes could hold


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Bytes of a sound file of each kind, by its name's end; of pairs, those of the header."""
    folder = tmp_path_factory.mktemp("sound")
    labels = (np.arange(60).reshape(5, 4, 3) % 4).astype(np.uint8)
    affine = np.diag([-1.0, 2.0, 3.0, 1.0])
    nib.save(nib.Nifti1Image(labels, affine), folder / "a.nii")
    nib.save(nib.Nifti1Image(labels, affine), folder / "a.nii.gz")
    nib.save(nib.Nifti2Image(labels, affine), folder / "a.nifti2.nii")
    nib.save(nib.Nifti1Pair(labels, affine), folder / "a.hdr")
    for name in ("a.mha", "a.mhd", "a.nrrd"):
        sitk.WriteImage(sitk.GetImageFromArray(labels), folder / name)
    for name in ("a.packed.mha", "a.packed.nrrd"):
        sitk.WriteImage(sitk.GetImageFromArray(labels), folder / name, useCompression=True)
    disc = Image.fromarray((np.hypot(*np.mgrid[-8:8, -9:9]) < 5).astype(np.uint8) * 255)
    for name in PICTURES:
        mode = name.split(".")[0]
        if mode in ("lzw", "jpeg"):
            disc.save(folder / f"a.{name}", compression=f"tiff_{mode}")
        else:
            disc.convert(mode).save(folder / f"a.{name}")
    return folder


odd_numbers = st.one_of(
    st.integers(-(2**15), 2**15),
    st.sampled_from((1e-30, 1e30, 0.5, np.nan, np.inf, -np.inf, 0, 1, 2, 4, 8, 16, 64, 256, 512)),
)
words = st.one_of(
    odd_numbers.map(lambda number: str(number).encode()),
    st.sampled_from((b"", b"LOCAL", b"a.raw", b"../a.raw", b"LIST", b"gzip", b"raw", b"ascii",
                     b"True", b"False", b"(1,0,0)", b"MET_DOUBLE", b"double", b"none", b"little",
                     b"left-posterior-superior", b"1e999", b"99999999999999999999")),
    st.binary(max_size=6),
)  # fmt: skip


@st.composite
def damages(draw):
    """Bytes of a file overwritten, mostly in its header, cut out, put in or cut off."""
    where = st.one_of(st.integers(0, 352), st.integers(0, 2000))
    edits = st.tuples(st.sampled_from("owxi"), where, st.binary(min_size=1, max_size=8))
    return draw(st.lists(edits, min_size=1, max_size=4)), draw(st.booleans())


def damaged(raw, edits):
    for kind, place, text in edits:
        at = place % (len(raw) + 1)
        kept = {"o": at + len(text), "w": at + len(text), "x": at + len(text), "i": at}[kind]
        raw = raw[:at] + (b"" if kind == "x" else text) + raw[kept:]
    return raw


def spoil(sound, folder, name, damage):
    """A spoiled copy of a sound file; what stands in another file beside it is kept."""
    edits, cut = damage
    path = folder / f"a.{name}"
    raw = (sound / path.name).read_bytes()
    inside = name.endswith(".gz") and cut  # under the compression, or in it
    raw = gzip.compress(damaged(gzip.decompress(raw), edits)) if inside else damaged(raw, edits)
    path.write_bytes(raw[: edits[0][1]] if cut and not inside else raw)
    for beside in ("a.img", "a.raw"):
        (folder / beside).write_bytes((sound / beside).read_bytes())
    return path


def ask(reader, path):
    """What a reader gives; None where it refuses in one sentence that names the file."""
    try:
        with warnings.catch_warnings(action="error"):
            return reader(path)
    except InputError as error:
        message = str(error)
        assert str(path) in message
        assert "\n" not in message
        assert message.endswith((".", "?"))
        return None


@contextmanager
def within_memory():
    """Not asked of pictures: Pillow sets aside what a part of a PNG claims to hold, unfilled."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < HELD
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("spoiled")


@pytest.mark.parametrize("name", VOLUMES)
@costly
@given(damage=damages())
def test_any_volume_is_read_or_refused(sound, folder, name, damage):
    check_volume(spoil(sound, folder, name, damage))


@given(
    image=st.sampled_from((nib.Nifti1Image, nib.Nifti2Image)),
    fields=st.lists(
        st.tuples(st.sampled_from(nib.Nifti1Header().keys()), st.integers(0, 7), odd_numbers),
        max_size=4,
    ),
)
def test_any_nifti_header_is_believed_or_refused(folder, image, fields):
    labels, path = (np.arange(60).reshape(5, 4, 3) % 4).astype(np.uint8), folder / "header.nii"
    header = image(labels, np.eye(4)).header
    header.set_data_offset(header.sizeof_hdr + 4)
    for name, place, value in fields:
        if name in header and header[name].dtype.kind in "iuf":
            change(header, name, place, value)
    path.write_bytes(header.binaryblock + bytes(4) + labels.tobytes(order="F"))

    check_volume(path)


def change(header, name, place, value):
    """Write a number into a field, or into one place of it, as its type takes it."""
    field = header[name]
    with np.errstate(all="ignore"):
        number = np.float64(value).astype(field.dtype)
    if field.ndim:
        field[place % field.size] = number
    else:
        header[name] = number


@pytest.mark.parametrize("name", ["mha", "mhd", "nrrd", "packed.mha", "packed.nrrd"])
@costly
@given(edits=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9), words), max_size=3))
def test_any_text_of_a_header_is_believed_or_refused(sound, folder, name, edits):
    path = folder / f"words.{name}"
    lines = (sound / f"a.{name}").read_bytes().split(b"\n")
    ends = next(at for at, line in enumerate(lines) if line in (b"", b"\r") or b"DataFile" in line)
    for number, place, word in edits:
        key, *values = lines[number % (ends + 1)].split(b" ")
        if values:
            values[place % len(values)] = word
        lines[number % (ends + 1)] = b" ".join([key, *values])
    path.write_bytes(b"\n".join(lines))
    (folder / "a.raw").write_bytes((sound / "a.raw").read_bytes())

    check_volume(path)


def check_volume(path):
    with within_memory():
        grid, volume, labels = ask(read_grid, path), ask(read_volume, path), ask(read_labels, path)
        ask(count_components, path)
        ask(lambda path: read_probabilities(path, ["a"]), path)

    if volume is not None:
        assert volume.values.shape == volume.grid.shape == grid.shape
        assert np.isfinite(volume.values).all()
        assert np.isfinite(grid.affine).all()
    if labels is not None:
        assert labels.labels.dtype.kind == "u"
        assert min(labels.spacing_mm) >= 0


@pytest.mark.parametrize("name", PICTURES)
@costly
@given(damage=damages())
def test_any_picture_is_read_or_refused(sound, folder, name, damage):
    path = spoil(sound, folder, name, damage)

    size, picture = ask(picture_size, path), ask(read_picture, path)
    mask, classes = ask(read_mask_image, path), ask(read_index_image, path)
    ask(lambda path: read_probabilities(path, ["a"]), path)
    ask(read_grey_map, path)

    if picture is not None:
        assert picture.dtype == np.uint8
        assert picture.shape == (*size, 3)
    if mask is not None:
        assert mask[0].shape == size
        assert set(np.unique(mask[0])) <= {0, 1}
    if classes is not None:
        assert classes.shape == size
