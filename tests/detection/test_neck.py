import pytest
import torch
from mmcv.ops import roi_align
from mmdet.registry import MODELS

import inspire_med.detection.neck
from inspire_med.blocks import inspire_pyramid
from inspire_med.errors import InputError

CHANNELS = (4, 6, 8)
ODD = ((25, 21), (13, 11), (7, 6))


def features(sizes=ODD, batch=1):
    return [torch.randn(batch, c, *size) for c, size in zip(CHANNELS, sizes, strict=True)]


def neck(**options):
    given = {"type": "InspireFPN", "in_channels": CHANNELS, "out_channels": 16, "num_outs": 5}
    return MODELS.build({**given, **options})


def randomise(module):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.2)
    return module


def test_gives_what_the_blocks_alone_give():
    ours = randomise(neck(num_outs=3))
    blocks = inspire_pyramid(2, CHANNELS, 16, out_channels=16)
    blocks.load_state_dict(ours.pyramid.state_dict())
    maps = features()

    for a, b in zip(ours(maps), blocks(maps), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["InspireFPN", "ReleasedInspireFPN"])
@pytest.mark.parametrize("extra", [False, True, "on_input", "on_lateral", "on_output"])
def test_odd_sizes_batch_1_and_every_kind_of_extra_level(kind, extra):
    maps = features()
    built = neck(type=kind, add_extra_convs=extra, width=12)

    outputs = built(maps)
    sum(p.square().mean() for p in outputs).backward()

    assert [tuple(p.shape) for p in outputs] == [
        (1, 16, 25, 21),
        (1, 16, 13, 11),
        (1, 16, 7, 6),
        (1, 16, 4, 3),
        (1, 16, 2, 2),
    ]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in built.parameters())


@pytest.mark.parametrize("kind", ["InspireFPN", "ReleasedInspireFPN"])
@pytest.mark.parametrize("extra", [False, "on_input", "on_output"])
def test_a_second_stage_reads_the_maps_as_they_are(kind, extra):
    """One sample at every pixel's centre makes RoIAlign the identity."""
    for level in neck(type=kind, add_extra_convs=extra, width=12)(features(batch=2)):
        height, width = level.shape[2:]
        whole = torch.tensor([[item, 0.0, 0.0, width, height] for item in range(2)])
        read = roi_align(level, whole, (height, width), 1.0, 1, "avg", True)
        torch.testing.assert_close(read, level, rtol=1e-5, atol=1e-6)


def test_extra_levels_read_what_they_are_told():
    maps = features()
    by_input, by_lateral, by_output = (
        randomise(neck(add_extra_convs=source, num_outs=4))
        for source in ("on_input", "on_lateral", "on_output")
    )

    torch.testing.assert_close(by_input(maps)[3], by_input.extra.convs[0](maps[-1]))
    lateral = by_lateral.pyramid.top_down(maps)[-1]
    torch.testing.assert_close(by_lateral(maps)[3], by_lateral.extra.convs[0](lateral))
    outputs = by_output(maps)
    torch.testing.assert_close(outputs[3], by_output.extra.convs[0](outputs[2]))


def test_a_relu_precedes_the_second_extra_level_when_asked():
    built = randomise(neck(add_extra_convs=True, relu_before_extra_convs=True))
    outputs = built(features())

    torch.testing.assert_close(outputs[4], built.extra.convs[1](outputs[3].relu()))


def test_pooled_levels_take_every_second_pixel():
    outputs = neck()(features())

    torch.testing.assert_close(outputs[3], outputs[2][..., ::2, ::2])
    torch.testing.assert_close(outputs[4], outputs[3][..., ::2, ::2])


def test_start_and_end_level_choose_the_maps():
    maps = features()
    fine = neck(num_outs=2, end_level=1)
    coarse = neck(num_outs=2, start_level=1)

    assert [tuple(p.shape[2:]) for p in fine(maps)] == [(25, 21), (13, 11)]
    assert [tuple(p.shape[2:]) for p in coarse(maps)] == [(13, 11), (7, 6)]


def test_initialising_a_detector_leaves_the_blocks_starts_alone():
    built = neck()
    before = {name: tensor.clone() for name, tensor in built.state_dict().items()}

    built.init_weights()

    for name, tensor in built.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


@pytest.mark.parametrize("levels", [1, 2, 6])
def test_any_number_of_levels(levels):
    channels = [3 + level for level in range(levels)]
    maps = [torch.randn(2, c, 2 ** (7 - j), 33) for j, c in enumerate(channels)]

    built = neck(in_channels=channels, num_outs=levels)

    assert len(built(maps)) == levels


def test_says_which_levels_cannot_be():
    with pytest.raises(InputError, match="2 outputs from levels 0 to 2 of 3 backbone maps"):
        neck(num_outs=2)
    with pytest.raises(InputError, match="levels 0 to 3 of 3"):
        neck(end_level=3)
    with pytest.raises(InputError, match="add_extra_convs='on_top' is unknown"):
        neck(add_extra_convs="on_top")
    with pytest.raises(InputError, match="names 3 maps and the backbone gives 2"):
        neck()(features()[:2])


def test_registers_under_its_names():
    assert MODELS.get("InspireFPN") is inspire_med.detection.neck.InspireFPN
    assert MODELS.get("ReleasedInspireFPN") is inspire_med.detection.neck.ReleasedInspireFPN
