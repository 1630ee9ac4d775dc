"""MONAI encoders as the bottom-up path: ResNet, EfficientNet and SegResNet's, cut into stages."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import cast

import torch
from monai.networks.nets import EfficientNetBNFeatures, SegResNet, resnet18, resnet34, resnet50
from monai.networks.nets.efficientnet import MBConvBlock
from torch import nn

from inspire_med.blocks.depthwise import DepthwiseConv
from inspire_med.blocks.dims import SpatialDims
from inspire_med.blocks.encoder import Encoder, names_in

RESNETS = {"resnet18": resnet18, "resnet34": resnet34, "resnet50": resnet50}
EFFICIENTNETS = tuple(f"efficientnet-b{k}" for k in range(8))


def monai_encoder(name: str, spatial_dims: SpatialDims, in_channels: int) -> Encoder:
    """Make a MONAI encoder, untrained.

    Args:
        name: "resnet18", "resnet34", "resnet50" (as torchvision builds them: a stem of stride 2),
            "efficientnet-b0" to "efficientnet-b7", or "segresnet" (16 filters, full resolution).
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: Channels of the image.

    Raises:
        KeyError: If there is no encoder of that name; `build.named_encoder` says so in words.
    """
    network, stages = _MAKERS[name](spatial_dims, in_channels)
    return Encoder(stages, _channels(stages, spatial_dims, in_channels), names_in(network, stages))


def _resnet(name: str, dims: int, in_channels: int) -> tuple[nn.Module, list[nn.Module]]:
    """Cut a ResNet before every halving."""
    network = RESNETS[name](
        pretrained=False,
        spatial_dims=dims,
        n_input_channels=in_channels,
        conv1_t_stride=2,
        feed_forward=False,
        bias_downsample=False,
    )
    stem = nn.Sequential(network.conv1, network.bn1, network.act)
    first = nn.Sequential(network.maxpool, network.layer1)
    return network, [stem, first, network.layer2, network.layer3, network.layer4]


def _efficientnet(name: str, dims: int, in_channels: int) -> tuple[nn.Module, list[nn.Module]]:
    """Cut an EfficientNet where it halves; MONAI notes those places in `extract_stacks`."""
    network = EfficientNetBNFeatures(
        name, pretrained=False, spatial_dims=dims, in_channels=in_channels
    )
    if dims == 2:
        for block in network.modules():
            if isinstance(block, MBConvBlock):
                _replace_depthwise(block)
    parts = dict(network.named_children())
    stacks = list(parts["_blocks"].children())
    cuts = [0, *sorted(set(network.extract_stacks) - {0, len(stacks)}), len(stacks)]
    groups = [stacks[start:end] for start, end in pairwise(cuts)]
    stem = ["_conv_stem_padding", "_conv_stem", "_bn0", "_swish"]
    groups[0] = [*(parts[name] for name in stem), *groups[0]]
    return network, [nn.Sequential(*group) for group in groups]


def _replace_depthwise(block: nn.Module) -> None:
    """Let a block convolve as it did, with gradients that are fast in bfloat16 too."""
    name = "_depthwise_conv"
    theirs = cast(nn.Conv2d, block.get_submodule(name))
    ours = DepthwiseConv(theirs.out_channels, theirs.kernel_size[0], stride=theirs.stride[0])
    ours.weight = theirs.weight
    setattr(block, name, ours)


def _segresnet(dims: int, in_channels: int) -> tuple[nn.Module, list[nn.Module]]:
    """Take SegResNet's encoder: full resolution first, residual blocks, group norm."""
    network = SegResNet(dims, init_filters=16, in_channels=in_channels)
    down = list(network.down_layers)
    return network, [nn.Sequential(cast(nn.Module, network.convInit), down[0]), *down[1:]]


_MAKERS: dict[str, Callable[[int, int], tuple[nn.Module, list[nn.Module]]]] = {
    **{name: partial(_resnet, name) for name in RESNETS},
    **{name: partial(_efficientnet, name) for name in EFFICIENTNETS},
    "segresnet": _segresnet,
}
ENCODERS = tuple(_MAKERS)


def _channels(stages: Sequence[nn.Module], dims: int, in_channels: int) -> list[int]:
    """Find each stage's channels by sending a small black image through."""
    channels: list[int] = []
    x = torch.zeros(1, in_channels, *[32] * dims)
    with torch.no_grad():
        for stage in stages:
            x = stage.eval()(x)
            stage.train()
            channels.append(x.shape[1])
    return channels
