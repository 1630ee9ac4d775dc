"""Methods side by side: the right values at the right places."""

import nibabel
import numpy as np
import pytest

from inspire_med.viz import interval_figure, method_panels, niivue_layers, paint, scatter_figure


def test_intervals_stand_where_they_are_from_the_top():
    figure = interval_figure({"b - a": (0.1, -0.2, 0.3), "c - a": (0.5, 0.4, 0.7)}, "Dice")

    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b - a", "c - a"]
    (bars,) = axes.containers
    line, _, (lines,) = bars
    assert line.get_xdata().tolist() == [0.1, 0.5]
    np.testing.assert_allclose(
        [segment[:, 0] for segment in lines.get_segments()], [[-0.2, 0.3], [0.4, 0.7]]
    )
    assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_the_scatter_has_a_point_for_each_case_of_both():
    first = {"a": 0.5, "b": 0.6, "c": np.nan, "d": 0.9}
    second = {"b": 0.8, "a": 0.5, "c": 0.1, "e": 0.3}

    figure = scatter_figure(first, second, ("plain", "ours"), "Dice", title="polyp")

    axes = figure.axes[0]
    assert axes.collections[0].get_offsets().tolist() == [[0.5, 0.5], [0.6, 0.8]]
    assert [text.get_text() for text in axes.texts] == ["b"]  # a is alike
    assert axes.get_title() == "polyp · n = 2 · 3 without a value by both"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Dice, plain", "Dice, ours")


def test_each_method_is_drawn_with_its_errors_at_the_references_slice():
    reference = np.zeros((1, 8, 8, 4), dtype=bool)
    reference[0, 2:6, 2:6, 2] = True
    nothing, elsewhere = np.zeros_like(reference), np.zeros_like(reference)
    elsewhere[0, 1:7, 1:7, 0] = True  # larger, in a slice that is not shown
    image = np.ones((1, 8, 8, 4))

    panels = method_panels(
        image, reference, {"a": reference, "b": nothing, "c": elsewhere}, (1, 1, 1)
    )

    assert [panel.name for panel in panels] == ["image", "reference", "a", "b", "c"]
    assert {panel.place for panel in panels} == {"axial slice k = 2"}
    pixels = {panel.name: panel.pixels.reshape(-1, 3) for panel in panels}

    def holds(name, kind):
        return (pixels[name] == paint.ERROR_COLOURS[kind]).all(axis=1).any()

    assert [holds("a", kind) for kind in ("found", "missed", "spurious")] == [True, False, False]
    for name in ("b", "c"):
        assert [holds(name, k) for k in ("found", "missed", "spurious")] == [False, True, False]


def test_niivue_gets_files_that_hold_image_and_masks():
    affine = np.diag([-1.0, 2.0, 3.0, 1.0])
    image = np.arange(24.0).reshape(1, 2, 3, 4)
    masks = np.zeros((2, 2, 3, 4), dtype=bool)
    masks[0, :, 1:, 1:] = masks[1, 1, 1, 1] = True

    layers = niivue_layers(image, {"reference": masks, "prediction": masks}, affine)

    assert [layer["name"] for layer in layers] == ["image.nii", "reference.nii", "prediction.nii"]
    read = [nibabel.Nifti1Image.from_bytes(layer["data"]) for layer in layers]
    for each in read:
        np.testing.assert_array_equal(each.affine, affine)
    np.testing.assert_array_equal(read[0].get_fdata(), image[0])
    np.testing.assert_array_equal(read[1].get_fdata(), masks.sum(axis=0))
    assert layers[1]["cal_max"] == 2
    assert layers[1]["colormap"] != layers[2]["colormap"]


def test_the_widget_takes_the_layers():
    ipyniivue = pytest.importorskip("ipyniivue")
    layers = niivue_layers(np.ones((1, 2, 3, 4)), {"prediction": np.ones((1, 2, 3, 4))}, np.eye(4))

    view = ipyniivue.NiiVue()
    view.load_volumes(layers)

    assert [volume.name for volume in view.volumes] == ["image.nii", "prediction.nii"]
    assert view.volumes[1].opacity == 0.5
