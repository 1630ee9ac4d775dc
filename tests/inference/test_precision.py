import pytest
import torch

from inspire_med.inference import precision
from inspire_med.inference.precision import autocast, choose_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_the_choice_names_what_was_measured(spatial_dims):
    choice = choose_precision(spatial_dims, CPU)

    assert choice.name in ("32-true", "bf16-mixed")
    assert "32-true" in choice.reason
    assert "bf16-mixed" in choice.reason


def test_the_trial_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    choose_precision(2, CPU)

    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("fault", [float("nan"), 1.5])
def test_a_precision_that_computes_wrongly_is_not_chosen(monkeypatch, fault):
    honest = precision._pass

    def faulty(block, image, name):
        results, _ = honest(block, image, name)
        if name == "32-true":
            return results, 10.0
        return [result * fault for result in results], 0.001

    monkeypatch.setattr(precision, "_pass", faulty)
    choice = choose_precision(3, CPU)

    assert choice.name == "32-true"
    assert "wrong" in choice.reason


@pytest.mark.parametrize("faster", ["32-true", "bf16-mixed"])
def test_of_two_right_ones_the_faster_is_chosen(monkeypatch, faster):
    honest = precision._pass
    monkeypatch.setattr(
        precision, "_pass", lambda b, i, name: (honest(b, i, name)[0], 1.0 + (name != faster))
    )

    assert choose_precision(2, CPU).name == faster


def test_the_best_time_counts_as_other_work_disturbs_any_turn(monkeypatch):
    seconds = {"32-true": iter([5.0, 1.0] + [5.0] * 9), "bf16-mixed": iter([2.0] * 11)}
    results = [torch.ones(3)]
    monkeypatch.setattr(precision, "_pass", lambda _, __, name: (results, next(seconds[name])))

    assert choose_precision(2, CPU).name == "32-true"


def test_autocast_follows_the_name():
    layer, x = torch.nn.Linear(2, 2), torch.ones(1, 2)

    with autocast("bf16-mixed", CPU):
        assert layer(x).dtype == torch.bfloat16
    with autocast("32-true", CPU):
        assert layer(x).dtype == torch.float32
