import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.imaging.grey_map import read_grey_map, read_official_mask
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.picture import (
    picture_size,
    read_index_image,
    read_mask_image,
    read_picture,
)


@pytest.fixture
def save(tmp_path):
    def write(name, array, mode=None):
        image = Image.fromarray(array)
        (image if mode is None else image.convert(mode)).save(tmp_path / name)
        return tmp_path / name

    return write


def test_reads_colour_as_height_width_rgb(save):
    picture = np.zeros((5, 9, 3), np.uint8)
    picture[1, 7] = (10, 20, 30)
    path = save("a.png", picture)

    assert picture_size(path) == (5, 9)
    np.testing.assert_array_equal(read_picture(path), picture)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_reads_other_modes_as_rgb(save, mode):
    path = save("a.png", np.full((5, 9, 3), 255, np.uint8), mode)

    assert read_picture(path).shape == (5, 9, 3)


def test_refuses_missing_empty_and_foreign_files(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "page.jpg").write_text("<html>not found</html>")

    with pytest.raises(InputError, match=r"no\.jpg: no such file"):
        read_picture(tmp_path / "no.jpg")
    with pytest.raises(InputError, match=r"empty\.jpg: the file is empty"):
        read_picture(tmp_path / "empty.jpg")
    with pytest.raises(InputError, match=r"page\.jpg: not a readable image"):
        read_picture(tmp_path / "page.jpg")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_refuses_a_truncated_image(save, suffix):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    path = save(f"cut{suffix}", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(InputError, match=rf"cut\{suffix}: not a readable image .*; fetch"):
        read_picture(path)


def test_refuses_a_header_of_too_many_pixels_before_decoding(tmp_path):
    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", 12000, 12000, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(png)

    with pytest.raises(InputError, match=r"bomb\.png: 12000 x 12000 pixels are more than"):
        read_picture(tmp_path / "bomb.png")


def test_refuses_more_than_8_bits(tmp_path):
    Image.fromarray(np.full((4, 5), 40_000, np.uint16)).save(tmp_path / "deep.png")

    with pytest.raises(InputError, match=r"deep\.png: has more than 8 bits a colour"):
        read_picture(tmp_path / "deep.png")


def picture(path, pixels, mode=None):
    image = Image.fromarray(np.asarray(pixels, dtype=np.uint8))
    (image.convert(mode) if mode else image).save(path)
    return path


def test_is_binarised_at_128(tmp_path):
    # a rim of JPEG noise and half tones: foreground begins at 128
    found = read_labels(picture(tmp_path / "a.png", [[0, 12, 250, 255] * 5 + [127, 128]]))

    assert found.labels.tolist() == [[0, 0, 1, 1] * 5 + [0, 1]]
    assert found.spacing_mm == (1.0, 1.0)
    assert found.note == ""


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1"])
def test_a_black_and_white_mask_may_be_stored_in_any_mode(tmp_path, mode):
    found = read_labels(picture(tmp_path / "a.png", [[0, 255], [255, 0]], mode))

    assert found.labels.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("value", [1, 100])
def test_a_dark_mask_of_two_values_is_taken_and_said(tmp_path, value):
    found = read_labels(picture(tmp_path / "a.png", [[0, value], [0, 0]]))

    assert found.labels.tolist() == [[0, 1], [0, 0]]
    assert f"holds only 0 and {value}" in found.note


def test_half_bright_foreground_is_foreground(tmp_path):
    found = read_labels(picture(tmp_path / "a.png", [[0, 128], [0, 128]]))

    assert found.labels.tolist() == [[0, 1], [0, 1]]
    assert found.note == ""


def test_a_black_mask_is_empty(tmp_path):
    found = read_labels(picture(tmp_path / "a.png", np.zeros((3, 3))))

    assert not found.labels.any()
    assert found.note == ""


def test_refuses_class_numbers(tmp_path):
    with pytest.raises(InputError, match="a.png: several .* brightest 2, .*name the region"):
        read_labels(picture(tmp_path / "a.png", [[0, 1, 2]]))


def test_refuses_a_palette_of_colours(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "P")
    image.putpalette([0, 0, 0, 128, 0, 0])
    image.save(tmp_path / "a.png")

    with pytest.raises(InputError, match="a.png: a colour picture, not a mask.* in its palette"):
        read_labels(tmp_path / "a.png")


def test_refuses_a_colour_picture(tmp_path):
    pixels = np.zeros((4, 4, 3))
    pixels[..., 0] = 255

    with pytest.raises(InputError, match="a.png: a colour picture, not a mask"):
        read_labels(picture(tmp_path / "a.png", pixels))


def test_refuses_probabilities(tmp_path):
    with pytest.raises(InputError, match="pixels are grey, probabilities or a photograph"):
        read_labels(picture(tmp_path / "a.png", np.arange(256).reshape(16, 16)))


def test_refuses_sixteen_bits(tmp_path):
    Image.fromarray(np.full((4, 4), 60000, dtype=np.uint16)).save(tmp_path / "a.png")

    with pytest.raises(InputError, match=r"a.png: stored as (uint16|int32); give an 8-bit"):
        read_labels(tmp_path / "a.png")


def test_refuses_a_truncated_picture(tmp_path):
    rng = np.random.default_rng(0)
    path = picture(tmp_path / "a.png", rng.integers(0, 2, (64, 64)) * 255)
    path.write_bytes(path.read_bytes()[:200])

    with pytest.raises(InputError, match=r"a.png: not a readable image"):
        read_labels(path)


def drawn(path, colour, alpha, mode="RGBA"):
    """A picture of a colour or greys, (height, width), behind an alpha channel."""
    pixels = np.full((*np.shape(alpha), 4), 255, np.uint8)
    pixels[..., :3] = np.asarray(colour)[..., None] if np.ndim(colour) == 2 else colour
    pixels[..., 3] = alpha
    image = Image.fromarray(pixels)
    if mode == "P":  # two places of one colour, the second one transparent
        image = Image.fromarray((np.asarray(alpha) == 0).astype(np.uint8), "P")
        image.putpalette([*pixels[0, 0, :3]] * 2)
        image.info["transparency"] = b"\xff\x00"
    (image if mode in ("RGBA", "P") else image.convert(mode)).save(path)
    return path


ALPHA = [[0, 255, 0], [255, 255, 0]]


@pytest.mark.parametrize("colour", [255, 0, 90])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_an_alpha_channel_that_alone_varies_is_the_mask(tmp_path, mode, colour):
    path = drawn(tmp_path / "a.png", colour, ALPHA, mode)

    mask, note = read_mask_image(path)
    official, said = read_official_mask(path)
    grey = read_grey_map(path)

    assert mask.tolist() == [[0, 1, 0], [1, 1, 0]]
    assert official.tolist() == [[False, True, False], [True, True, False]]
    assert grey.values.tolist() == [[0, 1, 0], [1, 1, 0]]
    assert note == said == grey.note
    assert note == "a.png: only its alpha channel varies; it is taken as the mask."


def test_an_alpha_channel_that_shows_nothing_is_an_empty_mask(tmp_path):
    assert not read_mask_image(drawn(tmp_path / "a.png", 255, np.zeros((2, 3))))[0].any()


@pytest.mark.parametrize(("colour", "mask"), [(255, 1), (0, 0)])
def test_without_transparency_one_colour_is_all_or_nothing(tmp_path, colour, mask):
    found, note = read_mask_image(drawn(tmp_path / "a.png", colour, np.full((2, 3), 255)))

    assert (found == mask).all()
    assert note == ""


@pytest.mark.parametrize("alpha", [ALPHA, [[255] * 3] * 2, [[0] * 3] * 2, [[250, 255, 251]] * 2])
@pytest.mark.parametrize("white", [255, 1])
def test_an_alpha_channel_that_says_the_same_or_nothing_changes_nothing(tmp_path, alpha, white):
    path = drawn(tmp_path / "a.png", np.array(ALPHA) // 255 * white, alpha)

    assert read_mask_image(path)[0].tolist() == [[0, 1, 0], [1, 1, 0]]
    assert "alpha" not in read_mask_image(path)[1]


def test_refuses_colours_and_transparency_that_tell_two_masks(tmp_path):
    path = drawn(tmp_path / "a.png", ALPHA, [[255, 255, 0], [255, 255, 0]])

    for read in (read_mask_image, read_official_mask, read_grey_map):
        with pytest.raises(InputError, match=r"a\.png: its colours and its transparency tell two"):
            read(path)


def test_a_soft_alpha_channel_is_divided_as_grey_is(tmp_path):
    path = drawn(tmp_path / "a.png", 255, [[0, 127, 128, 255] + [0] * 20])

    assert read_mask_image(path)[0].tolist() == [[0, 0, 1, 1] + [0] * 20]
    assert read_official_mask(path)[0].tolist() == [[False, False, False, True] + [False] * 20]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize(
    "read", [read_picture, read_mask_image, read_official_mask, read_grey_map, read_index_image]
)
def test_refuses_what_exif_turns(tmp_path, suffix, read):
    image = Image.new("L", (4, 5))
    for orientation in (1, 6):
        image.getexif()[274] = orientation
        image.save(tmp_path / f"{orientation}{suffix}", exif=image.getexif())

    read(tmp_path / f"1{suffix}")
    with pytest.raises(InputError, match=rf"6\{suffix}: its EXIF data turn or mirror it"):
        read(tmp_path / f"6{suffix}")


def test_says_nothing_of_a_tag_that_cannot_be_read(tmp_path):
    described = tmp_path / "a.tif"
    Image.new("L", (9, 5), 255).save(described, description="made in a hurry")
    entry = struct.pack("<HHI", 270, 2, 16)  # ImageDescription: 16 characters, somewhere
    raw = described.read_bytes()
    assert entry in raw
    described.write_bytes(raw.replace(entry, struct.pack("<HHI", 270, 2, 2**20)))

    assert read_mask_image(described)[0].all()
