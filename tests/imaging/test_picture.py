import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.imaging.picture import (
    picture_size,
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


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_refuses_what_exif_turns(tmp_path, suffix):
    image = Image.new("RGB", (4, 5))
    for orientation in (1, 6):
        image.getexif()[274] = orientation
        image.save(tmp_path / f"{orientation}{suffix}", exif=image.getexif())

    assert read_picture(tmp_path / f"1{suffix}").shape == (5, 4, 3)
    with pytest.raises(InputError, match="EXIF data turn or mirror it"):
        read_picture(tmp_path / f"6{suffix}")
