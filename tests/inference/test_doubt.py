import json

import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.inference.doubt import (
    Doubt,
    confidence,
    doubt_of_lesions,
    entropy,
    read_doubt,
    tempered,
)


def test_doubt_is_a_bit_at_one_half_and_nothing_at_the_ends():
    found = entropy(np.array([0.5, 0.0, 1.0, 0.25], np.float32))

    np.testing.assert_allclose(found, [1, 0, 0, 0.8113], atol=1e-4)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_tempering_divides_logits(temperature):
    p = np.array([0.001, 0.2, 0.5, 0.9, 0.999], np.float32)

    found = tempered(p, temperature)

    logits = np.log(p / (1 - p)) / temperature
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits)), rtol=1e-4)
    assert np.isfinite(tempered(np.array([0.0, 1.0], np.float32), temperature)).all()


def test_where_there_is_nothing_there_is_nothing_at_any_temperature():
    assert tempered(np.zeros(3, np.float32), 8.0).tolist() == [0, 0, 0]


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


def test_doubt_is_read_as_it_was_written(tmp_path):
    doubt = Doubt(1.7, 0.6, {"referred": {"n": 3}})
    file = tmp_path / "doubt.json"
    file.write_text(json.dumps(doubt.to_json()))

    assert read_doubt(file) == doubt


@pytest.mark.parametrize(
    "content",
    [[], {}, {"format": 2}, {"format": 1, "temperature": "hot"}, {"format": 1, "temperature": 0}],
)
def test_what_is_no_such_file_is_refused(tmp_path, content):
    file = tmp_path / "doubt.json"
    file.write_text(json.dumps(content))

    with pytest.raises(InputError, match=r"doubt.json: not what tune writes .*; run tune again"):
        read_doubt(file)
