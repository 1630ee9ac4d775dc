"""Maps and arrows lie where the network's numbers are."""

import numpy as np
import pytest

from inspire_med.viz import arrows_figure, maps_figure


def picture(shape=(24, 48)):
    return np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)


def arrows(figure):
    """Where the arrows of the first map end, and what they are, as (x, y)."""
    (quiver,) = figure.axes[1].collections
    return np.asarray(quiver.get_offsets()), np.stack([quiver.U, quiver.V], axis=1)


def test_an_attention_made_by_hand_is_drawn_where_it_is():
    attention = np.zeros((24, 48))
    attention[2:6, 30:40] = 0.8

    figure = maps_figure(
        picture(), {"level 1": attention, "level 2": 1 - attention}, limits=(0, 1), title="t"
    )

    assert [axes.get_title() for axes in figure.axes[:3]] == ["image", "level 1", "level 2"]
    _, shown = figure.axes[1].images
    np.testing.assert_array_equal(shown.get_array(), attention)
    assert shown.get_clim() == (0, 1)
    assert figure.get_suptitle() == "t"


def test_each_map_has_its_own_scale_where_none_is_given():
    figure = maps_figure(picture(), {"a": np.full((24, 48), 5.0), "b": np.zeros((24, 48))})

    assert [axes.images[1].get_clim() for axes in figure.axes[1:3]] == [(0, 5), (0, 1e-6)]


def test_values_with_signs_have_white_at_zero():
    figure = maps_figure(picture(), {"change": np.zeros((24, 48))}, limits=(-2, 2))

    _, shown = figure.axes[1].images
    assert shown.get_cmap()(shown.norm(0.0))[:3] == pytest.approx((1, 1, 1), abs=0.04)


def test_a_constant_flow_is_drawn_as_that_shift():
    # What is at p + (3, -5) is put at p: features come 3 rows from below and 5 columns from left.
    flow = np.broadcast_to(np.array([3.0, -5.0])[:, None, None], (2, 24, 48))

    figure = arrows_figure(picture(), {"level 1": flow}, magnified=1)

    tips, drawn = arrows(figure)
    np.testing.assert_allclose(drawn, np.broadcast_to([5.0, -3.0], drawn.shape))
    (quiver,) = figure.axes[1].collections
    assert (quiver.pivot, quiver.angles, quiver.scale_units) == ("tip", "xy", "xy")
    assert quiver.scale == 1
    assert tips.min() >= 0
    assert (tips.max(axis=0) < [48, 24]).all()
    assert figure.axes[1].get_title() == "level 1\nmean 5.8, largest 5.8 px, drawn × 1"


def test_arrows_are_made_as_long_as_can_be_told_apart():
    flow = np.zeros((2, 48, 48))
    flow[0] = 0.1  # places for arrows are 2 pixels apart

    (short,), (nothing,) = (
        arrows_figure(picture((48, 48)), {"a": each}).axes[1].collections
        for each in (flow, 0 * flow)
    )

    np.testing.assert_allclose(short.V, -2.0)
    assert not nothing.V.any()


def test_each_arrow_ends_at_the_place_whose_flow_it_is():
    rows, columns = np.mgrid[:24, :48].astype(float)

    figure = arrows_figure(picture(), {"level 1": np.stack([rows, columns])}, magnified=2)

    tips, drawn = arrows(figure)
    np.testing.assert_allclose(drawn, -2 * tips)


def test_a_volume_is_cut_with_front_on_top_and_right_on_the_left():
    image = np.zeros((1, 6, 8, 4))
    image[0, 5, 7, 1] = 1.0  # rightmost and foremost of RAS+, in slice 1
    flow = np.zeros((3, 6, 8, 4))
    flow[0, ..., 1], flow[1, ..., 1], flow[2, ..., 1] = 2.0, 1.0, 9.0  # right, front, up

    shown = maps_figure(image, {"bright": image[0]}, index=1)
    moved = arrows_figure(image, {"moved": flow}, index=1, magnified=1)

    array = np.asarray(shown.axes[1].images[1].get_array())
    assert array.shape == (8, 6)
    assert np.argwhere(array == 1).tolist() == [[0, 0]]
    # From the right is from the left of the picture, from the front is from its top.
    _, drawn = arrows(moved)
    np.testing.assert_allclose(drawn, np.broadcast_to([2.0, 1.0], drawn.shape))


def test_the_middle_slice_is_shown_where_none_is_named():
    image = np.zeros((1, 6, 8, 5))
    image[..., 2] = 3.0

    figure = maps_figure(image, {"same": image[0]})

    assert (np.asarray(figure.axes[1].images[1].get_array()) == 3).all()


def test_refuses_a_map_of_another_size():
    with pytest.raises(ValueError, match="resize it first"):
        maps_figure(picture(), {"small": np.zeros((3, 6))})
