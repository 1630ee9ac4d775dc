"""A slice is the one asked for, and its contours lie on the masks' borders."""

import numpy as np
import pytest

from inspire_med.viz import slice_figure
from inspire_med.viz.planes import in_file, slice_count, upright

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def square(shape=(40, 60)):
    mask = np.zeros((1, *shape), dtype=bool)
    mask[0, 10:20, 30:50] = True
    return mask


def outlines(figure):
    """The corners of every contour, by the style of its line, in pixels of the picture."""
    return {
        each.get_linestyle()[0][1] is None: each.get_paths()[0].vertices
        for each in figure.axes[0].collections
    }


def test_contours_enclose_the_masks_reference_solid_prediction_dashed():
    image = np.zeros((3, 40, 60), dtype=np.uint8)
    reference, prediction = square(), np.roll(square(), 5, axis=2)

    figure = slice_figure(
        upright(image, {"reference": reference, "prediction": prediction}, (1, 1), None), ["polyp"]
    )

    solid, dashed = (outlines(figure)[is_solid] for is_solid in (True, False))
    scale = 480 / 60  # pixels of the panel a pixel of the image
    for corners, left in ((solid, 30), (dashed, 35)):
        expected = np.array([[left, 10], [left + 20, 20]]) * scale - 0.5
        np.testing.assert_allclose(corners.min(axis=0), expected[0], atol=0.01)
        np.testing.assert_allclose(corners.max(axis=0), expected[1], atol=0.01)
    assert [axes.get_title() for axes in figure.axes] == ["contours", "errors"]


def test_an_outline_closes_at_the_border_of_the_picture():
    everywhere = np.ones((1, 4, 6), dtype=bool)

    figure = slice_figure(
        upright(np.zeros((1, 4, 6)), {"prediction": everywhere}, (1, 1), None), ["all"]
    )

    (corners,) = outlines(figure).values()
    np.testing.assert_allclose(corners.min(axis=0), [-0.5, -0.5])
    np.testing.assert_allclose(corners.max(axis=0), [479.5, 319.5])


def test_without_a_reference_there_is_no_error_map():
    case = upright(np.zeros((1, 40, 60)), {"prediction": square()}, (1, 1), None)

    figure = slice_figure(case, ["polyp"], title="a case")

    assert [axes.get_title() for axes in figure.axes] == ["contours"]
    assert figure.get_suptitle() == "a case"
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["polyp", "prediction"]


def test_a_region_that_is_not_in_the_slice_has_no_contour():
    masks = np.concatenate([square(), np.zeros_like(square())])

    figure = slice_figure(upright(np.zeros((1, 40, 60)), {"prediction": masks}, (1, 1), None), "ab")

    assert len(figure.axes[0].collections) == 1


@pytest.mark.parametrize(
    ("affine", "plane", "count"),
    [(np.eye(4), "axial", 5), (LPS, "coronal", 6), (LPS, "sagittal", 7)],
)
def test_slices_are_numbered_as_in_the_file(affine, plane, count):
    image = np.zeros((1, 7, 6, 5))
    axis = {"axial": 3, "coronal": 2, "sagittal": 1}[plane]
    bright = [slice(None)] * 4
    bright[axis] = 1  # the file's own slice 1
    image[tuple(bright)] = np.linspace(1, 9, image[tuple(bright)].size).reshape(
        image[tuple(bright)].shape
    )
    case = upright(image, {"prediction": np.zeros((1, 7, 6, 5))}, (1, 1, 1), affine)

    shown = [slice_figure(case, ["a"], plane, number) for number in range(count)]

    assert slice_count(case, plane) == count
    lit = [bool(figure.axes[0].images[0].get_array().any()) for figure in shown]
    assert lit == [number == 1 for number in range(count)]
    assert f"= {1}" in shown[1].get_suptitle()


def test_a_number_goes_to_an_index_and_back():
    case = upright(np.zeros((1, 7, 6, 5)), {}, (1, 1, 1), LPS)

    assert in_file(case, "sagittal", 0) == 6
    assert in_file(case, "sagittal", in_file(case, "sagittal", 2)) == 2
    assert in_file(case, "axial", 2) == 2


def test_without_a_number_the_slice_with_the_most_is_shown():
    masks = np.zeros((1, 7, 6, 5), dtype=bool)
    masks[0, :, :, 3] = True

    figure = slice_figure(
        upright(np.zeros((1, 7, 6, 5)), {"reference": masks}, (1, 1, 1), LPS), "a"
    )

    assert figure.get_suptitle() == "axial slice k = 3"
