import numpy as np
import pytest
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.imaging.labels import read_labels


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
    with pytest.raises(InputError, match="a.png: several values, the brightest 2"):
        read_labels(picture(tmp_path / "a.png", [[0, 1, 2]]))


def test_refuses_a_palette_of_colours(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "P")
    image.putpalette([0, 0, 0, 128, 0, 0])
    image.save(tmp_path / "a.png")

    with pytest.raises(InputError, match="a.png: a colour picture, not a mask"):
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
