import pytest
import torch

from inspire_med.networks import UNet, build_network
from inspire_med.training.transfer import (
    Axes,
    Named,
    axes_of,
    by_channel,
    of_further_passes,
    tensors_of,
    transferred,
)

NO_AXES = Axes({}, {})


def description(dims=2, **options):
    usual = {"spatial_dims": dims, "in_channels": 3, "out_channels": 2, "widths": [4, 8]}
    return {**usual, "skip": "concat", **options}


def test_channels_follow_by_name_and_new_ones_get_the_mean():
    stored = torch.tensor([[1.0, 2.0, 6.0]])

    found = by_channel(stored, 1, ["a", "b", "c"], ["c", "new", "a"])

    assert found.tolist() == [[6.0, 3.0, 1.0]]


def test_channels_of_other_names_give_what_equal_ones_gave():
    stored = torch.tensor([[1.0, 2.0, 6.0]])

    found = by_channel(stored, 1, ["a", "b", "c"], ["x", "y"])

    assert found.tolist() == [[4.5, 4.5]]


def test_regions_follow_by_name_and_new_ones_stay():
    old = Named({"w": torch.tensor([[1.0], [2.0]])}, [], ["core", "whole"])
    new = Named({"w": torch.tensor([[7.0], [8.0], [9.0]])}, [], ["whole", "scar", "core"])

    found = transferred(old, new, Axes({}, {"w": 0}))

    assert found.taken["w"].tolist() == [[2.0], [8.0], [1.0]]


def test_a_head_of_other_regions_is_not_taken_though_it_has_the_shape():
    old = Named({"w": torch.ones(2, 1)}, [], ["core", "whole"])
    new = Named({"w": torch.zeros(2, 1)}, [], ["liver", "kidney"])

    found = transferred(old, new, Axes({}, {"w": 0}))

    assert (dict(found.taken), found.fresh, found.left) == ({}, ["w"], ["w"])


def test_what_has_another_name_or_shape_is_told():
    old = Named({"same": torch.ones(2), "wide": torch.ones(3), "old": torch.ones(1)}, [], [])
    new = Named({"same": torch.zeros(2), "wide": torch.zeros(2), "new": torch.zeros(1)}, [], [])

    found = transferred(old, new, NO_AXES)

    assert list(found.taken) == ["same"]
    assert found.fresh == ["wide", "new"]
    assert found.left == ["wide", "old"]


@pytest.mark.parametrize("dims", [2, 3])
def test_the_axes_are_the_first_layers_and_the_heads(dims):
    axes = axes_of(description(dims, skip="inspire", in_channels=4, out_channels=4))

    (first,) = axes.channels
    assert first.startswith("encoder.stages.0.0.")
    assert axes.channels[first] == 1
    assert axes.regions == {"head.weight": 0, "head.bias": 0}


@pytest.mark.slow
def test_the_axes_of_a_network_of_monais():
    axes = axes_of(description(monai="UNet"))

    assert set(axes.channels.values()) == {1}
    # Its last layer is a transposed convolution, whose kernel has the outputs second.
    assert sorted(axes.regions.values()) == [0, 1]


@pytest.mark.parametrize("steps", [2, 3])
def test_what_passes_share_is_there_once_under_the_first_ones_name(steps):
    network = build_network(description(skip="ssba-light", steps=steps))
    assert isinstance(network, UNet)

    tensors = tensors_of(network)

    parameters = {id(p) for p in network.parameters()}
    named = [name for name, tensor in tensors.items() if id(tensor) in parameters]
    assert len(named) == len(parameters)
    assert not any(map(of_further_passes, named))
    assert any(map(of_further_passes, tensors))
