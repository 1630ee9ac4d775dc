"""MONAI's own networks by name and as they are, for comparison."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch.nn.functional as F
from monai.networks import nets
from torch import Tensor, nn

from inspire_med.blocks.dims import SpatialDims
from inspire_med.errors import InputError, did_you_mean
from inspire_med.networks.monai_trial import Trial, only_map, why

_OURS = ("spatial_dims", "in_channels", "out_channels")  # the data set decides these
_MULTIPLES = (1, 2, 4, 8, 16, 32)
_SIDE = 128  # pixels or voxels of the images that are tried; a multiple of twice each of these


class MonaiNetwork(nn.Module):
    """A network of MONAI's, for images of any size: they are padded with zeros to one it takes.

    Args:
        network: Gives logits of the image's size, or a list of one such map.
        spatial_dims: 2 for images, 3 for volumes.
        multiples: The network takes sizes that are multiples of these, one an axis.
        least: And no smaller ones than these.

    Shape:
        - Input: `(batch, in_channels, *spatial)`, any size.
        - Output: logits `(batch, out_channels, *spatial)`.
    """

    def __init__(
        self,
        network: nn.Module,
        spatial_dims: SpatialDims,
        multiples: Sequence[int],
        least: Sequence[int],
    ) -> None:
        super().__init__()
        self.network = network
        self.spatial_dims = spatial_dims
        self.multiples = tuple(multiples)
        self.least = tuple(least)

    def forward(self, image: Tensor) -> Tensor:
        """Give the logits at the image's size."""
        size = image.shape[2:]
        after = list(map(_missing, size, self.multiples, self.least))
        if not any(after):
            return only_map(self.network(image))
        padded = F.pad(image, [pad for one in reversed(after) for pad in (0, one)])
        return only_map(self.network(padded))[(..., *map(slice, size))]


def monai_network(
    name: str,
    spatial_dims: SpatialDims,
    in_channels: int,
    out_channels: int,
    *,
    widths: Sequence[int],
    arguments: Mapping[str, Any],
) -> MonaiNetwork:
    """Make a network of MONAI's, untrained.

    Args:
        name: A class of `monai.networks.nets`, for example "SegResNet".
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: Channels of the image.
        out_channels: Channels of the logits.
        widths: Channels per level, for the networks that must be told: UNet, AttentionUnet and
            DynUNet, each with stride 2 from level to level.
        arguments: The class's own arguments by name; they come before `widths`.

    Raises:
        InputError: If there is no such network or argument, or if the network cannot be made of
            these or does not answer with one map of logits of the image's size.
    """
    known = _networks()
    if name not in known:
        hint = did_you_mean(name, known, f"choose from {', '.join(known)}.")
        raise InputError(f"network: monai={name!r} is no network for segmentation; {hint}")
    _check_arguments(name, known[name], arguments)
    numbers = {"spatial_dims": spatial_dims, "in_channels": in_channels}
    own = _by_widths(name, widths) | dict(arguments)
    try:
        network = known[name](**numbers, out_channels=out_channels, **own)
    except Exception as error:  # whatever MONAI says, the arguments are at fault
        raise InputError(
            f"network: MONAI's {name} cannot be made "
            f"{why(error, 'give what it needs as monai_arguments')}"
        ) from error
    trial = Trial(name, network, in_channels, out_channels)
    if "img_size" in own:  # it takes this size alone
        size = own["img_size"]
        sizes = tuple(size) if isinstance(size, list | tuple) else (size,) * spatial_dims
        trial(sizes)
        return MonaiNetwork(network, spatial_dims, sizes, sizes)
    # An odd multiple of each number, and then multiples of the first that will do.
    multiple = trial.first(_MULTIPLES, lambda each: (_SIDE + each,) * spatial_dims)
    rising = [multiple * factor for factor in _MULTIPLES]
    least = trial.first(rising, lambda each: (each,) * spatial_dims)
    return MonaiNetwork(network, spatial_dims, (multiple,) * spatial_dims, (least,) * spatial_dims)


def monai_names() -> tuple[str, ...]:
    """The classes of `monai.networks.nets` that `monai_network` can try to make."""
    return tuple(_networks())


def _networks() -> dict[str, type[nn.Module]]:
    """MONAI's networks that make maps of some channels of images of some channels."""
    return {
        name: found
        for name, found in vars(nets).items()
        if inspect.isclass(found)
        and issubclass(found, nn.Module)
        and found.__name__ == name  # not the other spellings that MONAI has for some
        and set(_OURS) <= set(inspect.signature(found).parameters)
    }


def _check_arguments(name: str, network: type[nn.Module], arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that the network does not have or that are not for the asking."""
    own = [key for key in inspect.signature(network).parameters if key not in _OURS]
    for key in arguments:
        if key in _OURS:
            raise InputError(
                f"network: monai_arguments: {key} follows from the data; leave it out."
            )
        if key not in own:
            hint = did_you_mean(key, own, f"it has {', '.join(own)}.")
            raise InputError(f"network: monai_arguments: {name} has no {key!r}; {hint}")
        if "pretrained" in key and arguments[key]:
            raise InputError(
                f"network: monai_arguments: {key} would fetch weights from elsewhere; leave it out."
            )


def _by_widths(name: str, widths: Sequence[int]) -> dict[str, Any]:
    """The arguments that say how wide and deep, for the networks that have no default."""
    down = [2] * (len(widths) - 1)
    if name in ("UNet", "AttentionUnet"):
        return {"channels": tuple(widths), "strides": down}
    if name == "DynUNet":
        return {
            "kernel_size": [3] * len(widths),
            "strides": [1, *down],
            "upsample_kernel_size": down,
            "filters": list(widths),
        }
    return {}


def _missing(side: int, multiple: int, least: int) -> int:
    """Voxels to add to a side."""
    wanted = max(side, least)
    return wanted + -wanted % multiple - side
