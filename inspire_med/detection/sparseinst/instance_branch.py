"""Instance branch: activation maps pool one vector an instance; heads read class, kernel, IoU."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor, nn

from inspire_med.detection.sparseinst.convolution import tower

PRIOR = 0.01  # of a class, and of a position to belong to an instance, before training


class Instances(NamedTuple):
    """What is known of each instance before its mask.

    Args:
        classes: Class logits `(batch, masks, classes)`.
        kernels: Weights over the mask features `(batch, masks, kernel_channels)`.
        objectness: Logit of the mask's IoU `(batch, masks, 1)`.
    """

    classes: Tensor
    kernels: Tensor
    objectness: Tensor


class InstanceHeads(nn.Module):
    """Three linear maps over an instance's vector.

    Args:
        in_features: Length of the vector.
        num_classes: Number of classes.
        kernel_channels: Length of a kernel.

    Shape:
        - Input: `(batch, masks, in_features)`.
        - Output: `Instances`.
    """

    def __init__(self, in_features: int, num_classes: int, kernel_channels: int) -> None:
        super().__init__()
        self.classify = nn.Linear(in_features, num_classes)
        self.kernel = nn.Linear(in_features, kernel_channels)
        self.objectness = nn.Linear(in_features, 1)
        nn.init.normal_(self.classify.weight, std=0.01)
        nn.init.constant_(self.classify.bias, -math.log(1 / PRIOR - 1))
        nn.init.normal_(self.kernel.weight, std=0.01)
        nn.init.zeros_(self.kernel.bias)

    def forward(self, vectors: Tensor) -> Instances:
        """Read every instance."""
        return Instances(self.classify(vectors), self.kernel(vectors), self.objectness(vectors))


@MODELS.register_module()
class InstanceBranch(nn.Module):
    """IAM: one activation map an instance.

    z_n = Σ_p A_n(p) f(p), with A a 3-convolution of f normalised over the positions p.

    Args:
        in_channels: Channels of the input, coordinates included.
        num_classes: Number of classes.
        num_masks: Number of instances; at least that of the objects in an image.
        maps: Config of `SigmoidMaps` or `SoftmaxMaps`.
        channels: Channels of f.
        kernel_channels: Length of a kernel.

    Shape:
        - Input: `(batch, in_channels, height, width)`.
        - Output: `Instances` of `num_masks`.

    References:
        Cheng et al., SparseInst, CVPR 2022, section 3.3.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        num_classes: int,
        num_masks: int,
        maps: dict,
        channels: int = 256,
        kernel_channels: int = 128,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes  # for mmdet's NumClassCheckHook
        self.tower = tower(in_channels, channels)
        self.score = score_convolution(channels, num_masks, groups=1)
        self.maps = MODELS.build(maps)
        self.heads = InstanceHeads(channels, num_classes, kernel_channels)

    def forward(self, x: Tensor) -> Instances:
        """Pool and read every instance."""
        features = self.tower(x)
        return self.heads(pool(self.maps(self.score(features).flatten(2)), features))


@MODELS.register_module()
class GroupInstanceBranch(nn.Module):
    """Group IAM: several activation maps an instance, each from a group of the channels.

    z_n = [z_n^1, ..., z_n^g], then a linear map and a ReLU. Every map, though scored from one
    group of channels, pools all of them.

    Args:
        in_channels: Channels of the input, coordinates included.
        num_classes: Number of classes.
        num_masks: Number of instances; at least that of the objects in an image.
        maps: Config of `SigmoidMaps` or `SoftmaxMaps`.
        groups: Maps an instance.
        channels: Channels of f; `groups` divides them.
        kernel_channels: Length of a kernel.

    Shape:
        - Input: `(batch, in_channels, height, width)`.
        - Output: `Instances` of `num_masks`.

    References:
        Cheng et al., SparseInst, CVPR 2022, section 3.3 ("G-IAM").
    """

    def __init__(
        self,
        in_channels: int,
        *,
        num_classes: int,
        num_masks: int,
        maps: dict,
        groups: int = 4,
        channels: int = 256,
        kernel_channels: int = 128,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes  # for mmdet's NumClassCheckHook
        self.groups = groups
        self.tower = tower(in_channels, channels)
        self.score = score_convolution(channels, num_masks, groups=groups)
        self.maps = MODELS.build(maps)
        self.mix = nn.Linear(groups * channels, groups * channels)
        self.heads = InstanceHeads(groups * channels, num_classes, kernel_channels)
        nn.init.kaiming_uniform_(self.mix.weight, a=1)
        nn.init.zeros_(self.mix.bias)

    def forward(self, x: Tensor) -> Instances:
        """Pool, regroup and read every instance."""
        features = self.tower(x)
        vectors = pool(self.maps(self.score(features).flatten(2)), features)
        return self.heads(F.relu(self.mix(regroup(vectors, self.groups))))


def score_convolution(channels: int, num_masks: int, groups: int) -> nn.Conv2d:
    """Make the 3-convolution that scores every position for `num_masks` maps a group."""
    convolution = nn.Conv2d(channels, groups * num_masks, 3, padding=1, groups=groups)
    nn.init.normal_(convolution.weight, std=0.01)
    nn.init.constant_(convolution.bias, -math.log(1 / PRIOR - 1))  # pyright: ignore[reportArgumentType]
    return convolution


def pool(maps: Tensor, features: Tensor) -> Tensor:
    """Sum the features under every map: `(b, m, h * w)`, `(b, c, h, w)` to `(b, m, c)`."""
    return torch.bmm(maps.to(features.dtype), features.flatten(2).transpose(1, 2))


def regroup(vectors: Tensor, groups: int) -> Tensor:
    """Join an instance's groups: `(b, groups * n, c)`, group by group, to `(b, n, groups * c)`."""
    return vectors.unflatten(1, (groups, -1)).transpose(1, 2).flatten(2)
