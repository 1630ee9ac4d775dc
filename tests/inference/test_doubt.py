import json

import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.inference.doubt import (
    EIGHT_BITS,
    Calibration,
    Doubt,
    calibrated,
    confidence,
    doubt_of_lesions,
    entropy,
    in_eight_bits,
    read_doubt,
)
from inspire_med.inference.postprocess import Postprocessing, RegionRules


def test_doubt_is_a_bit_at_one_half_and_nothing_at_the_ends():
    found = entropy(np.array([0.5, 0.0, 1.0, 0.25], np.float32))

    np.testing.assert_allclose(found, [1, 0, 0, 0.8113], atol=1e-4)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_tempering_divides_logits(temperature):
    p = np.array([0.001, 0.2, 0.5, 0.9, 0.999], np.float32)

    found = calibrated(p, Calibration(temperature))

    logits = np.log(p / (1 - p)) / temperature
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits)), rtol=1e-4)
    assert np.isfinite(calibrated(np.array([0.0, 1.0], np.float32), Calibration(temperature))).all()


def test_a_bias_is_the_logit_that_is_an_even_chance():
    said = 1 / (1 + np.exp(-np.array([1.2, 0.0, 3.2], np.float32)))

    found = calibrated(said, Calibration(temperature=2.0, bias=1.2))

    np.testing.assert_allclose(found, 1 / (1 + np.exp([0.0, 0.6, -1.0])), rtol=1e-5)
    assert found.dtype == np.float32


def test_where_there_is_nothing_there_is_nothing_at_any_temperature():
    assert calibrated(np.zeros(3, np.float32), Calibration(8.0, -2.0)).tolist() == [0, 0, 0]


def test_confidence_is_the_dice_that_is_to_be_expected():
    """Of voxels that are drawn as often as their probabilities say."""
    random = np.random.default_rng(0)
    p = np.where(random.random(4000) < 0.5, 0.9, 0.3).astype(np.float32)
    mask = p > 0.5

    draws = random.random((200, 4000)) < p
    dice = [2 * (draw & mask).sum() / (draw.sum() + mask.sum()) for draw in draws]

    assert confidence(p, mask) == pytest.approx(np.mean(dice), abs=2e-3)


def test_a_million_voxels_of_background_do_not_count():
    p = np.full(1_000_000, 1e-4, np.float32)
    p[:10] = 1.0

    assert confidence(p, p > 0.5) == pytest.approx(1.0)


def test_a_temperature_makes_no_lesion_of_the_background():
    """A p of 1e-4 at temperature 4 is 0.09: of a million such voxels that would be a lesion."""
    p = np.full(1_000_000, 1e-4, np.float32)
    p[:10] = 0.5
    p[:6] = 0.99

    expected = confidence(calibrated(p[:10], Calibration(4)), p[:10] > 0.5)

    assert confidence(p, p > 0.5, Calibration(4)) == pytest.approx(expected)
    assert 0.5 < expected < 0.9


def test_what_is_added_to_a_mask_counts_in_it_however_unlikely():
    p = np.array([1, 1, 1, 0.01], np.float32)  # a hole that was filled

    assert confidence(p, p > 0) == pytest.approx(2 * 3.01 / (3.01 + 4))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_an_empty_mask_is_doubted_at_the_temperature(temperature):
    p = np.array([[0.0, 0.4]], np.float32)

    expected = 1 - calibrated(p, Calibration(temperature)).max()

    assert confidence(p, p > 0.5, Calibration(temperature)) == pytest.approx(expected)


def test_eight_bits_say_no_more_than_half_a_step():
    """What is stored as 255 is 0.998 or more, and not as good as certain."""
    p = np.array([0.5, 0.997, 1.0], np.float32)

    assert in_eight_bits(p).tolist() == pytest.approx([128 / 255, 254 / 255, 1.0])
    assert calibrated(in_eight_bits(p), Calibration(2), EIGHT_BITS)[2] == pytest.approx(
        0.9576, abs=1e-4
    )
    assert calibrated(p, Calibration(2))[2] == pytest.approx(0.999, abs=1e-4)


@pytest.mark.parametrize(
    ("found", "now", "known"),
    [
        ({}, {}, True),
        ({"a": RegionRules(0.4)}, {"a": RegionRules(0.4)}, True),
        ({"a": RegionRules()}, {}, True),  # nothing is done either way
        ({"a": RegionRules(0.4)}, {}, False),
        ({}, {"b": RegionRules(fill_holes=True)}, False),
        ({"a": RegionRules(0.4)}, {"a": RegionRules(0.3)}, False),
    ],
)
def test_a_limit_holds_for_the_rules_that_it_was_found_with(found, now, known):
    doubt = Doubt(refer_below=0.6, rules=found)

    assert doubt.limit_under(Postprocessing(now)) == (0.6 if known else None)
    assert Doubt(rules=found).limit_under(Postprocessing(now)) is None


@pytest.mark.parametrize(("highest", "expected"), [(0.0, 1.0), (0.4, 0.6)])
def test_an_empty_mask_is_as_sure_as_its_least_sure_voxel(highest, expected):
    p = np.zeros((3, 4), np.float32)
    p[1, 1] = highest

    assert confidence(p, p > 0.5) == pytest.approx(expected)


def test_each_lesion_has_a_confidence_of_its_own():
    p = np.zeros((5, 7, 3), np.float32)
    p[0:2, 0, 0] = 0.6, 0.8
    p[4, 6, 2] = 0.9

    first, second = doubt_of_lesions(p, p > 0.5, voxel=0.01)

    assert first.confidence == pytest.approx(0.7)
    assert first.centre == (0.5, 0.0, 0.0)
    assert first.size == pytest.approx(0.02)
    assert (second.confidence, second.centre) == (pytest.approx(0.9), (4.0, 6.0, 2.0))


def test_nothing_has_no_lesion():
    assert list(doubt_of_lesions(np.zeros((3, 3), np.float32), np.zeros((3, 3), bool), 1.0)) == []


MEASURED = {
    "wrong_below_dice": 0.7,
    "referred": {"n": 3, "wrong": 1, "share": 1 / 3, "ci95": [0.1, 0.8]},
    "others": {"n": 0, "wrong": 0, "share": None, "ci95": None},
}


def test_doubt_is_read_as_it_was_written(tmp_path):
    doubt = Doubt(1.7, -0.4, 0.6, {"ET": RegionRules(smallest_total=0.2)}, MEASURED)
    file = tmp_path / "doubt.json"
    file.write_text(json.dumps(doubt.to_json()))

    assert read_doubt(file) == doubt


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {"format": 1},
        {"format": 2, "temperature": "hot"},
        {"format": 2, "temperature": 0},
        {"format": 2, "bias": "none"},
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path, content):
    file = tmp_path / "doubt.json"
    file.write_text(json.dumps(content))

    with pytest.raises(InputError, match=r"doubt.json: not what tune writes .*; run tune again"):
        read_doubt(file)


@pytest.mark.parametrize(
    "edited",
    [
        {"referred": {"n": 3}},
        {"referred": "none"},
        {"others": {"n": 3, "wrong": 1, "ci95": [0.1]}},
        {"wrong_below_dice": "0.7"},
    ],
)
def test_what_was_measured_and_edited_by_hand_is_refused(tmp_path, edited):
    file = tmp_path / "doubt.json"
    file.write_text(json.dumps(Doubt(measured={**MEASURED, **edited}).to_json()))

    with pytest.raises(InputError, match=r"doubt.json: not what tune writes .*; run tune again"):
        read_doubt(file)


def test_a_file_of_another_version_is_said_to_be_one(tmp_path):
    (tmp_path / "doubt.json").write_text('{"format": 1}')

    with pytest.raises(InputError, match="it is of another version"):
        read_doubt(tmp_path / "doubt.json")
