"""Inferer: a network looks at a case part by part."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from monai.inferers.inferer import Inferer
from torch import Tensor
from torch.nn import functional as F

from inspire_med.inference.blending import AIR, gaussian, is_air, outer, summed
from inspire_med.inference.windows import Windows


class EvenWindows(Inferer):
    """Average a network's logits over windows that lie evenly over the whole image.

    MONAI's `SlidingWindowInferer` moves by a fixed step, pads what is smaller than a window, and
    weights what one window alone sees; here the windows are spread evenly, an axis that is shorter
    is taken as it is, and a window whose every channel is one value all over is not looked at.

    Args:
        roi_size: Voxels of a window along each axis.
        regions: Channels of the logits.
        overlap: Share of a window that its neighbour covers as well, at least.
        least: Smallest sides that the network takes; a shorter image is seen among zeros.
        device: Where the network is.
    """

    def __init__(
        self,
        roi_size: Sequence[int],
        regions: int,
        overlap: float,
        least: Sequence[int],
        device: torch.device,
    ) -> None:
        super().__init__()
        self.roi_size = roi_size
        self.regions = regions
        self.overlap = overlap
        self.least = least
        self.device = device

    def __call__(
        self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any
    ) -> Tensor:
        """From `(1, channels, *spatial)` to logits `(1, regions, *spatial)` on the CPU."""
        whole = (..., *(slice(side) for side in inputs.shape[2:]))
        rests = zip(self.least, inputs.shape[2:], strict=True)
        missing = [(0, max(0, least - side)) for least, side in rests]
        inputs = F.pad(inputs, [end for axis in reversed(missing) for end in axis])
        shape = inputs.shape[2:]
        windows = Windows.over(shape, self.roi_size, self.overlap)
        axes = [gaussian(*each) for each in zip(windows.size, windows.starts, strict=True)]
        weight = outer(axes)
        total = torch.zeros(1, self.regions, *shape)
        for corner in windows.corners:
            ends = zip(corner, windows.size, strict=True)
            box = (..., *(slice(low, low + side) for low, side in ends))
            total[box] += self._look(inputs[box], network) * weight
        sums = [summed(*each) for each in zip(shape, windows.starts, axes, strict=True)]
        along = sums[0].view(-1, *[1] * (len(shape) - 1))
        return (total / (along * outer(sums[1:])))[whole]

    def _look(self, part: Tensor, network: Callable[..., Tensor]) -> Tensor:
        if is_air(part[0]):
            return torch.full((1, self.regions, *part.shape[2:]), AIR)
        return network(part.to(self.device).contiguous()).float().cpu()
