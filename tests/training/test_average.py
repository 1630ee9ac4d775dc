import copy

import pytest
import torch
from torch import nn

from inspire_med.training.average import moving_average


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))


def set_to(network: nn.Module, value: float) -> None:
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            tensor.fill_(value)


def followed(values, decay):
    """The average of a network whose every number took these values, one a step."""
    learning = network()
    average = moving_average(learning, decay)
    for value in values:
        set_to(learning, value)
        average.update_parameters(learning)
    return average


def test_the_first_steps_weigh_as_known_by_hand():
    # The first is copied; then the old average keeps 2/11 and 3/12 of its weight.
    average = followed([1.0, 2.0, 5.0], decay=0.999)

    second = 1.0 * 2 / 11 + 2.0 * 9 / 11
    assert average.module[0].weight[0].item() == pytest.approx(second * 3 / 12 + 5.0 * 9 / 12)


def test_late_steps_weigh_as_the_decay_says():
    average = followed([1.0] * 200 + [2.0], decay=0.9)

    assert average.module[0].weight[0].item() == pytest.approx(1.1)


def test_a_short_run_does_not_end_where_it_began():
    average = followed([0.0] + [1.0] * 100, decay=0.9999)

    assert average.module[0].weight[0].item() > 0.999


def test_running_statistics_are_averaged_too():
    average = followed([1.0] * 200 + [3.0], decay=0.9)

    norm = average.module[1]
    assert norm.running_mean[0].item() == pytest.approx(1.2)
    assert norm.running_var[0].item() == pytest.approx(1.2)


def test_the_network_itself_is_left_alone():
    learning = network()
    average = moving_average(learning, 0.9)
    before = copy.deepcopy(learning.state_dict())

    for _ in range(3):
        average.update_parameters(learning)

    assert all(torch.equal(before[name], value) for name, value in learning.state_dict().items())
