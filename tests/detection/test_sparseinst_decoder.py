import math

import pytest
import torch
import torch.nn.functional as F

from inspire_med.detection.sparseinst.activation_maps import SigmoidMaps, SoftmaxMaps
from inspire_med.detection.sparseinst.decoder import SparseInstDecoder
from inspire_med.detection.sparseinst.instance_branch import (
    GroupInstanceBranch,
    InstanceBranch,
    pool,
    regroup,
)
from inspire_med.detection.sparseinst.mask_branch import MaskBranch

SMALL = {"num_classes": 3, "num_masks": 5, "channels": 8, "kernel_channels": 4}
SIGMOID, SOFTMAX = {"type": "SigmoidMaps"}, {"type": "SoftmaxMaps"}


def branch(kind=InstanceBranch, maps=SIGMOID, **options):
    return kind(6, maps=maps, **{**SMALL, **options})


def test_sigmoid_maps_by_hand():
    # sigmoid(0) = 1/2, sigmoid(log 3) = 3/4, sigmoid(-log 3) = 1/4: sum 3/2.
    weights = SigmoidMaps()(torch.tensor([[[0.0, math.log(3), -math.log(3)]]]))

    torch.testing.assert_close(weights, torch.tensor([[[1 / 3, 1 / 2, 1 / 6]]]))


@pytest.mark.parametrize("maps", [SigmoidMaps(), SoftmaxMaps()])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_maps_sum_to_one_over_many_positions_in_float32(maps, dtype):
    # Seventy thousand sigmoids of 1 sum above float16's largest number.
    weights = maps(torch.full((1, 2, 70_000), 9.0, dtype=dtype))

    assert weights.dtype == torch.float32
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(1, 2), atol=1e-4, rtol=0)


def test_sigmoid_maps_of_nothing_are_finite():
    assert SigmoidMaps()(torch.full((1, 1, 4), -200.0)).tolist() == [[[0, 0, 0, 0]]]


def test_softmax_maps_do_not_change_with_their_scalar():
    maps, scores = SoftmaxMaps(), torch.randn(2, 3, 40)
    expected = torch.softmax(scores, dim=2)

    for bias in (1.0, -3.0, 20.0):
        torch.nn.init.constant_(maps.bias, bias)
        torch.testing.assert_close(maps(scores), expected)
    maps(scores).square().sum().backward()
    assert SoftmaxMaps().bias.item() == 1
    assert maps.bias.grad.abs().item() < 1e-5


def test_regrouping_by_hand():
    # Map 3 g + n belongs to group g of instance n; vectors of two channels tell them apart.
    vectors = torch.tensor([[[10 * index, 10 * index + 1] for index in range(6)]])

    assert regroup(vectors, 2).tolist() == [[[0, 1, 30, 31], [10, 11, 40, 41], [20, 21, 50, 51]]]


def test_pooling_is_a_weighted_sum_of_all_channels():
    maps, features = torch.randn(2, 3, 20), torch.randn(2, 4, 5, 4)

    expected = torch.einsum("bmp,bcp->bmc", maps, features.flatten(2))

    torch.testing.assert_close(pool(maps, features), expected)


def test_a_group_sees_its_own_channels_alone_but_pools_all():
    built = branch(GroupInstanceBranch, groups=2)
    features = torch.randn(1, 8, 6, 6)
    changed = features.clone()
    changed[:, 4:] += 1

    scores, after = built.score(features), built.score(changed)

    torch.testing.assert_close(scores[:, :5], after[:, :5], rtol=0, atol=0)
    assert not torch.allclose(scores[:, 5:], after[:, 5:])
    maps = built.maps(scores.flatten(2))
    assert not torch.allclose(pool(maps, features)[:, :5], pool(maps, changed)[:, :5])


def test_basic_branch_follows_the_sheet():
    built, x = branch(), torch.randn(2, 6, 5, 7)

    features = built.tower(x).flatten(2)
    score = torch.sigmoid(built.score(built.tower(x)).flatten(2))
    vectors = (score / score.sum(2, keepdim=True)) @ features.transpose(1, 2)
    found = built(x)

    torch.testing.assert_close(found.classes, F.linear(vectors, *built.heads.classify.parameters()))
    torch.testing.assert_close(found.kernels, F.linear(vectors, *built.heads.kernel.parameters()))
    assert found.objectness.shape == (2, 5, 1)


def test_group_branch_concatenates_the_groups_of_an_instance():
    built, x = branch(GroupInstanceBranch, groups=4), torch.randn(2, 6, 5, 7)

    features = built.tower(x)
    vectors = pool(built.maps(built.score(features).flatten(2)), features)
    second = torch.cat([vectors[:, 5 * group + 2] for group in range(4)], dim=1)
    expected = built.heads.classify(torch.relu(built.mix(second)))

    torch.testing.assert_close(built(x).classes[:, 2], expected)


def test_branches_start_as_published():
    for built in (branch(), branch(GroupInstanceBranch, channels=64)):
        assert built.score.bias.unique().tolist() == pytest.approx([-4.595], abs=1e-3)
        assert built.heads.classify.bias.unique().tolist() == pytest.approx([-4.595], abs=1e-3)
        assert not built.heads.kernel.bias.any()
        for layer in (built.score, built.heads.classify, built.heads.kernel):
            assert 0 < layer.weight.abs().max() < 0.06


def decoder(kind="InstanceBranch", maps=SIGMOID):
    instances = {"type": kind, "maps": maps, **SMALL}
    masks = {"type": "MaskBranch", "channels": 8, "kernel_channels": 4}
    return SparseInstDecoder(6, instances, masks)


@pytest.mark.parametrize("kind", ["InstanceBranch", "GroupInstanceBranch"])
@pytest.mark.parametrize("maps", [SIGMOID, SOFTMAX])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (11, 6)])
def test_any_size_any_kind(kind, maps, size):
    built = decoder(kind, maps)

    found = built(torch.randn(2, 6, *size))
    sum(logits.square().sum() for logits in found).backward()

    assert found.classes.shape == (2, 5, 3)
    assert found.masks.shape == (2, 5, 2 * size[0], 2 * size[1])
    assert found.objectness.shape == (2, 5, 1)
    for parameter in built.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()


def test_masks_are_kernels_times_mask_features_doubled_in_size():
    built, features = decoder(), torch.randn(2, 6, 4, 5)
    x = torch.cat([torch.zeros(2, 2, 4, 5), features], dim=1)
    x[:, 0], x[:, 1] = torch.linspace(-1, 1, 5), torch.linspace(-1, 1, 4)[:, None]

    masks = torch.einsum("bnk,bkhw->bnhw", built.instances(x).kernels, built.masks(x))
    expected = F.interpolate(masks, size=(8, 10), mode="bilinear", align_corners=False)

    torch.testing.assert_close(built(features).masks, expected)


def test_an_image_is_decoded_the_same_alone_and_in_a_batch():
    built, features = decoder("GroupInstanceBranch"), torch.randn(3, 6, 8, 8)

    for whole, alone in zip(built(features), built(features[1:2]), strict=True):
        torch.testing.assert_close(whole[1:2], alone)


def test_mask_branch_ends_linear():
    masks = MaskBranch(6, 8, 4)(torch.randn(1, 6, 8, 8))

    assert (masks < 0).any()
    assert (masks > 0).any()
