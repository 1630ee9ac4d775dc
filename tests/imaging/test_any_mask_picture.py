"""One black-and-white mask is the same mask, however Pillow stores it."""

import numpy as np
import pytest
from examples import costly
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.imaging.grey_map import read_official_mask
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.picture import picture_size, read_index_image, read_picture

masks = arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9)))
STORED = {
    "png": ("1", "L", "P", "RGB", "RGBA", "LA"),
    "tif": ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr"),
    "bmp": ("1", "L", "P", "RGB"),
}
WAYS = [(mode, suffix) for suffix, modes in STORED.items() for mode in modes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("masks")


@pytest.mark.parametrize(("mode", "suffix"), WAYS)
@costly
@given(mask=masks)
def test_the_mode_does_not_matter(folder, mode, suffix, mask):
    path = folder / f"{mode}.{suffix}"
    Image.fromarray(mask.astype(np.uint8) * 255).convert(mode).save(path)

    assert picture_size(path) == mask.shape
    assert (read_labels(path).labels == mask).all()
    assert (read_official_mask(path)[0] == mask).all()
    assert ((read_picture(path) > 127) == mask[..., np.newaxis]).all()


@given(mask=masks, white=st.integers(1, 255), mode=st.sampled_from(("L", "RGB", "RGBA")))
def test_any_one_value_beside_black_is_foreground(folder, mask, white, mode):
    path = folder / "dark.png"
    Image.fromarray(mask.astype(np.uint8) * np.uint8(white)).convert(mode).save(path)

    assert (read_labels(path).labels == mask).all()


@given(mask=masks, mode=st.sampled_from(("LA", "RGBA")), colour=st.integers(0, 255))
def test_a_mask_in_alpha_alone_is_that_mask(folder, mask, mode, colour):
    assume(not mask.all())
    path = folder / "alpha.png"
    picture = Image.new(mode, mask.shape[::-1], (colour,) * (len(mode) - 1))
    picture.putalpha(Image.fromarray(mask.astype(np.uint8) * 255))
    picture.save(path)

    assert (read_labels(path).labels == mask).all()


@given(
    mask=masks,
    tag=st.integers(0, 9),
    suffix=st.sampled_from(("png", "jpg", "tif")),
)
def test_no_tag_turns_a_mask_unsaid(folder, mask, tag, suffix):
    path = folder / f"turned.{suffix}"
    exif = Image.Exif()
    exif[274] = tag
    Image.fromarray(mask.astype(np.uint8) * 255).save(path, exif=exif, quality=100)

    if tag == 1:
        assert (read_labels(path).labels == mask).all()
    else:
        with pytest.raises(InputError, match="upright"):
            read_labels(path)


@given(
    classes=arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))),
    mode=st.sampled_from(("L", "P", "RGB")),
    suffix=st.sampled_from(("png", "tif", "bmp")),
    colours=st.binary(min_size=768, max_size=768),
)
def test_classes_are_grey_values_or_places_in_any_palette(folder, classes, mode, suffix, colours):
    path = folder / f"classes.{suffix}"
    picture = Image.fromarray(classes)
    if mode == "P":
        picture.putpalette(list(colours))
    else:
        picture = picture.convert(mode)
    picture.save(path)

    assert (read_index_image(path) == classes).all()
    assert (read_labels(path, {0, 1, 2}).labels == classes).all()
