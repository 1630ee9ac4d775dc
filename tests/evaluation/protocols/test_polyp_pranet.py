import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inspire_med.evaluation.protocols.polyp_pranet import POLYP_PRANET
from inspire_med.evaluation.result import CaseScores
from inspire_med.evaluation.scores import summarise_cases
from inspire_med.imaging.grey_map import read_official_mask


def picture(name):
    """A reference and a map of 8 bits, in whole-number arithmetic: the same on any machine."""
    rng = np.random.default_rng(20240229)
    rows, columns = np.mgrid[:60, :80]
    near = (rows - 27) ** 2 + (columns - 41) ** 2
    shifted = (rows - 30) ** 2 + (columns - 45) ** 2
    noise = rng.integers(-20, 21, size=rows.shape)
    soft = np.clip(300 - shifted // 2 + noise, 0, 255)
    mask, grey = {
        "soft": (near < 260, soft),
        "low contrast": (near < 260, 40 + soft // 5),
        "binary": (near < 260, 255 * (shifted < 230)),
        "at the border": ((rows < 13) & (columns > 62), np.clip(9 * (columns - rows), 0, 255)),
        "two polyps, noise": (
            (near < 120) | ((rows > 47) & (columns < 15)),
            rng.integers(0, 256, size=rows.shape),
        ),
        "missed": (near < 260, np.zeros_like(rows)),
        "constant grey": (near < 260, np.full_like(rows, 100)),
        "one pixel": (near == 0, soft),
        "empty reference": (near < 0, soft),
        "empty reference, nothing found": (near < 0, np.zeros_like(rows)),
        "full reference": (near >= 0, soft),
    }[name]
    return mask, grey.astype(np.uint8)


RECORDED_MEASURES = (
    "mean_dice",
    "max_dice",
    "mean_iou",
    "max_iou",
    "weighted_f",
    "s_measure",
    "mean_e",
    "max_e",
    "adaptive_e",
    "mae",
    "mean_recall",
    "mean_specificity",
    "dice@0.5",
    "iou@0.5",
)
# PySODMetrics 1.6.2 (`pip install pysodmetrics`) on the pictures above, given as uint8 (the mask as
# 0 and 255), one picture a run: FmeasureV2 with Dice, IoU, Recall and Specificity handlers (dynamic
# and binary, sample_based), WeightedFmeasure, Smeasure, Emeasure, MAE; mean and maximum of each
# 256-value curve.
# fmt: off
RECORDED = {
    "soft": (
        0.721089348, 0.808660035, 0.569190618, 0.678781925, 0.665093684, 0.826218265, 0.813570393,
        0.939869602, 0.871848275, 0.110738562, 0.843657803, 0.895064143, 0.788135593, 0.650349650,
    ),
    "low contrast": (
        0.720019598, 0.807446190, 0.568070336, 0.677073171, 0.666524819, 0.827599026, 0.813292721,
        0.939555390, 0.869097353, 0.109906046, 0.837645575, 0.897299359, 0.789781799, 0.652594547,
    ),
    "binary": (
        0.792788712, 0.794771242, 0.657515197, 0.659436009, 0.805771484, 0.798032749, 0.934327742,
        0.937011176, 0.937011176, 0.065416667, 0.756235443, 0.966921543, 0.794771242, 0.659436009,
    ),
    "at the border": (
        0.194147074, 0.285714286, 0.108120817, 0.166666667, 0.109402257, 0.350876283, 0.313665307,
        0.405665134, 0.381212736, 0.402531863, 1.000000000, 0.575782444, 0.188005104, 0.103755869,
    ),
    "two polyps, noise": (
        0.175914077, 0.208015640, 0.097063800, 0.116081170, 0.151260699, 0.328862437, 0.359886685,
        0.829212058, 0.282423043, 0.497967320, 0.517171960, 0.498353617, 0.198988196, 0.110486891,
    ),
    "missed": (
        0.001122045, 0.287243533, 0.000655111, 0.167708333, 0.000000000, 0.416145833, 0.250052094,
        0.250052094, 0.250052094, 0.167708333, 0.003906250, 0.996093750, 0.000000000, 0.000000000,
    ),
    "constant grey": (
        0.113326550, 0.287243533, 0.066166178, 0.167708333, 0.161783026, 0.426415961, 0.250052094,
        0.250052094, 0.250052094, 0.428329248, 0.394531250, 0.605468750, 0.000000000, 0.000000000,
    ),
    "one pixel": (
        0.002354892, 0.006920415, 0.001179305, 0.003472222, 0.001025298, 0.398216132, 0.251107605,
        0.253470595, 0.250792185, 0.225593137, 1.000000000, 0.771335011, 0.001845018, 0.000923361,
    ),
    "empty reference": (
        0.000000000, 0.000000000, 0.000000000, 0.000000000, 0.000000000, 0.774198529, 0.771335011,
        0.940195874, 0.759324859, 0.225801471, 0.000000000, 0.771174316, 0.000000000, 0.000000000,
    ),
    "empty reference, nothing found": (
        0.000000000, 0.000000000, 0.000000000, 0.000000000, 0.000000000, 1.000000000, 0.996301313,
        1.000208377, 0.000000000, 0.000000000, 0.000000000, 0.996093750, 0.000000000, 0.000000000,
    ),
    "full reference": (
        0.360736562, 1.000000000, 0.228825684, 1.000000000, 0.439874958, 0.225801471, 0.228873366,
        1.000208377, 0.240883517, 0.774198529, 0.228825684, 0.000000000, 0.368179500, 0.225625000,
    ),
}
# fmt: on
# There it keeps its own rules: a specificity where nothing is hit (here 0, as in PraNet's code) or
# of a full reference (here undefined), and no Dice for an empty answer to an empty reference.
DIFFERING = {
    "missed": {"mean_specificity": 0.0},
    "constant grey": {"mean_specificity": 0.0},
    "empty reference": {"mean_specificity": 0.0},
    "empty reference, nothing found": {"mean_specificity": 0.0, "dice@0.5": 1.0, "iou@0.5": 1.0},
    "full reference": {"mean_specificity": float("nan")},
}


def scores(mask, grey):
    """Every measure of a set of this one picture."""
    result = POLYP_PRANET.score(mask, grey)
    of_set = {
        name: float(statistic(result.curves[curve]))
        for name, (curve, statistic) in POLYP_PRANET.whole_set.items()
    }
    return {**result.measures, **of_set}


@pytest.mark.parametrize("name", RECORDED)
def test_agrees_with_pysodmetrics(name):
    mask, grey = picture(name)
    recorded = dict(zip(RECORDED_MEASURES, RECORDED[name], strict=True))

    expected = {**recorded, **DIFFERING.get(name, {})}
    # 1e-9: the digits recorded
    assert scores(mask, grey / 255) == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_the_highest_values_are_those_of_the_mean_curve():
    # one picture is best at low thresholds, the other at high ones: no threshold suits both
    mask = np.zeros((10, 10), dtype=bool)
    mask[:5] = True
    dim = np.where(mask, 0.3, 0.0)
    dim[9, 9] = 1
    bright = np.where(mask, 1.0, 0.6)
    bright[9, 9] = 0
    results = [POLYP_PRANET.score(mask, each) for each in (dim, bright)]
    cases = [CaseScores(str(at), {"polyp": each}) for at, each in enumerate(results)]
    summaries = summarise_cases(POLYP_PRANET, cases)["polyp"]

    for measure, curve in (("max_dice", "dice"), ("max_iou", "iou"), ("max_e", "e")):
        curves = [each.curves[curve] for each in results]
        best = max((curves[0][level] + curves[1][level]) / 2 for level in range(256))

        assert summaries[measure].mean == pytest.approx(best, abs=1e-15)
        assert best < (curves[0].max() + curves[1].max()) / 2 - 0.05


def test_every_curve_has_a_value_a_threshold():
    curves = POLYP_PRANET.score(*_soft()).curves

    assert set(curves) == {"dice", "iou", "e", "recall", "specificity", "precision", "f"}
    assert all(curve.shape == (256,) for curve in curves.values())


def test_stretching_a_map_changes_nothing():
    # in steps that are exact in binary, so that stretching gives back the very map
    rng = np.random.default_rng(0)
    mask, grey = rng.random((12, 15)) < 0.3, rng.integers(0, 65, size=(12, 15)) / 64
    grey[0, :2] = 0, 1

    assert scores(mask, 0.25 + grey / 2) == scores(mask, grey)


def test_one_half_itself_is_not_above_one_half():
    found = scores(np.array([[True, True, False]]), np.array([[1.0, 0.5, 0.0]]))

    assert found["dice@0.5"] == pytest.approx(2 / 3, abs=1e-15)
    assert found["iou@0.5"] == 0.5


def test_a_perfect_map_is_perfect_but_for_threshold_0():
    mask, _ = _soft()

    found = scores(mask, mask.astype(float))

    at_0 = 2 * mask.sum() / (mask.sum() + mask.size)
    assert found.pop("mean_dice") == pytest.approx((255 + at_0) / 256, abs=1e-12)
    assert found.pop("mean_iou") == pytest.approx((255 + mask.mean()) / 256, abs=1e-12)
    assert found.pop("mean_specificity") == 255 / 256
    assert found.pop("mae") == 0
    assert found.pop("max_e") == pytest.approx(4800 / 4799, abs=1e-12)
    assert found.pop("adaptive_e") == pytest.approx(4800 / 4799, abs=1e-12)
    assert found.pop("mean_e") == pytest.approx((255 + 0.25) / 256 * 4800 / 4799, abs=1e-12)
    assert found == pytest.approx(dict.fromkeys(found, 1.0), abs=1e-12)


@given(
    arrays(bool, st.tuples(st.integers(2, 9), st.integers(2, 9))),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_values_stay_in_bounds_and_do_not_care_for_flips(mask, seed, binary):
    grey = np.random.default_rng(seed).random(mask.shape)
    grey = np.rint(grey) if binary else grey

    found = scores(mask, grey)

    for measure, value in found.items():
        most = mask.size / (mask.size - 1) if measure.endswith("_e") else 1
        assert np.isnan(value) or -1e-12 <= value <= most + 1e-12
    flipped = scores(mask[::-1, ::-1], grey[::-1, ::-1])
    # the centroid's rounding and rivals for the nearest pixel have a direction
    indifferent = found.keys() - {"s_measure", "weighted_f"}
    assert {name: flipped[name] for name in indifferent} == pytest.approx(
        {name: found[name] for name in indifferent}, abs=1e-12, nan_ok=True
    )


def test_on_real_masks_a_perfect_answer_is_perfect(real_data):
    files = sorted((real_data / "polyp" / "Kvasir-SEG" / "masks").iterdir())[:5]

    for file in files:
        mask, note = read_official_mask(file)
        found = scores(mask, mask.astype(float))

        assert note == ""
        assert 0.99 < found["mean_dice"] < 1
        assert found["max_dice"] == found["dice@0.5"] == 1
        assert found["s_measure"] == pytest.approx(1, abs=1e-9)
        assert found["weighted_f"] == pytest.approx(1, abs=1e-9)


def test_every_measure_has_words_and_a_line_of_the_policy():
    found = scores(*_soft())
    text = "\n".join(POLYP_PRANET.policy)

    assert set(found) == set(POLYP_PRANET.measures)
    assert all(measure in text for measure in found)


def _soft():
    mask, grey = picture("soft")
    return mask, grey / 255
