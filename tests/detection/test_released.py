"""The published neck, built a second time from its description with mmcv's own operator."""

import pytest
import torch
import torch.nn.functional as F
from mmcv.ops import DeformConv2dPack
from torch import nn

from inspire_med.detection.released import load_released
from inspire_med.errors import InputError


class PublishedISE(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv_atten = nn.Conv2d(c, c, 1, bias=False)
        self.lateral = nn.Conv2d(c, c, 1, bias=False)
        self.conv = nn.Conv2d(c, c, 1, bias=False)
        self.batchnorm_in = nn.BatchNorm2d(c)
        self.batchnorm_out = nn.BatchNorm2d(c)

    def forward(self, x):
        pooled = F.adaptive_avg_pool2d(x, 1)
        a = F.silu(self.batchnorm_in(self.conv_atten(pooled))).sigmoid()
        y = F.silu(self.batchnorm_in(self.lateral(x))) + x * a
        return F.silu(self.batchnorm_out(self.conv(y)))


class PublishedISA(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.lateral_conv = PublishedISE(c)
        self.up = nn.ConvTranspose2d(c, c, 2, 2, bias=False)
        self.batchnorm_up = nn.BatchNorm2d(c)
        self.lateral = nn.Conv2d(c, c, 1, bias=False)
        self.offset = nn.Conv2d(2 * c, c, 1, bias=False)
        self.batchnorm = nn.BatchNorm2d(c)
        self.deform = DeformConv2dPack(2 * c, c, 3, padding=1, bias=False)
        self.gate_weight = nn.Conv2d(2 * c, 1, 1)

    def forward(self, fine, coarse):
        u = F.silu(self.batchnorm_up(self.up(coarse)))
        u = F.silu(self.lateral(u))
        r = self.lateral_conv(fine)
        o = self.batchnorm(self.offset(torch.cat([r, 2 * u], 1)))
        g = F.silu(self.deform(torch.cat([u, o], 1)))
        w = torch.tanh(self.gate_weight(torch.cat([g, r], 1)))
        return w * g + (1 - w) * r


class Conv(nn.Module):
    """A convolution under mmcv's name for one."""

    def __init__(self, *arguments, **options):
        super().__init__()
        self.conv = nn.Conv2d(*arguments, **options)

    def forward(self, x):
        return self.conv(x)


class PublishedNeck(nn.Module):
    def __init__(self, in_channels, c, out, extra_from=None):
        super().__init__()
        self.lateral_convs = nn.ModuleList(Conv(i, c, 1) for i in in_channels)
        self.fpn_convs = nn.ModuleList(Conv(c, out, 3, padding=1) for _ in in_channels)
        self.source = extra_from
        if extra_from is not None:
            width = {"on_input": in_channels[-1], "on_lateral": c, "on_output": out}[extra_from]
            self.fpn_convs.append(Conv(width, out, 3, stride=2, padding=1))
        self.fpn_1, self.fpn_2, self.fpn_3 = (PublishedISA(c) for _ in range(3))

    def forward(self, maps):
        levels = [conv(x) for conv, x in zip(self.lateral_convs, maps, strict=True)]
        for merge, j in ((self.fpn_1, 2), (self.fpn_2, 1), (self.fpn_3, 0)):
            levels[j] = merge(levels[j], levels[j + 1])
        outputs = [conv(x) for conv, x in zip(self.fpn_convs, levels, strict=False)]
        if self.source is None:
            return [*outputs, F.max_pool2d(outputs[-1], 1, stride=2)]
        source = {"on_input": maps[-1], "on_lateral": levels[-1], "on_output": outputs[-1]}
        return [*outputs, self.fpn_convs[4](source[self.source])]


def published(in_channels, c, out, extra_from=None):
    """Random weights and running statistics; offsets that move by a good part of a pixel."""
    neck = PublishedNeck(in_channels, c, out, extra_from)
    with torch.no_grad():
        for name, tensor in neck.state_dict().items():
            if name.endswith("running_var") or (tensor.ndim == 1 and "norm" in name):
                tensor.uniform_(0.5, 1.5)
            elif name.endswith("running_mean"):
                tensor.normal_(std=0.2)
            elif "conv_offset" in name:
                tensor.normal_(std=0.1)
    return neck


def maps(in_channels, finest=32, batch=2):
    return [torch.randn(batch, c, finest >> j, finest >> j) for j, c in enumerate(in_channels)]


@pytest.mark.parametrize("extra", [None, "on_input", "on_lateral", "on_output"])
@pytest.mark.parametrize("training", [False, True])
def test_gives_the_published_necks_outputs(extra, training):
    theirs = published((6, 8, 10, 12), 20, 16, extra).train(training)
    neck = load_released(theirs.state_dict(), (6, 8, 10, 12), 16, 5, extra or False)
    neck.train(training)
    features = maps((6, 8, 10, 12))

    for ours, reference in zip(neck(features), theirs(features), strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-5, atol=1e-5)


def test_its_running_statistics_learn_as_the_published_ones():
    theirs = published((6, 8, 10, 12), 20, 16).train()
    neck = load_released(theirs.state_dict(), (6, 8, 10, 12), 16, 5).train()
    features = maps((6, 8, 10, 12))

    neck(features)
    theirs(features)

    again = load_released(theirs.state_dict(), (6, 8, 10, 12), 16, 5)
    for name, tensor in neck.state_dict().items():
        torch.testing.assert_close(tensor, again.state_dict()[name], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("out", "total"), [(256, 5_253_841), (64, 4_008_913)])
def test_the_published_width(out, total):
    theirs = published((256, 512, 1024, 2048), 180, out).eval()
    neck = load_released(theirs.state_dict(), (256, 512, 1024, 2048), out, 5).eval()
    features = maps((256, 512, 1024, 2048), finest=64, batch=1)

    assert sum(p.numel() for p in neck.parameters()) == total
    for ours, reference in zip(neck(features), theirs(features), strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-5, atol=1e-5)


def test_takes_the_neck_out_of_a_detector():
    theirs = published((6, 8, 10, 12), 20, 16).eval()
    detector = {f"neck.{name}": tensor for name, tensor in theirs.state_dict().items()}
    detector["backbone.conv1.weight"] = torch.zeros(1)
    features = maps((6, 8, 10, 12))

    neck = load_released(detector, (6, 8, 10, 12), 16, 5).eval()

    torch.testing.assert_close(neck(features)[0], theirs(features)[0], rtol=1e-5, atol=1e-5)


def test_goes_where_the_published_one_fails():
    # Odd sizes, and one image in training.
    theirs = published((6, 8, 10, 12), 20, 16)
    neck = load_released(theirs.state_dict(), (6, 8, 10, 12), 16, 5).train()
    sizes = (25, 13, 7, 4)
    features = [torch.randn(1, c, n, n) for c, n in zip((6, 8, 10, 12), sizes, strict=True)]

    assert [tuple(p.shape[2:]) for p in neck(features)][:4] == [(n, n) for n in sizes]


def test_names_what_does_not_fit():
    state = published((6, 8, 10, 12), 20, 16, "on_output").state_dict()

    with pytest.raises(InputError, match=r"no tensor lateral_convs\.0\.conv\.weight"):
        load_released({"backbone.conv1.weight": torch.zeros(1)}, (6, 8, 10, 12), 16, 5)
    with pytest.raises(InputError, match=r"missing nothing, left over fpn_convs\.4\.conv\.weight"):
        load_released(state, (6, 8, 10, 12), 16, 5)
    with pytest.raises(InputError, match=r"fpn_convs\.4\.conv\.weight has shape \(16, 16, 3, 3\)"):
        load_released(state, (6, 8, 10, 12), 16, 5, "on_lateral")
    with pytest.raises(InputError, match=r"missing lateral_convs\.4"):
        load_released(state, (6, 8, 10, 12, 14), 16, 5)
