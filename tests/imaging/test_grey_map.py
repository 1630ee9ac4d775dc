import numpy as np
import pytest
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.imaging.grey_map import (
    GreyMap,
    fitted,
    read_grey_map,
    read_official_mask,
)


def picture(path, pixels, dtype=np.uint8, mode=None):
    image = Image.fromarray(np.asarray(pixels, dtype=dtype))
    (image.convert(mode) if mode else image).save(path)
    return path


class TestGreyMap:
    def test_levels_of_8_bits_are_parts_of_255(self, tmp_path):
        found = read_grey_map(picture(tmp_path / "a.png", [[0, 51, 102], [153, 204, 255]]))

        assert found.values.dtype == np.float64
        assert (found.values == np.array([[0, 51, 102], [153, 204, 255]]) / 255).all()
        assert found.note == ""

    def test_levels_of_16_bits_are_parts_of_65535(self, tmp_path):
        found = read_grey_map(picture(tmp_path / "a.png", [[0, 257], [1000, 65535]], np.uint16))

        assert (found.values == np.array([[0, 257], [1000, 65535]]) / 65535).all()

    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
    def test_a_grey_picture_may_be_stored_in_any_mode(self, tmp_path, mode):
        found = read_grey_map(picture(tmp_path / "a.png", [[0, 100], [200, 255]], mode=mode))

        assert (found.values == np.array([[0, 100], [200, 255]]) / 255).all()
        assert found.note == ""

    def test_a_bitmap_is_0_and_1(self, tmp_path):
        assert read_grey_map(picture(tmp_path / "a.png", [[0, 255]], mode="1")).values.tolist() == [
            [0, 1]
        ]

    @pytest.mark.parametrize(
        ("values", "thresholded"),
        [([0, 255], True), ([9, 200], True), ([0, 1, 255], False), ([0, 0], False)],
    )
    @pytest.mark.parametrize("kind", [np.uint8, np.uint16])
    def test_two_values_alone_are_those_of_a_mask(self, tmp_path, values, thresholded, kind):
        path = picture(tmp_path / "a.png", [values], kind)

        assert read_grey_map(path).thresholded is thresholded

    def test_of_a_colour_picture_the_first_channel_is_taken_and_said(self, tmp_path):
        found = read_grey_map(picture(tmp_path / "a.png", [[[255, 0, 0], [51, 9, 200]]]))

        assert found.values.tolist() == [[1, 0.2]]
        assert found.note == "a.png: a colour picture; its first channel is taken."

    def test_refuses_decimal_numbers(self, tmp_path):
        path = picture(tmp_path / "a.tif", [[0.1, 0.9]], np.float32)

        with pytest.raises(InputError, match="a.tif: stored with pixels of kind F"):
            read_grey_map(path)

    def test_refuses_whole_numbers_beyond_16_bits(self, tmp_path):
        path = picture(tmp_path / "a.tif", [[0, 70000]], np.int32)

        with pytest.raises(InputError, match="a.tif: values beyond 16 bits"):
            read_grey_map(path)

    def test_refuses_what_is_no_image(self, tmp_path):
        (tmp_path / "a.png").write_text("no image")

        with pytest.raises(InputError, match="a.png: not a readable image"):
            read_grey_map(tmp_path / "a.png")


class TestOfficialMask:
    @pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA"])
    def test_foreground_begins_above_128(self, tmp_path, mode):
        mask, note = read_official_mask(
            picture(tmp_path / "a.png", [[0, 127, 128, 129, 255] + [0] * 40], mode=mode)
        )

        assert mask.tolist() == [[False, False, False, True, True] + [False] * 40]
        assert note == ""

    @pytest.mark.parametrize("value", [1, 128])
    def test_a_dark_mask_becomes_empty_and_is_named(self, tmp_path, value):
        mask, note = read_official_mask(picture(tmp_path / "a.png", [[0, value], [value, 0]]))

        assert not mask.any()
        assert note.startswith(f"a.png: its brightest value is {value}; foreground begins above")

    def test_a_black_mask_is_empty_by_itself(self, tmp_path):
        mask, note = read_official_mask(picture(tmp_path / "a.png", [[0, 0]]))

        assert not mask.any()
        assert note == ""

    def test_a_bitmap_is_taken_as_it_is(self, tmp_path):
        mask, _ = read_official_mask(picture(tmp_path / "a.png", [[0, 255]], mode="1"))

        assert mask.tolist() == [[False, True]]

    def test_colours_become_grey_by_their_brightness(self, tmp_path):
        pixels = [[[255, 255, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]]  # 226, 76, 150, 29
        pixels[0] += [[0, 0, 0]] * 40

        mask, _ = read_official_mask(picture(tmp_path / "a.png", pixels))

        assert mask[0, :4].tolist() == [True, False, True, False]

    def test_refuses_a_map_in_place_of_a_mask(self, tmp_path):
        path = picture(tmp_path / "a.png", np.arange(256).reshape(16, 16))

        with pytest.raises(InputError, match="a.png: 49% of its pixels are grey.*exchanged"):
            read_official_mask(path)

    def test_refuses_16_bits(self, tmp_path):
        path = picture(tmp_path / "a.png", [[0, 65535]], np.uint16)

        with pytest.raises(InputError, match="a.png: stored with pixels of kind I"):
            read_official_mask(path)

    @pytest.mark.parametrize("kind", [np.uint8, np.uint16])
    def test_a_map_is_called_by_its_file(self, tmp_path, kind):
        path = picture(tmp_path / "a.png", [[0, 200]], kind)

        assert read_grey_map(path).name == str(path)


class TestFitted:
    def test_a_fitting_map_comes_back_as_it_is(self):
        grey = GreyMap(np.eye(3), "a.png")

        assert fitted(grey, (3, 3)) is grey

    def test_enlarging_is_bilinear_between_pixel_centres(self):
        # four pixels where two were: centres at 1/4, 3/4, 5/4, 7/4 of the old ones at 1/2 and 3/2
        found = fitted(GreyMap(np.array([[0.0, 1.0]]), "a.png"), (1, 4))

        assert found.values == pytest.approx(np.array([[0, 0.25, 0.75, 1]]), abs=1e-7)
        assert found.note == "a.png: resized from 1x2 to 1x4, bilinear."

    def test_shrinking_averages(self):
        checks = np.indices((64, 64)).sum(axis=0) % 2.0

        found = fitted(GreyMap(checks, "a.png"), (8, 8))

        assert found.values == pytest.approx(np.full((8, 8), 0.5), abs=0.02)

    def test_even_levels_keep_their_level(self):
        # a threshold divides them: a last digit less would lose a level
        for level in range(256):
            found = fitted(GreyMap(np.full((5, 4), level / 255), "a.png"), (9, 7))

            assert (found.values == level / 255).all()

    def test_stays_between_0_and_1_and_keeps_earlier_notes(self):
        grey = GreyMap(np.random.default_rng(0).random((11, 7)), "x/a.png", "Said before.")

        found = fitted(grey, (20, 30))

        assert found.values.shape == (20, 30)
        assert found.values.min() >= 0
        assert found.values.max() <= 1
        assert found.note == "Said before. a.png: resized from 11x7 to 20x30, bilinear."
