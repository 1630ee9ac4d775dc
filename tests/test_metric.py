import math

import numpy as np
import pytest
import torch
from monai.metrics import DiceMetric

from inspire_med.errors import InputError
from inspire_med.evaluation import evaluate_case
from inspire_med.metric import ProtocolMetric


def masks(batch=2, regions=2, shape=(7, 6, 5), seed=0):
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.integers(0, 2, (batch, regions, *shape))).float()


@pytest.mark.parametrize("shape", [(7, 6, 5), (9, 8)])
def test_every_case_scores_as_it_does_alone(shape):
    metric = ProtocolMetric("segmentation", ["a", "b"], spacing_mm=(1, 2, 3)[: len(shape)])
    prediction, reference = masks(shape=shape), masks(shape=shape, seed=1)

    values = metric(prediction, reference)

    for case in range(2):
        for region in range(2):
            alone = evaluate_case(
                reference[case, region].numpy(), prediction[case, region].numpy(), metric.spacing_mm
            )["foreground"].measures
            assert values[case, region].tolist() == pytest.approx(list(alone.values()))


def test_means_over_batches_are_means_over_cases_as_in_monai():
    metric, theirs = (
        ProtocolMetric("segmentation", ["a", "b"], (1, 1, 1)),
        DiceMetric(reduction="mean_batch"),
    )
    for seed in range(3):
        both = masks(seed=seed), masks(seed=seed + 9)
        metric(*both)
        theirs(*both)

    found = metric.aggregate()

    expected = theirs.aggregate().tolist()
    assert [found["a"]["dice"].mean, found["b"]["dice"].mean] == pytest.approx(expected)


def test_undefined_values_are_left_out_of_the_mean():
    metric = ProtocolMetric("segmentation", ["a"], (1, 1, 1))
    ball = torch.zeros(2, 1, 6, 6, 6)
    ball[..., 2:4, 2:4, 2:4] = 1
    missed = ball.clone()
    missed[1] = 0

    values = metric(missed, ball)

    assert math.isinf(values[1, 0].max())
    found = metric.aggregate()["a"]
    assert (found["hd95_mm"].mean, found["hd95_mm"].n, found["hd95_mm"].n_undefined) == (0.0, 1, 1)
    assert found["dice"].mean == 0.5


def test_where_nothing_is_defined_there_is_no_mean():
    metric = ProtocolMetric("segmentation", ["a"], (1, 1, 1))
    ball = torch.ones(1, 1, 3, 3, 3)
    metric(torch.zeros_like(ball), ball)

    assert metric.aggregate()["a"]["hd95_mm"].mean is None


def test_a_call_may_give_its_own_spacing():
    metric = ProtocolMetric("segmentation", ["a"], spacing_mm=(1, 1))
    ball = torch.zeros(1, 1, 6, 6)
    ball[..., 2:4, 2:4] = 1
    moved = ball.roll(1, dims=-1)

    metric(moved, ball)
    metric(moved, ball, spacing_mm=(1, 3))

    assert metric.aggregate()["a"]["hd95_mm"].mean == 2.0


def test_a_list_of_cases_of_different_sizes_is_taken_and_reset_forgets():
    metric = ProtocolMetric("segmentation", ["a"], (1, 1))
    cases = [torch.ones(1, 4, 4), torch.ones(1, 5, 3)]
    metric(cases, cases)
    assert metric.get_buffer().shape == (2, 1, 9)

    metric.reset()

    metric(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4))
    assert metric.aggregate()["a"]["dice"].mean == 0.0


@pytest.mark.parametrize(
    ("prediction", "reference", "sentence"),
    [
        (torch.ones(1, 2, 4, 4), torch.ones(1, 2, 4, 4), "1 regions"),
        (torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 5), "must both be"),
        (torch.ones(1, 1, 4, 4) / 2, torch.ones(1, 1, 4, 4), "y_pred: holds values other than"),
        (torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4) * 2, "y: holds values other than"),
    ],
)
def test_what_does_not_fit_is_refused(prediction, reference, sentence):
    with pytest.raises(InputError, match=sentence):
        ProtocolMetric("segmentation", ["a"], (1, 1))(prediction, reference)


@pytest.mark.parametrize("name", ["coco", "polyp-video"])
def test_what_scores_whole_sets_or_videos_is_refused(name):
    with pytest.raises(InputError, match=f"protocol {name}: scores a whole set or video at once"):
        ProtocolMetric(name, ["polyp"])


def test_an_unknown_protocol_is_refused():
    with pytest.raises(InputError, match="did you mean segmentation"):
        ProtocolMetric("segmentaton", ["a"])


@pytest.mark.parametrize("spacing", [None, (1, 1), (1, 1, 0)])
def test_a_spacing_that_does_not_fit_is_refused(spacing):
    ball = torch.ones(1, 1, 3, 3, 3)

    with pytest.raises(InputError, match="spacing"):
        ProtocolMetric("segmentation", ["a"], spacing)(ball, ball)


def test_flat_masks_are_no_tumours():
    flat = torch.ones(1, 1, 3, 3)

    with pytest.raises(InputError, match="protocol brats2023-gli scores volumes"):
        ProtocolMetric("brats2023-gli", ["WT"], (1, 1))(flat, flat)


def test_tissues_that_join_lesions_need_label_maps():
    ball = torch.ones(1, 1, 3, 3, 3)

    with pytest.raises(InputError, match="joins lesions across tissues"):
        ProtocolMetric("brats2024-gli", ["WT"], (1, 1, 1))(ball, ball)


def test_half_precision_and_numpys_spacing_are_taken():
    ball = torch.ones(1, 1, 3, 3, 3, dtype=torch.bfloat16)
    metric = ProtocolMetric("segmentation", ["a"], np.ones(3))

    metric(ball, ball)

    assert metric.aggregate()["a"]["dice"].mean == 1.0


def test_probabilities_are_scored_by_protocols_on_maps():
    truth = torch.zeros(1, 1, 8, 8)
    truth[..., 2:5, 2:5] = 1
    metric = ProtocolMetric("polyp-pranet", ["polyp"])

    metric(truth * 0.4, truth)

    assert metric.aggregate()["polyp"]["dice@0.5"].mean == 1.0  # maps are stretched to 0 ... 1


def test_nothing_scored_is_said():
    with pytest.raises(InputError, match="nothing was scored yet"):
        ProtocolMetric("segmentation", ["a"]).aggregate()


def test_a_set_protocol_scores_no_batches():
    with pytest.raises(InputError, match="protocol coco: scores a whole set"):
        ProtocolMetric("coco", ["a"])
