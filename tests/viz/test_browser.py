"""The widgets show what they say, without a browser."""

import io

import numpy as np
import pytest
from PIL import Image

from inspire_med.viz import slice_browser, slice_figure
from inspire_med.viz.planes import upright

widgets = pytest.importorskip("ipywidgets")
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def case(number):
    """A volume with most of its mask in slice `number` of the file's k, and 2 of j."""
    mask = np.zeros((1, 12, 10, 8), dtype=bool)
    mask[0, 3:8, 3:7, number] = True
    mask[0, 3, 2, :] = True
    image = np.random.default_rng(number).normal(size=(1, 12, 10, 8))
    return upright(image, {"reference": mask, "prediction": mask}, (1, 1, 2), LPS)


CASES = {"a": case(2), "b": case(6)}


def read(name, channel):
    read.asked.append((name, channel))
    return CASES[name]


@pytest.fixture
def browser():
    read.asked = []
    return slice_browser(list(CASES), read, ["tumour"], ["flair", "t1"])


def part(browser, description):
    return next(each for each in browser.children if each.description == description)


def shown(browser):
    return np.asarray(Image.open(io.BytesIO(browser.children[-1].value)))


def drawn(name, plane, number):
    file = io.BytesIO()
    slice_figure(CASES[name], ["tumour"], plane, number, title=name).savefig(file, format="png")
    return np.asarray(Image.open(file))


def test_begins_where_the_first_case_has_most(browser):
    assert part(browser, "slice").value == 2
    assert part(browser, "slice").max == 7
    np.testing.assert_array_equal(shown(browser), drawn("a", "axial", 2))


def test_the_slider_goes_to_a_slice(browser):
    part(browser, "slice").value = 5

    np.testing.assert_array_equal(shown(browser), drawn("a", "axial", 5))


def test_another_plane_or_case_begins_where_it_has_most(browser):
    part(browser, "plane").value = "coronal"

    assert part(browser, "slice").max == 9
    np.testing.assert_array_equal(
        shown(browser), drawn("a", "coronal", part(browser, "slice").value)
    )

    part(browser, "plane").value = "axial"
    part(browser, "case").value = "b"

    assert part(browser, "slice").value == 6
    np.testing.assert_array_equal(shown(browser), drawn("b", "axial", 6))


def test_another_channel_is_read_and_the_slice_stays(browser):
    part(browser, "slice").value = 4
    read.asked = []

    part(browser, "channel").value = "t1"

    assert read.asked == [("a", "t1")]
    assert part(browser, "slice").value == 4


def test_pictures_have_a_choice_of_cases_alone():
    flat = upright(
        np.zeros((3, 20, 30), np.uint8), {"prediction": np.ones((1, 20, 30))}, (1, 1), None
    )

    browser = slice_browser(["a", "b"], lambda *_: flat, ["polyp"])

    assert [type(each) for each in browser.children] == [widgets.Dropdown, widgets.Image]
    before = browser.children[-1].value
    part(browser, "case").value = "b"
    assert browser.children[-1].value != before
