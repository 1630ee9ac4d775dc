import numpy as np
import pytest

from inspire_med.evaluation.protocols.polyp_pranet import score_polyp
from inspire_med.evaluation.protocols.polyp_video import POLYP_VIDEO, score_frame

MASK = np.array([[1, 1, 1, 1, 0, 0, 0, 0, 0, 0]], dtype=bool)
# At thresholds up to 0.5 all four and two more are found, above it two.
GREY = np.array([[1, 1, 0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0]])


def f(precision, recall):
    return 1.3 * precision * recall / (0.3 * precision + recall)


def test_f_counts_precision_more_than_recall():
    found = score_frame(MASK, GREY)

    # threshold 0: all ten; 1 to 127 of 255: six; 128 to 255: two; 0.5 is level 127
    by_hand = (f(0.4, 1) + 127 * f(4 / 6, 1) + 128 * f(1, 0.5)) / 256
    assert found.measures["mean_f"] == pytest.approx(by_hand, abs=1e-12)
    assert found.curves["f"].max() == pytest.approx(f(1, 0.5), abs=1e-12)


def test_the_adaptive_threshold_is_twice_the_mean_of_the_map():
    # mean 0.4, so at 0.8 two pixels are found, all of them right
    assert score_frame(MASK, GREY).measures["adaptive_f"] == pytest.approx(f(1, 0.5), abs=1e-12)


def test_f_is_0_without_a_true_positive():
    found = score_frame(MASK, np.where(MASK, 0.0, 1.0))

    assert found.measures["adaptive_f"] == 0
    assert found.curves["f"][1:].tolist() == [0] * 255


def test_what_both_protocols_have_is_alike():
    found, of_picture = score_frame(MASK, GREY).measures, score_polyp(MASK, GREY).measures

    shared = found.keys() & of_picture.keys()
    assert len(shared) == 9
    assert {name: found[name] for name in shared} == {name: of_picture[name] for name in shared}


def test_every_measure_has_words_and_a_line_of_the_policy():
    found = score_frame(MASK, GREY).measures
    text = "\n".join(POLYP_VIDEO.policy)

    assert {*found, *POLYP_VIDEO.whole_set} == set(POLYP_VIDEO.measures)
    assert all(measure in text for measure in POLYP_VIDEO.measures)
