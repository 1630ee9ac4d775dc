"""Strides and kernels that differ along the axes, under every part that may stand on a skip."""

import pytest
import torch
from beside import assert_beside_is_plain
from torch import nn

from inspire_med.networks import DeepSupervision, UNet, unet_encoder

RATIOS = [(1, 2, 2), (2, 1, 2), (1, 4, 2), (3, 2, 2)]
SIZES = {2: (21, 18), 3: (13, 18, 11)}
SKIPS = ["concat", "isa-norm", "ise-residual+isa-channel", "ise+isa-resample+ssba-light"]
SKIPS += ["isa-beside+ssba@2", "inspire"]
# Without the attention, whose means are taken over the whole map.
LOCAL = ["concat", "isa", "isa-beside", "isa-resample", "isa-channel", "isa-norm"]


@pytest.fixture(params=[2, 3], ids=["2d", "3d"])
def dims(request) -> int:
    return request.param


def make(dims: int, skip: str, first=(1, 2, 2), **options) -> UNet:
    """Three levels: a first step of this ratio and kernel (1, 3, 3), then 2 and 3."""
    usual = {
        "widths": (8, 12, 16),
        "strides": (first[3 - dims :], (2,) * dims),
        "kernel_sizes": ((1, 3, 3)[3 - dims :], (3, 1, 5)[3 - dims :], (3,) * dims),
    }
    return UNet(dims, 3, 2, skip=skip, **{**usual, **options})


def shake(network: nn.Module) -> nn.Module:
    """Move every parameter away from its start, so that nothing is zero by design."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return network


@pytest.mark.parametrize("ratio", RATIOS, ids=str)
@pytest.mark.parametrize("skip", SKIPS)
def test_maps_shrink_along_each_axis_by_its_strides_and_everything_learns(dims, skip, ratio):
    network, image = shake(make(dims, skip, ratio)), torch.randn(1, 3, *SIZES[dims])

    logits = DeepSupervision(network, 3)(image)
    sum(level.square().mean() for level in logits).backward()

    sizes = [SIZES[dims]]
    for strides in (ratio[3 - dims :], (2,) * dims):
        sizes.append(tuple(-(-side // s) for side, s in zip(sizes[-1], strides, strict=True)))
    assert [level.shape for level in logits] == [(1, 2, *size) for size in sizes]
    assert [n for n, p in network.named_parameters() if not p.grad.isfinite().all()] == []
    assert [n for n, p in network.named_parameters() if not p.grad.any()] == []


def test_the_deformable_merge_takes_any_ratio_too():
    network = shake(make(2, "isa-deform", strides=((4, 1), (1, 3))))

    logits = network(torch.randn(1, 3, 21, 18))
    logits.square().mean().backward()

    assert logits.shape == (1, 2, 21, 18)
    assert all(p.grad.any() for p in network.parameters())


@pytest.mark.parametrize("skip", ["concat", "inspire", "isa-norm+ssba-light"])
def test_strides_of_2_and_kernels_of_3_are_the_usual_network(dims, skip):
    torch.manual_seed(0)
    usual = UNet(dims, 3, 2, widths=(8, 12, 16), skip=skip)
    torch.manual_seed(0)
    told = make(dims, skip, strides=[[2] * dims] * 2, kernel_sizes=[[3] * dims] * 3)
    image = torch.randn(2, 3, *SIZES[dims])

    states = usual.state_dict(), told.state_dict()
    assert list(states[0]) == list(states[1])
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert torch.equal(usual(image), told(image))


@pytest.mark.parametrize("skip", LOCAL)
def test_with_kernels_and_strides_of_1_across_them_slices_are_images(skip):
    """The network of volumes gives every slice what the network of images gives it alone."""
    flat = shake(UNet(2, 3, 2, widths=(8, 12, 16), skip=skip)).eval()
    deep = make(3, skip, strides=((1, 2, 2),) * 2, kernel_sizes=((1, 3, 3),) * 3).eval()
    state = flat.state_dict()
    deep.load_state_dict({n: v[:, :, None] if v.ndim == 4 else v for n, v in state.items()})
    volume = torch.randn(2, 3, 5, 21, 18)

    slices = [flat(volume[:, :, depth]) for depth in range(5)]

    torch.testing.assert_close(deep(volume), torch.stack(slices, dim=2), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("skip", ["inspire", "ise+isa-beside+ssba-light"])
def test_of_one_slice_all_parts_make_what_they_make_of_an_image(skip):
    flat = shake(UNet(2, 3, 2, widths=(8, 12, 16), skip=skip)).eval()
    deep = make(3, skip, strides=((1, 2, 2),) * 2, kernel_sizes=((1, 3, 3),) * 3).eval()
    state = flat.state_dict()
    deep.load_state_dict({n: v[:, :, None] if v.ndim == 4 else v for n, v in state.items()})
    image = torch.randn(2, 3, 21, 18)

    torch.testing.assert_close(deep(image[:, :, None])[:, :, 0], flat(image), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("skip", [*LOCAL, "isa-deform"])
def test_along_an_axis_of_kernels_and_strides_of_1_nothing_is_seen(dims, skip, axis):
    if axis >= dims or (skip == "isa-deform" and dims == 3):
        return
    kernel, stride = ([1 if k == axis else side for k in range(dims)] for side in (3, 2))
    network = make(dims, skip, strides=[stride] * 2, kernel_sizes=[kernel] * 3)
    shake(network).eval()
    image = torch.randn(1, 3, *SIZES[dims])
    before = network(image)
    image.select(axis + 2, 4).normal_()

    differs = (network(image) - before).abs().movedim(axis + 2, 0).flatten(1).amax(1) > 1e-5

    assert differs.tolist() == [place == 4 for place in range(SIZES[dims][axis])]


@pytest.mark.parametrize("feedback", ["ssba", "ssba@2", "ssba-light"])
def test_the_second_pass_starts_as_a_copy_of_the_first(dims, feedback):
    network = make(dims, f"ise+isa+{feedback}", (1, 4, 2), steps=3).eval()
    image = torch.randn(1, 3, *SIZES[dims])
    thrice = network(image)

    network.hold_passes()

    torch.testing.assert_close(network(image), thrice)


def test_a_merge_beside_the_concatenation_starts_as_the_plain_network(dims):
    beside, plain = make(dims, "isa-beside").eval(), make(dims, "concat").eval()

    assert_beside_is_plain(beside, plain, torch.randn(2, 3, *SIZES[dims]))


def test_the_decoder_and_the_alignment_have_their_levels_kernels(dims):
    network = make(dims, "inspire")
    kernels = [(1, 3, 3)[3 - dims :], (3, 1, 5)[3 - dims :], (3,) * dims]

    for level, merge in enumerate(network.top_down.merges):
        assert [each.conv.kernel_size for each in merge.convs] == [kernels[level]] * 2
        align = merge.merge.alignment.align
        assert align.compare.kernel_size == align.flow.kernel_size == kernels[level + 1]


def test_a_strided_stem_comes_before_the_strides():
    network = make(2, "concat", (1, 2, 2), strides=((1, 2), (1, 1)), stem_stride=3)

    sizes = [tuple(level.shape[2:]) for level in network.pyramid(torch.randn(1, 3, 20, 20))]

    assert sizes == [(7, 7), (7, 4), (7, 4)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"strides": ((1, 2),)}, "3 levels have 2 steps between them; give each of these 2 num"),
        ({"strides": ((1, 2, 2),) * 2}, "give each of these 2 numbers of at least 1, one an axis"),
        ({"strides": ((0, 2), (2, 2))}, "give each of these 2 numbers of at least 1, one an axis"),
        ({"kernel_sizes": ((1, 3),) * 2}, "there are 3 levels; give each of them 2 odd numbers"),
        ({"kernel_sizes": ((1, 4),) * 3}, "give each of them 2 odd numbers, one an axis, and not"),
        ({"kernel_sizes": ((1, 1),) * 3}, "and not all of them 1"),
        ({"kernel_sizes": ((-1, 3),) * 3}, "give each of them 2 odd numbers"),
    ],
)
def test_what_is_not_of_these_levels_and_axes_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        unet_encoder(2, 3, (4, 8, 8), **options)


def test_an_encoder_that_is_given_has_strides_of_its_own():
    with pytest.raises(ValueError, match="strides: the encoder that is given has its own; leave"):
        UNet(2, 3, 1, strides=((1, 2),), encoder=unet_encoder(2, 3, (8, 16)))


@pytest.mark.slow
def test_exports_with_free_sizes(dims):
    network = shake(make(dims, "inspire")).eval()
    free = dict.fromkeys((0, *range(2, dims + 2)), torch.export.Dim.AUTO)
    image = torch.randn(2, 3, *(32, 40, 24)[:dims])
    program = torch.export.export(network, (image,), dynamic_shapes=(free,))

    other = torch.randn(1, 3, *(37, 29, 31)[:dims])

    torch.testing.assert_close(program.module()(other), network(other), atol=1e-5, rtol=1e-5)
