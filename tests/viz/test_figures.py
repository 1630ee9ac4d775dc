"""Figures: the right panels, right side up, without pyplot."""

import io
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, ornt_transform

from inspire_med import viz
from inspire_med.viz import paint
from inspire_med.viz.panels import draw, plane_panel
from inspire_med.viz.planes import busiest_cut, cut_at, shown_cut, upright

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def volume(shape=(12, 10, 8)):
    image = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    masks = np.zeros((2, *shape), dtype=np.uint8)
    masks[0, 3:8, 3:7, 2:6] = 1
    masks[1, 4:6, 4:6, 3:5] = 1
    return image, masks


def test_overlay_of_a_volume_has_image_reference_prediction_and_errors():
    image, masks = volume()

    figure = viz.overlay_figure(image, masks, masks, ["WT", "TC"], (1, 1, 2), LPS, "case")

    assert [axis.get_title() for axis in figure.axes] == [
        "image",
        "reference",
        "prediction",
        "errors",
    ]


def test_overlay_leaves_out_what_is_not_given():
    image, masks = volume()

    figure = viz.overlay_figure(image, None, masks, ["WT", "TC"], (1, 1, 1))

    assert [axis.get_title() for axis in figure.axes] == ["image", "prediction"]


def test_overlay_takes_an_rgb_image():
    image = np.zeros((3, 20, 30), dtype=np.uint8)
    mask = np.zeros((1, 20, 30), dtype=bool)
    mask[0, 5:9, 5:9] = True

    figure = viz.overlay_figure(image, mask, mask, ["polyp"], (1, 1))

    assert len(figure.axes) == 4


def test_orthogonal_figure_has_three_planes_and_saves():
    image, masks = volume()
    figure = viz.orthogonal_figure(image, masks, ["WT", "TC"], (1, 1, 2))

    picture = io.BytesIO()
    figure.savefig(picture, format="png")

    assert [axis.get_title() for axis in figure.axes] == [  # k = 2 to 5 are alike in size
        "axial slice k = 2",
        "coronal slice j = 3",
        "sagittal slice i = 3",
    ]
    assert picture.getvalue().startswith(b"\x89PNG")


def test_orthogonal_figure_refuses_a_flat_image():
    with pytest.raises(ValueError, match="need a volume"):
        viz.orthogonal_figure(np.zeros((1, 4, 4)), np.zeros((1, 4, 4)), ["a"], (1, 1))


def test_error_figure_has_a_panel_for_every_region():
    image, masks = volume()

    figure = viz.error_figure(image, masks, masks, ["WT", "TC"], (1, 1, 1))

    assert [axis.get_title() for axis in figure.axes] == ["WT", "TC"]


def test_sheet_shows_the_panels_of_every_case():
    image, masks = volume()
    panels = viz.case_panels(image, masks, None, (1, 1, 1))

    figure = viz.sheet_figure({"a": panels, "b": panels})

    assert [row.get_suptitle() for row in figure.subfigs] == [
        "a · axial slice k = 2",
        "b · axial slice k = 2",
    ]
    assert [axes.get_title() for axes in figure.axes] == ["image", "reference"] * 2


def test_sheet_needs_a_case():
    with pytest.raises(ValueError, match="no cases"):
        viz.sheet_figure({})


def test_figures_leave_pyplot_alone():
    before = "matplotlib.pyplot" in sys.modules
    image, masks = volume()

    viz.overlay_figure(image, masks, masks, ["WT", "TC"], (1, 1, 1))

    assert ("matplotlib.pyplot" in sys.modules) == before


@pytest.mark.parametrize(
    ("image", "mask", "spacing", "message"),
    [
        (np.zeros((1, 4, 4, 4)), np.zeros((1, 4, 4, 5)), (1, 1, 1), "reference of shape"),
        (np.zeros((1, 4, 4)), np.zeros((1, 4, 4)), (1, 1, 1), "one spacing for each"),
    ],
)
def test_rejects_shapes_that_do_not_fit(image, mask, spacing, message):
    with pytest.raises(ValueError, match=message):
        viz.overlay_figure(image, mask, None, ["a"], spacing)


class TestRightSideUp:
    """A marked voxel must land where a radiologist looks for it, whatever the file's axes."""

    @pytest.mark.parametrize("codes", ["RAS", "LPS", "LAS", "SRA", "PIL"])
    def test_axial_has_the_patients_right_on_the_left_and_front_on_top(self, codes):
        image, affine = marked(codes)

        flat = cut_at(upright(image, {}, (1, 1, 1), affine), "axial", 6)

        assert np.argwhere(flat.image[0] == 7).tolist() == [[1, 0]]  # right, nearly in front
        assert flat.marks == "RALP"

    @pytest.mark.parametrize("codes", ["RAS", "LPS", "SRA"])
    def test_coronal_has_the_head_on_top(self, codes):
        image, affine = marked(codes)

        flat = cut_at(upright(image, {}, (1, 1, 1), affine), "coronal", 3)

        assert np.argwhere(flat.image[0] == 7).tolist() == [[0, 0]]

    @pytest.mark.parametrize("codes", ["RAS", "LPS", "SRA"])
    def test_sagittal_looks_left(self, codes):
        image, affine = marked(codes)

        flat = cut_at(upright(image, {}, (1, 1, 1), affine), "sagittal", 3)

        assert np.argwhere(flat.image[0] == 7).tolist() == [[0, 1]]

    def test_spacing_follows_the_axes(self):
        image, _ = marked("RAS")
        affine = np.zeros((4, 4))
        affine[2, 0], affine[0, 1], affine[1, 2], affine[3, 3] = 5.0, 1.0, 2.0, 1.0  # file is S R A
        turned = upright(image.transpose(0, 3, 1, 2), {}, (5, 1, 2), affine)

        flat = busiest_cut(turned, "coronal")

        assert turned.spacing_mm == (1.0, 2.0, 5.0)
        assert flat.pixel_mm == (5.0, 1.0)

    def test_proportions_are_true(self):
        mask = np.zeros((1, 10, 10, 4), dtype=bool)

        panels = viz.case_panels(np.ones((1, 10, 10, 4)), mask, None, (1, 2, 3), side=100)

        # 20 mm tall, 10 mm wide
        assert [panel.pixels.shape[:2] for panel in panels] == [(100, 50), (100, 50)]

    @pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
    @pytest.mark.parametrize("codes", ["RAS", "LPS", "LAS", "SRA", "PIL"])
    def test_the_letters_stand_on_the_sides_of_the_patient(self, codes, plane):
        image, affine = marked(codes)  # bright at the patient's right, front and top
        case = upright(image, {"masks": image > 0}, (1, 1, 1), affine)

        axes = Figure().add_subplot()
        draw(axes, plane_panel(case, plane, side=70))

        bright = np.argwhere(axes.images[0].get_array().max(axis=2) > 0).mean(axis=0)
        rows, columns, _ = axes.images[0].get_array().shape
        across, up = bright[1] / columns - 0.5, 0.5 - bright[0] / rows
        sides = {text.get_text(): text.get_position() for text in axes.texts}
        assert (
            set(sides) == {"axial": {*"RLAP"}, "coronal": {*"RLSI"}, "sagittal": {*"APSI"}}[plane]
        )
        for letter in set(sides) & {*"RAS"}:
            x, y = sides[letter]
            assert (x - 0.5) * across + (y - 0.5) * up > 0, letter

    @pytest.mark.parametrize(
        ("codes", "place"),
        [
            ("RAS", "slice k = 6"),
            ("RAI", "slice k = 0"),
            ("SRA", "slice i = 6"),
            ("PIL", "slice j = 0"),
        ],
    )
    def test_the_slice_is_numbered_as_in_the_file(self, codes, place):
        image, affine = marked(codes)  # the top slice of seven

        panels = viz.case_panels(image, image > 0, None, (1, 1, 1), affine)

        assert {panel.place for panel in panels} == {f"axial {place}"}

    def test_without_an_affine_no_side_is_claimed(self):
        image, _ = marked("RAS")

        assert {panel.marks for panel in viz.case_panels(image, image > 0, None, (1, 1, 1))} == {""}


def marked(codes):
    """A volume with one bright voxel at RAS (rightmost, second from the front, top)."""
    ras = np.zeros((4, 5, 7))
    ras[3, 3, 6] = 7
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(codes))
    stored = apply_orientation(ras, turn)
    affine = np.eye(4) @ inv_ornt_aff(turn, ras.shape)
    return stored[None], affine


def test_busiest_slice_is_where_the_reference_is_largest():
    mask = np.zeros((1, 6, 6, 6), dtype=bool)
    mask[0, 1:3, 1:3, 1] = True
    mask[0, 1:5, 1:5, 4] = True
    image = np.broadcast_to(np.arange(6.0), (1, 6, 6, 6))

    flat = busiest_cut(upright(image, {"reference": mask}, (1, 1, 1), None))

    assert (flat.image == 4).all()


def test_the_empty_frame_around_a_head_is_cut_off_but_never_a_mask():
    image = np.zeros((1, 40, 40, 3))
    image[0, 10:20, 10:20] = 1
    mask = np.zeros((1, 40, 40, 3), dtype=bool)
    mask[0, 25, 15, 1] = True

    flat = shown_cut(upright(image, {"reference": mask}, (1, 1, 1), None))

    assert flat.image.shape == (1, 10 + 2 * 4, 25 + 1 - 10 + 2 * 4)
    assert flat.masks["reference"].sum() == 1


def test_masks_can_be_drawn_without_an_image():
    _, masks = volume()

    panels = viz.case_panels(None, masks, masks, (1, 1, 1), side=80)

    assert [panel.name for panel in panels] == ["reference", "prediction", "errors"]
    assert all(panel.pixels.any() for panel in panels)
    with pytest.raises(ValueError, match="nothing to draw"):
        viz.case_panels(None, None, None, (1, 1, 1))


def test_overlay_colours_the_inner_region_over_the_outer():
    image = np.zeros((3, 40, 40), dtype=np.uint8)
    masks = np.zeros((2, 40, 40), dtype=bool)
    masks[0, 5:35, 5:35] = masks[1, 15:25, 15:25] = True

    strip = viz.case_panels(image, masks, None, (1, 1), side=40)[1].pixels

    outer, inner = (np.array(paint.REGION_COLOURS[n]) for n in (0, 1))
    np.testing.assert_allclose(strip[10, 10], 0.3 * outer, atol=1)
    np.testing.assert_allclose(strip[20, 20], 0.3 * inner, atol=1)
    np.testing.assert_array_equal(strip[5, 20], outer)  # the outline is full colour


def test_values_that_are_not_finite_are_shown_black():
    image = np.ones((1, 8, 8))
    image[0, 0, 0] = np.nan

    assert np.isfinite(paint.to_rgb(image, paint.window(image))).all()


def test_channels_are_named_and_masks_lie_over_the_last():
    image, masks = volume()
    image[1] = 0

    panels = viz.case_panels(image, masks, None, (1, 1, 1), channels=("t1", "flair"), side=12)

    assert [panel.name for panel in panels] == ["t1", "flair", "reference"]
    assert panels[0].pixels.any()
    assert not panels[1].pixels.any()
    coloured = panels[2].pixels.reshape(-1, 3)
    assert (coloured[:, 0] != coloured[:, 1])[coloured.any(axis=1)].all()  # masks, over black


def test_errors_of_an_inner_region_show_though_the_outer_is_right():
    reference = np.zeros((2, 1, 4), dtype=bool)
    prediction = reference.copy()
    reference[0, 0, :3] = prediction[0, 0, :3] = True  # the outer region is right
    reference[1, 0, 0] = prediction[1, 0, 1] = True  # the inner one lies a pixel aside

    found = {name: mask[0].tolist() for name, mask in paint.errors(reference, prediction).items()}

    assert found == {
        "found": [False, False, True, False],
        "missed": [True, False, False, False],
        "spurious": [False, True, False, False],
    }
