"""Released: necks from checkpoints in the published layout."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from torch import Tensor

from inspire_med.detection.neck import ReleasedInspireFPN
from inspire_med.errors import InputError

# A merge's layers: our name and the published one.
MERGE = {
    "enhance.attention": "lateral_conv.conv_atten",
    "enhance.lateral": "lateral_conv.lateral",
    "enhance.out": "lateral_conv.conv",
    "enhance.norm.norm": "lateral_conv.batchnorm_in",
    "enhance.norm_out": "lateral_conv.batchnorm_out",
    "align.up": "up",
    "align.norm_up": "batchnorm_up",
    "align.lateral": "lateral",
    "align.offset": "offset",
    "align.norm": "batchnorm",
    "align.deform": "deform",
    "align.deform.conv_offset": "deform.conv_offset",
    "gate.linear": "gate_weight",
}


def load_released(
    state_dict: Mapping[str, Tensor],
    in_channels: Sequence[int],
    out_channels: int,
    num_outs: int,
    add_extra_convs: bool | Literal["on_input", "on_lateral", "on_output"] = False,
) -> ReleasedInspireFPN:
    """Build the published neck from a published state dict.

    The width is read off the tensors. A detector's state dict is taken too: its `neck.` part.

    Args:
        state_dict: Tensors by their published names (`lateral_convs.0.conv.weight`, ...).
        in_channels: Channels of every backbone map, fine to coarse.
        out_channels: Channels of every output.
        num_outs: Number of outputs.
        add_extra_convs: As in `ReleasedInspireFPN`.

    Raises:
        InputError: If a tensor is missing, left over or of another shape.

    References:
        INSPIRE, released code (`FPN_plusplus`).
    """
    published = _neck_part(state_dict)
    first = "lateral_convs.0.conv.weight"
    if first not in published:
        raise InputError(
            f"released checkpoint: no tensor {first}; give a state dict of the published neck, or "
            "of a detector with one."
        )
    neck = ReleasedInspireFPN(
        in_channels,
        out_channels,
        num_outs,
        width=published[first].shape[0],
        add_extra_convs=add_extra_convs,
    )
    ours = neck.state_dict()
    names = {_published_name(name, len(in_channels)): name for name in ours}
    _check_names(names, published)
    for theirs, name in names.items():
        ours[name] = _shaped(published[theirs], ours[name], theirs)
    neck.load_state_dict(ours)
    return neck


def _neck_part(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = "neck."
    part = {
        name.removeprefix(prefix): tensor
        for name, tensor in state_dict.items()
        if name.startswith(prefix)
    }
    return part or dict(state_dict)


def _published_name(name: str, levels: int) -> str:
    """Translate one of our neck's names."""
    layer, _, kind = name.rpartition(".")
    parts = layer.split(".")
    if parts[:2] == ["pyramid", "outputs"]:
        return f"fpn_convs.{parts[2]}.conv.{kind}"
    if parts[0] == "extra":
        return f"fpn_convs.{levels + int(parts[2])}.conv.{kind}"
    index, rest = int(parts[3]), ".".join(parts[4:])
    if parts[2] == "laterals":
        return f"lateral_convs.{index}.conv.{kind}"
    # fpn_1 merges the two coarsest levels.
    return f"fpn_{levels - 1 - index}.{MERGE[rest]}.{kind}"


def _check_names(wanted: Mapping[str, str], published: Mapping[str, Tensor]) -> None:
    def first(names: Iterator[str]) -> str:
        return ", ".join(list(names)[:3])

    missing = first(name for name in wanted if name not in published)
    unknown = first(name for name in published if name not in wanted)
    if missing or unknown:
        raise InputError(
            f"released checkpoint: missing {missing or 'nothing'}, left over "
            f"{unknown or 'nothing'}; make in_channels, num_outs and add_extra_convs those it was "
            "trained with."
        )


def _shaped(tensor: Tensor, ours: Tensor, name: str) -> Tensor:
    """Give a tensor our layer's shape: a 1-convolution is a linear map here."""
    shape = tuple(tensor.shape)
    if ours.ndim == 2 and shape[2:] == (1, 1):
        tensor = tensor.flatten(1)
    if tensor.shape != ours.shape:
        raise InputError(
            f"released checkpoint: {name} has shape {shape} where {tuple(ours.shape)} is needed; "
            "make in_channels and out_channels those it was trained with."
        )
    return tensor
