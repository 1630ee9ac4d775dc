"""Building: a network from its JSON-able description, as a checkpoint keeps it."""

from collections.abc import Callable, Mapping
from typing import Any

from inspire_med.blocks.dims import BATCH_NORM, Norm, SpatialDims
from inspire_med.blocks.efficientnet_lite import EFFICIENTNET_LITE, efficientnet_lite
from inspire_med.blocks.encoder import WIDTHS, Encoder, unet_encoder
from inspire_med.blocks.norm import InstanceNorm
from inspire_med.errors import InputError, did_you_mean
from inspire_med.networks.monai_encoder import ENCODERS, monai_encoder
from inspire_med.networks.monai_network import MonaiNetwork, monai_network
from inspire_med.networks.unet import UNet

REQUIRED = ("spatial_dims", "in_channels", "out_channels")
OPTIONAL = (
    *("widths", "decoder_widths", "strides", "kernel_sizes", "stem_stride", "skip", "steps"),
    *("passes_wait", "norm", "encoder", "monai", "monai_arguments"),
)
_OF_OWN_ENCODER = ("widths", "strides", "kernel_sizes", "stem_stride")


def build_network(description: Mapping[str, Any]) -> UNet | MonaiNetwork:
    """Make the network that `description` describes.

    Args:
        description: `spatial_dims` (2 or 3), `in_channels`, `out_channels`, and any of `widths`
            (list of integers), `decoder_widths` (another, or null for the encoder's), `strides` and
            `kernel_sizes` (lists of integers along each axis, or null for 2 and 3 everywhere),
            `stem_stride`, `skip` (a name), `steps`, `passes_wait` (true while the first pass runs
            alone), `norm` ("batch" or "instance") and `encoder` (a name, or null for the U-Net's
            own, which alone has `strides` and `kernel_sizes` and reads `widths` and
            `stem_stride`). With `monai` (a class of `monai.networks.nets`) the network is MONAI's,
            made with `monai_arguments` and, where it must be told, `widths`; the other options are
            not read.

    Raises:
        InputError: If a key is missing or unknown or a value is not allowed.
    """
    _check_keys(description)
    options = {key: value for key, value in description.items() if value is not None}
    dims = options["spatial_dims"]
    if dims not in (2, 3):
        raise InputError(f"network: spatial_dims={dims!r} is not a dimension; give 2 or 3.")
    _check_values(options)
    channels = options["in_channels"]
    if "monai" in options:
        return monai_network(
            options["monai"],
            dims,
            channels,
            options["out_channels"],
            widths=options.get("widths", WIDTHS),
            arguments=options.get("monai_arguments", {}),
        )
    norm = _norm(options.get("norm", "batch"), dims)
    network = UNet(
        dims,
        channels,
        options["out_channels"],
        norm=norm,
        encoder=_encoder(options, dims, channels, norm),
        **_chosen(options, "decoder_widths", "skip", "steps"),
    )
    if options.get("passes_wait", False):
        network.hold_passes()
    return network


def _encoder(
    options: Mapping[str, Any], spatial_dims: SpatialDims, in_channels: int, norm: Norm
) -> Encoder:
    """Make the encoder that is named, or else the U-Net's own."""
    if "encoder" not in options:
        own = _chosen(options, *_OF_OWN_ENCODER)
        try:
            return unet_encoder(spatial_dims, in_channels, norm=norm, **own)
        except ValueError as error:
            raise InputError(f"network: {error}") from None
    for key in ("strides", "kernel_sizes"):
        if key in options:
            raise InputError(
                f"network: {key}: the encoder {options['encoder']} has its own; leave them out."
            )
    return named_encoder(options["encoder"], spatial_dims, in_channels)


def named_encoder(name: str, spatial_dims: SpatialDims, in_channels: int) -> Encoder:
    """Make an encoder by its name, untrained.

    Raises:
        InputError: If there is none of that name, or it has another number of dimensions.
    """
    if name in EFFICIENTNET_LITE:
        if spatial_dims != 2:
            raise InputError(
                f"encoder={name!r} is for images alone, and these are volumes; give one "
                f"of {', '.join(ENCODERS)}."
            )
        return efficientnet_lite(name, in_channels)
    if name in ENCODERS:
        return monai_encoder(name, spatial_dims, in_channels)
    known = (*EFFICIENTNET_LITE, *ENCODERS)
    raise InputError(f"encoder={name!r} is unknown; choose from {', '.join(known)}.")


def _chosen(options: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Pick the options that are given among `keys`."""
    return {key: options[key] for key in keys if key in options}


def _check_keys(description: Mapping[str, Any]) -> None:
    """Refuse missing and unknown keys."""
    known = (*REQUIRED, *OPTIONAL)
    for key in description:
        if key not in known:
            hint = did_you_mean(key, known, f"choose from {', '.join(known)}.")
            raise InputError(f"network: unknown key {key!r}; {hint}")
    for key in REQUIRED:
        if description.get(key) is None:
            raise InputError(f"network: {key!r} is missing; add it to the description.")


def _check_values(options: Mapping[str, Any]) -> None:
    """Refuse values of another kind than their key's."""
    for keys, fits, wanted in _KINDS:
        for key in keys:
            if key in options and not fits(options[key]):
                raise InputError(f"network: {key}={options[key]!r} must be {wanted}.")


def _is_count(value: object) -> bool:
    """Tell whether `value` is an integer of at least 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _are_counts(value: object) -> bool:
    """Tell whether `value` is a list of two integers of at least 1, or more."""
    return isinstance(value, list | tuple) and len(value) >= 2 and all(map(_is_count, value))


def _are_counts_by_axis(value: object) -> bool:
    """Tell whether `value` is a list of such lists."""
    return isinstance(value, list | tuple) and all(map(_are_counts, value))


def _is_a(kind: type) -> Callable[[object], bool]:
    """A test for a type."""
    return lambda value: isinstance(value, kind)


_KINDS: tuple[tuple[tuple[str, ...], Callable[[object], bool], str], ...] = (
    (("in_channels", "out_channels", "steps", "stem_stride"), _is_count, "a positive integer"),
    (("widths", "decoder_widths"), _are_counts, "two or more positive integers"),
    (
        ("strides", "kernel_sizes"),
        _are_counts_by_axis,
        "lists of positive integers, one an axis, as in [[1, 2, 2], [2, 2, 2]]",
    ),
    (("skip", "norm", "encoder", "monai"), _is_a(str), "a name"),
    (("passes_wait",), _is_a(bool), "true or false"),
    (("monai_arguments",), _is_a(Mapping), "values by name"),
)


def _norm(name: str, spatial_dims: int) -> Norm:
    """Look up the norm."""
    if name == "batch":
        return BATCH_NORM[spatial_dims]
    if name == "instance":
        return InstanceNorm
    raise InputError(f"network: norm={name!r} is unknown; give 'batch' or 'instance'.")
