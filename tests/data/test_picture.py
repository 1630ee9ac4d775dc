import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from inspire_med.data.picture import (
    picture_size,
    read_mask,
    read_picture,
    write_grey_picture,
)
from inspire_med.errors import InputError


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


@pytest.mark.parametrize("white", [1, 128, 200, 255])
def test_mask_values_0_and_white_are_foreground(save, white):
    array = np.zeros((6, 6), np.uint8)
    array[2:4, 2:4] = white

    assert read_mask(save("m.png", array)).sum() == 4


def test_grey_rim_below_128_is_background(save):
    array = np.zeros((20, 20), np.uint8)
    array[5:15, 5:15] = 20  # the dark border that JPEG left on released masks
    array[6:14, 6:14] = 255

    assert read_mask(save("m.png", array)).sum() == 64


def test_one_bit_and_empty_masks_are_masks(save):
    assert read_mask(save("one.png", np.full((4, 4), 255, np.uint8), "1")).sum() == 16
    assert read_mask(save("none.png", np.zeros((4, 4), np.uint8))).sum() == 0


def test_refuses_a_photograph_as_mask(save):
    grey = np.tile(np.arange(256, dtype=np.uint8), (20, 1))

    with pytest.raises(InputError, match=r"m\.png: 49% of its pixels are grey, so it is no mask"):
        read_mask(save("m.png", grey))


def test_refuses_a_dark_mask_of_many_values(save):
    with pytest.raises(InputError, match="its brightest pixel is 3 and it holds 4 values"):
        read_mask(save("m.png", np.array([[0, 1], [2, 3]], np.uint8)))


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


def test_written_grey_values_come_back(tmp_path):
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)

    write_grey_picture(tmp_path / "g.png", grey)

    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "g.png")), grey)
