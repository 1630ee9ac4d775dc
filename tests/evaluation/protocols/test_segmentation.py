import math
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.evaluation import evaluate_case
from inspire_med.evaluation.protocols import PROTOCOLS, MaskProtocol, RegionPair, protocol
from inspire_med.evaluation.protocols.segmentation import (
    SEGMENTATION,
    SEGMENTATION_BORDER_MAX,
    SEGMENTATION_BORDER_UNION,
)

CONVENTIONS = [SEGMENTATION, SEGMENTATION_BORDER_MAX, SEGMENTATION_BORDER_UNION]
OF_THE_CONTRACT = [
    "dice",
    "iou",
    "precision",
    "recall",
    "specificity",
    "hd95_mm",
    "assd_mm",
    "nsd@1mm",
    "nsd@2mm",
    "volume_difference_ml",
]
DISTANCES = ("hd95_mm", "assd_mm", "nsd@1mm", "nsd@2mm")

conventions = pytest.mark.parametrize("rules", CONVENTIONS, ids=lambda rules: rules.name)


def pair_of(reference, prediction, spacing=None):
    spacing = spacing or (1.0,) * reference.ndim
    return RegionPair(reference, prediction, spacing, reference.shape, (0,) * reference.ndim)


def cube_pair(spacing=(1.0, 1.0, 1.0)):
    mask = np.zeros((5,) * len(spacing), dtype=bool)
    mask[(slice(1, 4),) * len(spacing)] = True
    return pair_of(mask, mask, spacing)


def a_voxel_and_a_far_one(dims):
    """Reference: a bar of 19 voxels; prediction: the bar and a voxel 12 farther."""
    reference = np.zeros((1,) * (dims - 1) + (32,), dtype=bool)
    reference[..., :19] = True
    prediction = reference.copy()
    prediction[..., 30] = True
    return pair_of(reference, prediction)


@conventions
def test_has_the_measures_of_the_contract(rules):
    assert list(rules.score(cube_pair()).measures) == OF_THE_CONTRACT
    assert list(rules.measures) == OF_THE_CONTRACT


@conventions
def test_a_flat_image_has_no_volume(rules):
    assert "volume_difference_ml" not in rules.score(cube_pair((1.0, 1.0))).measures


@conventions
def test_volume_difference_is_prediction_minus_reference_in_ml(rules):
    empty, full = np.zeros((10, 10, 10), dtype=bool), np.ones((10, 10, 10), dtype=bool)

    found = rules.score(pair_of(empty, full, (1.0, 2.0, 0.5))).measures

    assert found["volume_difference_ml"] == pytest.approx(1.0)


@conventions
@pytest.mark.parametrize("spacing", [(1.0, 2.0), (0.5, 1.0, 3.0)])
def test_a_mask_agrees_with_itself(rules, spacing):
    found = rules.score(cube_pair(spacing)).measures

    assert [found[name] for name in DISTANCES] == [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("dims", [2, 3])
class TestOneVoxelFarOff:
    """The bar's 19 voxels are all border, distance 0 there and back; the far voxel's is 12."""

    def test_border_max_interpolates_in_the_farther_direction(self, dims):
        found = SEGMENTATION_BORDER_MAX.score(a_voxel_and_a_far_one(dims)).measures

        # 19 zeros and a 12: index 0.95 * 19 = 18.05, a twentieth of the way from 0 to 12
        assert found["hd95_mm"] == pytest.approx(0.6)
        assert found["assd_mm"] == pytest.approx(12 / 39)
        assert found["nsd@1mm"] == pytest.approx(38 / 39)

    def test_border_union_lets_the_good_surface_thin_it_out(self, dims):
        found = SEGMENTATION_BORDER_UNION.score(a_voxel_and_a_far_one(dims)).measures

        assert found["hd95_mm"] == 0.0  # index 0.95 * 38 = 36.1 of 38 zeros
        assert found["assd_mm"] == pytest.approx(12 / 39)
        assert found["nsd@1mm"] == pytest.approx((1 + 19 / 20) / 2)

    def test_surface_elements_count_by_area(self, dims):
        found = SEGMENTATION.score(a_voxel_and_a_far_one(dims)).measures

        # The bar's two ends hold 2 ** dims corner pieces, as the voxel does; between them lie 18
        # corners an edge. Flat: 4 * sqrt(2) / 2 + 36 * 1; else 8 * sqrt(3) / 8 + 72 * sqrt(2) / 2.
        small = {2: 4 * math.sqrt(2) / 2, 3: math.sqrt(3)}[dims]
        bar = small + {2: 36.0, 3: 72 * math.sqrt(2) / 2}[dims]
        assert found["nsd@2mm"] == pytest.approx(2 * bar / (2 * bar + small))
        # The voxel's near corners lie 11 from the bar's end. Flat, they and the bar hold 97 % of
        # the area, the bar alone 93 %; in 3-D the bar alone holds 97 %.
        assert found["hd95_mm"] == {2: 11.0, 3: 0.0}[dims]


class TestEmpty:
    @pytest.mark.parametrize(
        ("rules", "expected"),
        [
            (SEGMENTATION, [0.0, 0.0, 1.0, 1.0]),
            (SEGMENTATION_BORDER_MAX, [math.nan] * 4),
            (SEGMENTATION_BORDER_UNION, [math.nan] * 4),
        ],
    )
    def test_both(self, rules, expected):
        found = rules.score(pair_of(*np.zeros((2, 4, 4, 4), dtype=bool))).measures

        np.testing.assert_equal([found[name] for name in DISTANCES], expected)
        assert found["dice"] == 1.0

    @pytest.mark.parametrize(
        ("rules", "expected"),
        [
            (SEGMENTATION, [math.inf, math.inf, 0.0, 0.0]),
            (SEGMENTATION_BORDER_MAX, [math.nan, math.inf, 0.0, 0.0]),
            (SEGMENTATION_BORDER_UNION, [math.nan] * 4),
        ],
    )
    @pytest.mark.parametrize("swapped", [False, True])
    def test_one(self, rules, expected, swapped):
        masks = np.zeros((2, 4, 4, 4), dtype=bool)
        masks[int(swapped), 1, 1, 1] = True

        found = rules.score(pair_of(*masks)).measures

        np.testing.assert_equal([found[name] for name in DISTANCES], expected)
        assert found["dice"] == 0.0


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_policy_speaks_of_every_measure(name):
    text = "\n".join(PROTOCOLS[name].policy)

    assert [measure for measure in PROTOCOLS[name].measures if measure not in text] == []


@pytest.mark.parametrize(
    "name", [n for n, rules in PROTOCOLS.items() if type(rules) is MaskProtocol]
)
def test_every_measure_can_be_written_in_a_report(name):
    assert set(PROTOCOLS[name].score(cube_pair()).measures) <= set(PROTOCOLS[name].measures)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_documentation_speaks_of_every_protocol_and_measure(name):
    page = (Path(__file__).parents[3] / "docs" / "protocols.md").read_text()

    assert f"`{name}`" in page
    assert [m for m in PROTOCOLS[name].measures if f"`{m}`" not in page] == []


@pytest.mark.parametrize(
    ("name", "hint"), [("segmentatoin", "did you mean segmentation"), ("xyz", "known: segment")]
)
def test_an_unknown_protocol_is_named_with_a_guess(name, hint):
    with pytest.raises(InputError, match=f"option --protocol: .*{hint}"):
        protocol(name)


class TestTolerances:
    """A bar of three voxels and one a voxel longer: what differs lies 1 voxel = 2 mm away."""

    def test_others_may_be_asked_for_by_the_name(self):
        truth = np.zeros((5, 5, 9), dtype=np.uint8)
        truth[2, 2, 2:5] = 1
        longer = truth.copy()
        longer[2, 2, 5] = 1

        found = evaluate_case(truth, longer, (1, 1, 2), "segmentation@0.5,2")["foreground"].measures

        assert list(found)[7:9] == ["nsd@0.5mm", "nsd@2mm"]
        assert found["nsd@0.5mm"] < found["nsd@2mm"] == 1.0
        usual = evaluate_case(truth, longer, (1, 1, 2))["foreground"].measures
        assert found["nsd@2mm"] == usual["nsd@2mm"]

    def test_the_name_says_them_and_the_policy_too(self):
        rules = protocol("segmentation-border-max@0.5")

        assert rules.name == "segmentation-border-max@0.5"
        assert any(line.startswith("nsd@0.5mm: ") for line in rules.policy)
        assert list(rules.measures) == [
            *("dice", "iou", "precision", "recall", "specificity", "hd95_mm", "assd_mm"),
            *("nsd@0.5mm", "volume_difference_ml"),
        ]

    def test_the_usual_ones_are_the_plain_protocol(self):
        assert protocol("segmentation@1,2").name == "segmentation"

    @pytest.mark.parametrize("words", ["", "x", "1,", "0,-0", "-1", "1,1.0000001", "inf", "nan"])
    def test_what_is_no_list_of_lengths_is_refused(self, words):
        with pytest.raises(InputError, match="has no tolerances of NSD in mm after its @"):
            protocol(f"segmentation@{words}")

    @conventions
    def test_at_zero_only_what_coincides_counts(self, rules):
        # All pixels and corners of the bar are of the longer one too, which has an end besides.
        truth = np.zeros((5, 9), dtype=np.uint8)
        truth[2, 2:5] = 1
        longer = truth.copy()
        longer[2, 5] = 1

        found = evaluate_case(truth, longer, (1, 1), f"{rules.name}@0")["foreground"].measures

        end, piece = 2 * math.sqrt(2) / 2, 2.0  # two corners each, cut at an end, whole along it
        bar, longer_bar = 2 * end + 2 * piece, 2 * end + 3 * piece
        assert found["nsd@0mm"] == pytest.approx(
            {
                "segmentation": (bar + longer_bar - end) / (bar + longer_bar),
                "segmentation-border-max": 6 / 7,
                "segmentation-border-union": (1 + 3 / 4) / 2,
            }[rules.name]
        )
        assert protocol(f"{rules.name}@-0").name == f"{rules.name}@0"

    def test_only_segmentation_takes_them(self):
        with pytest.raises(InputError, match="unknown protocol 'brats2021@3'"):
            protocol("brats2021@3")


@conventions
@pytest.mark.parametrize(("size", "steps"), [(0.1, 3), (0.2, 3), (0.4, 5), (0.7, 3), (1.2, 4)])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_tolerance_of_whole_steps_reaches_them_on_any_grid(rules, size, steps, kind):
    reference, prediction = np.zeros((2, 9, 9), dtype=np.uint8)
    reference[4, 1], prediction[4, 1 + steps] = 1, 1
    tolerance = steps * size  # 0.30000000000000004 for 3 * 0.1

    spacing = (kind(3.0), kind(size))
    name = f"{rules.name}@{tolerance - size:g},{tolerance:g}"
    found = evaluate_case(reference, prediction, spacing, name)["foreground"].measures

    nsd = [found[name] for name in found if name.startswith("nsd")]
    # Of a pixel's corners the near two lie a step less apart; all four weigh the same.
    assert nsd == [0.5 if rules is SEGMENTATION else 0.0, 1.0]
    assert found["hd95_mm"] == pytest.approx(tolerance, rel=1e-6)


def test_lengths_along_a_turned_axis_are_whole_steps(tmp_path):
    angle = math.radians(27)
    turned = np.eye(4)
    turned[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    files = []
    for name, first in (("reference", 4), ("prediction", 9)):
        mask = np.zeros((16, 5, 5), dtype=np.uint8)
        mask[first, 2, 2] = 1
        files.append(tmp_path / f"{name}.nii.gz")
        nib.Nifti1Image(mask, turned @ np.diag([0.4, 0.4, 0.4, 1])).to_filename(files[-1])

    found = evaluate_case(*files)["foreground"].measures

    assert found["nsd@2mm"] == 1.0
    assert found["hd95_mm"] == pytest.approx(2.0, rel=1e-6)
