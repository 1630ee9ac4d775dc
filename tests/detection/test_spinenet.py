import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from mmengine.model import revert_sync_batchnorm
from torch import nn

from inspire_med.detection.spinenet import SpineNet
from inspire_med.detection.spinenet.resample import Resample
from inspire_med.detection.spinenet.table import BLOCKS, ENDPOINTS, VARIANTS
from inspire_med.errors import InputError

NORM = {"type": "BN", "momentum": 0.01, "eps": 1e-3}
# Block: parameters of its two edges and of its residual units, SpineNet-49.
PARAMETERS = {
    2: (16_960, 16_960, 70_400),
    3: (26_240, 26_240, 1_180_672),
    4: (34_944, 99_584, 280_064),
    5: (52_352, 137_472, 1_117_184),
    6: (214_016, 312_320, 1_180_672),
    7: (166_144, 264_448, 1_117_184),
    8: (66_304, 312_320, 1_180_672),
    9: (214_016, 214_016, 1_180_672),
    10: (166_144, 166_144, 1_117_184),
    11: (166_144, 264_448, 1_117_184),
    12: (264_448, 264_448, 1_117_184),
    13: (66_688, 197_888, 280_064),
    14: (412_160, 412_160, 1_117_184),
    15: (412_160, 412_160, 1_117_184),
    16: (412_160, 412_160, 1_117_184),
}


@pytest.fixture(scope="module")
def small() -> SpineNet:
    """SpineNet-49S as training starts, in eval mode."""
    torch.manual_seed(0)
    backbone = SpineNet("49S")
    backbone.init_weights()
    return backbone.eval()


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arch", "parameters"),
    [
        ("49S", 9_089_215),
        ("49", 21_831_488),
        ("96", 36_262_976),
        ("143", 60_247_616),
        ("190", 126_587_664),
    ],
)
def test_has_the_published_parameters_and_map_sizes(arch, parameters):
    with torch.device("meta"):
        backbone = SpineNet(arch)
        maps = backbone(torch.empty(2, 3, 640, 640))

    channels = VARIANTS[arch].endpoint_channels
    assert size(backbone) == parameters
    assert [tuple(m.shape) for m in maps] == [(2, channels, s, s) for s in (80, 40, 20, 10, 5)]


def test_every_part_has_its_published_parameters():
    with torch.device("meta"):
        backbone = SpineNet("49")

    assert size(backbone.stem) == 9_536
    assert [size(stage) for stage in backbone.initial] == [75_008, 70_400]
    for block, merge, stage in zip(range(2, 17), backbone.merges, backbone.permuted, strict=True):
        assert tuple(map(size, (merge.first, merge.second, stage))) == PARAMETERS[block]
    assert [size(endpoint) for endpoint in backbone.endpoints] == [131_584, *[262_656] * 4]


def test_the_table_has_one_dangling_block():
    """The original's rule, by level and channels: what an output adds must feed nobody before."""
    degree = [0] * len(BLOCKS)
    found = {}
    for number, block in enumerate(BLOCKS):
        if number in ENDPOINTS:
            for earlier in range(number):
                alike = BLOCKS[earlier][:2] == block[:2]
                if alike and not degree[earlier]:
                    found[number] = earlier
                    degree[earlier] += 1
        for parent in block.parents:
            degree[parent] += 1

    assert found == {14: 11}
    assert {n: b.dangling for n, b in enumerate(BLOCKS) if b.dangling is not None} == found


def test_parents_come_before_their_blocks_and_outputs_are_p3_to_p7():
    assert all(max(b.parents) < n for n, b in enumerate(BLOCKS) if b.parents)
    assert [BLOCKS[number].level for number in ENDPOINTS] == [3, 4, 5, 6, 7]


@pytest.mark.parametrize("side", [64, 128])
def test_block_11_reaches_p5_and_what_stands_on_it_in_small_images_too(small, side):
    image = torch.randn(1, 3, side, side)
    with torch.no_grad():
        before = small(image)
        hook = small.permuted[11 - 2].register_forward_hook(lambda m, i, o: torch.zeros_like(o))
        after = small(image)
        hook.remove()

    same = [torch.equal(b, a) for b, a in zip(before, after, strict=True)]
    assert same == [True, True, False, False, False]


@pytest.mark.parametrize(("height", "width"), [(128, 128), (97, 161), (1, 1), (640, 33)])
def test_takes_images_of_any_size_one_at_a_time(small, height, width):
    with torch.no_grad():
        maps = small(torch.randn(1, 3, height, width))

    expected = [(math.ceil(height / s), math.ceil(width / s)) for s in (8, 16, 32, 64, 128)]
    assert [tuple(m.shape) for m in maps] == [(1, 128, *size) for size in expected]
    assert all(m.isfinite().all() for m in maps)


def test_images_of_a_batch_do_not_meet(small):
    images = torch.randn(2, 3, 70, 100)
    with torch.no_grad():
        together = small(images)
        alone = [small(image[None]) for image in images]

    for level, m in enumerate(together):
        # float32 sums over a thousand channels, in another order
        torch.testing.assert_close(m, torch.cat([a[level] for a in alone]), atol=1e-4, rtol=1e-4)


def test_every_parameter_gets_a_finite_gradient():
    backbone = SpineNet("49S").train()
    sum(m.square().mean() for m in backbone(torch.randn(2, 3, 97, 65))).backward()

    for name, parameter in backbone.named_parameters():
        assert parameter.requires_grad, name
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_nothing_is_frozen_and_every_norm_learns():
    backbone = SpineNet("49S").eval().train()

    norms = [m for m in backbone.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(norm.training and norm.momentum == 0.01 and norm.eps == 1e-3 for norm in norms)
    # stem, 2 units of 3 and the projection, 15 blocks, 30 edges of 2 or (11 down) 3, 5 endpoints
    units = sum(3 if block.expansion == 4 else 2 for block in BLOCKS)
    down = sum(BLOCKS[p].level < block.level for block in BLOCKS for p in block.parents)
    assert len(norms) == 1 + units + 1 + 2 * 30 + down + 5


def test_starts_as_its_paper_says(small):
    for stage in itertools.chain(small.initial, small.permuted):
        for unit in stage:
            last = unit.norm3 if hasattr(unit, "norm3") else unit.norm2
            assert not last.weight.any()
            assert (unit.norm1.weight == 1).all()
    narrow = small.merges[0].first.narrow
    assert (narrow.norm.weight == 1).all()
    assert not narrow.norm.bias.any()
    weight = small.permuted[3].get_submodule("0").conv2.weight  # 166 x 166 x 3 x 3
    assert weight.std().item() == pytest.approx(math.sqrt(2 / (166 * 9)), rel=0.02)


def test_endpoints_are_activated_on_request_alone(small):
    activated = SpineNet("49S", activate_endpoints=True).eval()
    activated.load_state_dict(small.state_dict())
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        plain, clipped = small(image), activated(image)

    assert all((m < 0).any() for m in plain)
    for before, after in zip(plain, clipped, strict=True):
        torch.testing.assert_close(after, before.relu())


def test_sync_bn_turns_into_bn_with_the_same_numbers():
    norm = {**NORM, "type": "SyncBN", "requires_grad": True}
    backbone = SpineNet("49S", norm_cfg=norm)
    layers = [m for m in backbone.modules() if isinstance(m, nn.SyncBatchNorm)]
    before = backbone.state_dict()

    reverted = revert_sync_batchnorm(backbone)

    assert layers
    assert not any(isinstance(m, nn.SyncBatchNorm) for m in reverted.modules())
    assert reverted.state_dict().keys() == before.keys()
    assert all(torch.equal(v, before[k]) for k, v in reverted.state_dict().items())


def test_an_unknown_size_is_refused():
    with pytest.raises(InputError, match="backbone.arch='50' is unknown; give one of 49S, 49, 96"):
        SpineNet("50")


def test_a_size_that_a_command_line_made_a_number_is_known():
    with torch.device("meta"):
        assert size(SpineNet(49)) == 21_831_488


def test_an_edge_up_repeats_pixels():
    edge = Resample(8, 4, 6, levels_down=-2, norm_cfg=NORM).eval()
    x = torch.randn(1, 8, 3, 5)
    with torch.no_grad():
        repeated = edge.narrow(x).repeat_interleave(4, 2).repeat_interleave(4, 3)

        torch.testing.assert_close(edge(x, (12, 20)), edge.widen(repeated))


@pytest.mark.parametrize(("levels", "kernel"), [(1, None), (2, 3), (3, 5)])
@pytest.mark.parametrize("side", [16, 13])
def test_an_edge_down_strides_and_pools(levels, kernel, side):
    edge = Resample(8, 4, 6, levels_down=levels, norm_cfg=NORM).eval()
    x = torch.randn(1, 8, side, side + 3)
    target = tuple(math.ceil(length / 2**levels) for length in x.shape[2:])
    with torch.no_grad():
        y = edge.narrow(x)
        scale = edge.down[0].norm.weight / torch.sqrt(edge.down[0].norm.running_var + 1e-3)
        y = F.relu(F.conv2d(y, edge.down[0].conv.weight * scale.view(-1, 1, 1, 1), None, 2, 1))
        if kernel:
            y = F.max_pool2d(y, kernel, 2 ** (levels - 1), kernel // 2)

        torch.testing.assert_close(edge(x, target), edge.widen(y))
