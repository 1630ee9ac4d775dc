import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.evaluation.grey_case import score_grey
from inspire_med.evaluation.protocols.polyp_pranet import POLYP_PRANET

MASK = np.array([[0, 1, 1], [0, 0, 1]], dtype=bool)
MAP = np.array([[0.0, 0.5, 0.3], [0.1, 0.25, 0.4]])  # stretched by 2: above 0.5 beyond 0.25


def scored(mask, grey):
    return score_grey(mask, grey, POLYP_PRANET)["polyp"]


def numbers(mask, grey):
    found = scored(mask, grey)
    return found.measures, found.sizes


def test_grey_of_8_bits_is_a_mask_above_128():
    grey_mask = np.array([[0, 129, 255], [128, 1, 200]], dtype=np.uint8)

    assert numbers(grey_mask, MAP) == numbers(MASK, MAP)


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float64])
def test_a_mask_of_zero_and_one_is_taken_as_it_is(kind):
    assert numbers(MASK.astype(kind), MAP) == numbers(MASK, MAP)


def test_a_map_of_8_bits_is_one_in_255ths():
    grey = np.array([[0, 255, 51], [102, 153, 204]], dtype=np.uint8)

    assert numbers(MASK, grey) == numbers(MASK, grey / 255)


def test_sizes_are_pixels_of_the_mask_and_of_the_stretched_map_above_a_half():
    assert scored(MASK, MAP).sizes == (3.0, 3.0)
    assert scored(MASK, MAP / 2).sizes == (3.0, 3.0)
    assert scored(MASK, np.where(MAP > 0.4, 1.0, 0.0)).sizes == (3.0, 1.0)


def test_the_whole_range_from_0_to_1_is_taken():
    assert scored(MASK, MASK.astype(float)).measures["mae"] == 0


@pytest.mark.parametrize("wrong", [-0.01, 1.01, float("nan")])
def test_refuses_values_that_are_no_probability(wrong):
    grey = MAP.copy()
    grey[0, 0] = wrong

    with pytest.raises(InputError, match="prediction: values from .* takes probabilities between"):
        scored(MASK, grey)


def test_refuses_a_reference_of_several_values():
    with pytest.raises(InputError, match="reference: holds values other than 0 and 1"):
        scored(2 * MASK.astype(np.int64), MAP)


@pytest.mark.parametrize(
    ("mask", "grey"), [(MASK, MAP[:, :2]), (MASK[None], MAP[None]), (MASK[:0], MAP[:0])]
)
def test_refuses_what_are_not_two_images_of_one_size(mask, grey):
    with pytest.raises(InputError, match="prediction: shape .* takes two images"):
        scored(mask, grey)
