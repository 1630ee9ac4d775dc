"""What is found inside a network is what its blocks did."""

import pytest
import torch
from torch import nn

from inspire_med.blocks.align import FlowAlign
from inspire_med.blocks.resize import resize
from inspire_med.blocks.warp import warp
from inspire_med.networks import UNet
from inspire_med.networks.inside import Change, Merge, look_inside

SIZES = {2: (37, 30), 3: (21, 18, 11)}


@pytest.fixture(params=[2, 3], ids=["2d", "3d"])
def dims(request) -> int:
    return request.param


def shaken(dims: int, skip: str, **options) -> UNet:
    """A network whose parts do something."""
    network = UNet(dims, 3, 2, skip=skip, widths=(8, 12, 16), **options).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return network


def places(found):
    return [(each.step, each.level) for each in found]


def test_looking_changes_neither_the_network_nor_its_answer(dims):
    network, image = shaken(dims, "inspire"), torch.randn(1, 3, *SIZES[dims])
    before = network(image)

    found = look_inside(network, image)

    assert torch.equal(found.logits[-1][None], before)
    assert torch.equal(network(image), before)
    assert not any(module._forward_hooks for module in network.modules())


def test_every_part_of_every_pass_is_found(dims):
    found = look_inside(shaken(dims, "inspire"), torch.randn(1, 3, *SIZES[dims]))

    both = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]
    assert places(found.enhanced) == both
    assert places(found.merged) == [place for place in both if place[1] < 3]
    assert places(found.fed_back) == [(2, 1), (2, 2), (2, 3)]
    assert len(found.logits) == 2
    assert not torch.allclose(*found.logits)


@pytest.mark.parametrize(
    ("skip", "steps", "enhanced", "merged", "fed_back", "logits"),
    [
        ("concat", 2, [], [], [], 1),
        ("ise@2", 2, [(1, 2), (1, 3)], [], [], 1),
        ("ise-residual+isa-resample", 2, [(1, 1), (1, 2), (1, 3)], [(1, 1), (1, 2)], [], 1),
        # What is finer than the feedback runs in the last pass alone.
        ("ise+ssba@2", 2, [(2, 1), (1, 2), (1, 3), (2, 2), (2, 3)], [], [(2, 2), (2, 3)], 1),
        ("isa+ssba@3", 3, [], [(3, 1), (3, 2)], [(2, 3), (3, 3)], 1),
        # A sketch stands in for the decoder until the last pass.
        ("ise+ssba-light@3", 2, [(2, 1), (2, 2), (2, 3)], [], [(2, 3)], 1),
    ],
)
def test_parts_are_told_by_pass_and_level(skip, steps, enhanced, merged, fed_back, logits):
    network = shaken(2, skip, steps=steps)

    found = look_inside(network, torch.randn(1, 3, *SIZES[2]))

    assert places(found.enhanced) == enhanced
    assert places(found.merged) == merged
    assert places(found.fed_back) == fed_back
    assert len(found.logits) == logits


def test_while_further_passes_wait_there_is_one():
    network = shaken(2, "ise+ssba@2")
    network.hold_passes()

    found = look_inside(network, torch.randn(1, 3, *SIZES[2]))

    assert places(found.enhanced) == [(1, 1), (1, 2), (1, 3)]
    assert found.fed_back == []


def test_features_before_and_behind_are_those_of_the_blocks(dims):
    network, image = shaken(dims, "inspire"), torch.randn(1, 3, *SIZES[dims])
    features = network.encoder(image)
    ise = network.top_down.laterals[1]
    pyramid = network.top_down(features)

    found = look_inside(network, image)

    second = found.enhanced[1]  # pass 1, level 2
    torch.testing.assert_close(second.before[None], features[1])
    torch.testing.assert_close(second.after[None], ise(features[1]))
    attended = second.before * resize(second.attention[None], second.before.shape[1:])[0]
    torch.testing.assert_close(attended[None], ise.attention(features[1]))
    back = found.fed_back[0]
    torch.testing.assert_close(back.before[None], features[0])
    torch.testing.assert_close(back.after[None], network.feedback[0](pyramid[0], features[0]))


def test_flow_and_weight_make_the_merged_map(dims):
    network, image = shaken(dims, "isa"), torch.randn(1, 3, *SIZES[dims])
    features = network.encoder(image)
    isa = network.top_down.merges[1].merge
    assert isinstance(isa.alignment.align, FlowAlign)

    merged = next(m for m in look_inside(network, image).merged if m.level == 2)

    coarse = isa.alignment.align.reduce(features[2])
    aligned = resize(warp(coarse, merged.flow[None]), features[1].shape[2:])[:, :12]
    torch.testing.assert_close(merged.coarse[None], aligned)
    torch.testing.assert_close(merged.fine[None], features[1])
    expected = torch.lerp(features[1], aligned, merged.weight[None])
    torch.testing.assert_close(isa(features[2], features[1]), expected)


def test_a_deformable_alignment_moves_by_the_mean_of_its_points():
    network = UNet(2, 3, 2, skip="isa-deform", widths=(8, 12)).eval()
    (merge,) = network.top_down.merges
    offset = merge.merge.alignment.align.offset
    offset.bias = nn.Parameter(torch.tensor([2.0, -1.0] * 9))  # alike at all nine points

    (found,) = look_inside(network, torch.randn(1, 3, 16, 12)).merged

    torch.testing.assert_close(
        found.flow, torch.tensor([2.0, -1.0]).view(2, 1, 1).expand(2, 16, 12)
    )


def test_attention_is_resized_as_the_block_resizes_it():
    attention = torch.tensor([[[0.0, 1.0]], [[0.5, 0.5]]])  # two channels on 1 x 2 cells
    feature = torch.zeros(2, 1, 4)

    shown = Change(1, 1, attention, feature, feature).attention_on((1, 4))

    # The mean is 0.25 and 0.75; linear between the cells' centres, flat beyond them.
    torch.testing.assert_close(shown, torch.tensor([[0.25, 0.375, 0.625, 0.75]]))


def test_the_amount_of_a_change_is_relative_to_the_feature():
    before = torch.tensor([3.0, 4.0]).view(2, 1, 1).expand(2, 2, 2)  # of length 5
    after = before.clone()
    after[:, 0, 0] = 0  # as much as the feature itself
    after[0, 1, 1] += 1  # a fifth of it

    shown = Change(2, 1, torch.zeros(2, 1, 1), before, after).amount_on((2, 2))

    torch.testing.assert_close(shown, torch.tensor([[1.0, 0.0], [0.0, 0.2]]))


def test_a_flow_counts_in_voxels_of_the_size_it_is_shown_on():
    flow = torch.tensor([1.0, -2.0]).view(2, 1, 1).expand(2, 3, 5)

    nothing = torch.zeros(1, 6, 10)
    shown = Merge(1, 1, flow, nothing, nothing, nothing).flow_on((6, 20))

    torch.testing.assert_close(shown, torch.tensor([2.0, -8.0]).view(2, 1, 1).expand(2, 6, 20))


def test_the_weight_is_the_mean_of_the_channels_own():
    weight = torch.tensor([0.2, 0.6]).view(2, 1, 1).expand(2, 3, 3)

    merge = Merge(1, 1, None, weight, weight, weight)

    torch.testing.assert_close(merge.weight_on((6, 6)), torch.full((6, 6), 0.4))
    assert merge.flow_on((6, 6)) is None


def test_a_small_weight_before_a_large_map_is_a_large_share():
    coarse = torch.tensor([30.0, 40.0]).view(2, 1, 1).expand(2, 2, 2)  # of length 50
    fine = torch.tensor([0.0, 10.0]).view(2, 1, 1).expand(2, 2, 2)
    weight = torch.tensor([[[0.1, 0.1], [0.0, 1.0]]])

    shown = Merge(1, 1, None, weight, coarse, fine).share_on((2, 2))

    # 0.1 x 50 beside 0.9 x 10.
    torch.testing.assert_close(shown, torch.tensor([[5 / 14, 5 / 14], [0.0, 1.0]]))


def test_refuses_a_network_that_is_in_training():
    with pytest.raises(ValueError, match="call eval"):
        look_inside(UNet(2, 3, 2, widths=(8, 12)), torch.zeros(1, 3, 8, 8))
