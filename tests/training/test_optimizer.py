import pytest
import torch

from inspire_med.config import OptimizerConfig
from inspire_med.training.optimizer import learning_rate, make_optimizer, set_learning_rate


def test_cosine_by_hand():
    config = OptimizerConfig(lr=2.0, warmup=0.2, schedule="cosine")

    assert learning_rate(config, 0.1) == pytest.approx(1.0)  # half of the warm-up
    assert learning_rate(config, 0.2) == pytest.approx(2.0)
    assert learning_rate(config, 0.6) == pytest.approx(1.0)  # half of the rest
    assert learning_rate(config, 1.0) == pytest.approx(0.0)


def test_polynomial_by_hand():
    config = OptimizerConfig(lr=1.0, warmup=0.0, schedule="poly")

    assert learning_rate(config, 0.0) == pytest.approx(1.0)
    assert learning_rate(config, 0.5) == pytest.approx(0.5**0.9)


def test_the_first_step_moves():
    assert learning_rate(OptimizerConfig(), 0.0) > 0


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_norms_and_biases_are_not_decayed(name):
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    optimizer = make_optimizer(network, OptimizerConfig(name=name, weight_decay=0.1))

    decayed = [
        p for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]
    ]
    assert [p.dim() for p in decayed] == [4]
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 4


def test_every_group_gets_the_rate():
    optimizer = make_optimizer(torch.nn.Conv2d(1, 2, 3), OptimizerConfig())
    set_learning_rate(optimizer, 0.25)

    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]


def test_the_encoders_groups_have_their_share_of_the_rate():
    encoder = torch.nn.Conv2d(1, 2, 3)
    network = torch.nn.Sequential(encoder, torch.nn.Conv2d(2, 3, 3))
    optimizer = make_optimizer(network, OptimizerConfig(encoder_lr=0.25), encoder)

    set_learning_rate(optimizer, 0.5)

    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert [rates[id(p)] for p in network.parameters()] == [0.125, 0.125, 0.5, 0.5]
    decays = [group["weight_decay"] for group in optimizer.param_groups]
    assert decays == [0.01, 0.0, 0.01, 0.0]


def test_without_a_factor_the_groups_are_the_usual_two():
    network = torch.nn.Conv2d(1, 2, 3)

    optimizer = make_optimizer(network, OptimizerConfig(), network)

    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 1]
