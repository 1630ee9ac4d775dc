import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inspire_med.imaging.run_lengths import fill, runs_of


def test_small_numbers_are_one_character_from_the_fourth_on_differences():
    assert runs_of("0123?") == [0, 1, 2, 3 + 1, 15 + 2]
    assert runs_of("555O") == [5, 5, 5, -1 + 5]


def test_the_sixth_bit_says_that_more_follow():
    assert runs_of("hb0") == [600]  # 24 + 18 x 32, and a last group without a sign
    assert runs_of("hb") is None


@pytest.mark.parametrize("text", ["garbage!!", "é", "h", " "])
def test_other_text_is_no_mask(text):
    assert not fill(text, (20, 30))


@pytest.mark.parametrize("counts", [[600], [0, 600], [10, 20, 570]])
def test_runs_that_make_up_the_picture_fill_it(counts):
    assert fill(counts, (20, 30))


@pytest.mark.parametrize("counts", [[], [599], [-1, 601], [300, 300.0], ["600"], "", "0"])
def test_other_runs_do_not(counts):
    assert not fill(counts, (20, 30))


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.integers(0, 1))
)
def test_reads_what_pycocotools_writes(mask):
    tools = pytest.importorskip("pycocotools.mask")
    text = tools.encode(np.asfortranarray(mask))["counts"].decode()

    runs = runs_of(text)

    drawn = np.repeat(np.arange(len(runs)) % 2, runs).reshape(mask.shape, order="F")
    assert (drawn == mask).all()
    assert fill(text, mask.shape)
