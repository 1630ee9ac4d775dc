"""A network that answers with the voxel before along the first axis, and a predictor of it."""

from pathlib import Path

import torch
from torch import nn

from inspire_med.inference import Predictor
from inspire_med.inference.members import Member
from inspire_med.inference.model import ModelCard
from inspire_med.inference.settings import Settings
from inspire_med.tasks.task import Preparation, Task

AS_IT_IS = Preparation(intensity="none", crop_to_foreground=False)


class ShiftRight(nn.Module):
    """Logits are the voxel before along the first axis: nothing about it is symmetric."""

    def __init__(self, spatial_dims=3):
        super().__init__()
        convolution = nn.Conv2d if spatial_dims == 2 else nn.Conv3d
        self.convolution = convolution(1, 1, 3, padding=1, bias=False)
        with torch.no_grad():
            self.convolution.weight.zero_()
            self.convolution.weight[(0, 0, 0, *[1] * (spatial_dims - 1))] = 1

    def forward(self, x):
        return self.convolution(x)


def predictor(preparation=AS_IT_IS, network=None, patch_size=(16, 16, 16), **settings):
    dims = len(patch_size)
    task = Task("organ", dims, ("scan",), {"organ": (1,)}, ("pattern",), preparation=preparation)
    card = ModelCard(task, ("scan",), {"organ": (3,)}, {}, preparation, patch_size, "32-true")
    network = ShiftRight(dims) if network is None else network
    member = Member(Path("run"), card, network)
    return Predictor([member], Settings(torch.device("cpu"), "32-true", **settings))
