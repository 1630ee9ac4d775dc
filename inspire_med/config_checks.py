"""Config checks: values of the right type that make no sense, alone or together."""

import json
import math
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from inspire_med.config import NetworkConfig, OptimizerConfig, TrainConfig
from inspire_med.errors import InputError
from inspire_med.networks.skips import compose_skip

_OF_FURTHER_PASSES: Mapping[str, Any] = {
    "network.second_pass_from": 0.0,
    "network.supervise_passes": False,
}
_OF_THE_OWN_ENCODER: Mapping[str, Any] = {
    "network.strides": None,
    "network.kernel_sizes": None,
}
_OF_THE_UNET: Mapping[str, Any] = {
    "freeze": None,
    "network.deep_supervision": 1,  # a network of MONAI's has one output
    "network.decoder_widths": None,
    "network.encoder": None,
    "network.weights": None,
    "network.freeze_norm": False,
    "network.recompute": False,
    "optimizer.encoder_lr": 1.0,
    **_OF_THE_OWN_ENCODER,
    **_OF_FURTHER_PASSES,
}
_SIZES = frozenset({"network.strides", "network.kernel_sizes", "network.stem_stride"})


def refuse_nonsense(config: TrainConfig) -> None:
    """Check values that are of the right type and still make no sense.

    Raises:
        InputError: The first such value: its option, what is wrong, what to give.
    """
    data, network = config.data, config.network
    _refuse_small(config)
    if not 0 <= network.second_pass_from < 1:
        raise InputError(
            f"--network.second_pass_from: {network.second_pass_from} is no share of the budget "
            "that leaves some; give 0 or more, less than 1."
        )
    _refuse_rates(config.optimizer)
    _refuse_idle(config)
    if not math.isfinite(config.save_every):
        raise InputError(f"--save_every: {config.save_every} is no time; give minutes.")
    if data.image_size is not None and min(data.image_size) < 1:
        raise InputError(f"--data.image_size: {list(data.image_size)} is empty; give pixels.")
    if not 0 <= data.foreground <= 1:
        raise InputError(f"--data.foreground: {data.foreground} is no share; give 0 to 1.")
    if not 0 <= data.drop_channels < 1:
        raise InputError(
            f"--data.drop_channels: {data.drop_channels} leaves no channel; give 0 or more, less "
            "than 1."
        )
    if not data.scales or not all(0.5 <= scale <= 2 for scale in data.scales):
        raise InputError(
            f"--data.scales: {list(data.scales)} makes no sense; give factors from 0.5 to 2."
        )


def idle_options(network: NetworkConfig) -> Mapping[str, Any]:
    """List options that do nothing for a network, by dotted name, each with what turns it off."""
    if network.monai is not None:
        return _OF_THE_UNET
    own = {} if network.encoder is None else _OF_THE_OWN_ENCODER
    return {**own, **({} if _has_further_passes(network) else _OF_FURTHER_PASSES)}


def unread_sizes(network: NetworkConfig) -> frozenset[str]:
    """Names of the options of sizes that are not read where another network or encoder has them."""
    if network.monai is not None:
        return _SIZES | {"network.norm", "network.deep_supervision"}
    return _SIZES | {"network.widths"} if network.encoder is not None else frozenset()


def _refuse_idle(config: TrainConfig) -> None:
    """Refuse what is asked for and would do nothing."""
    network = config.network
    if network.monai is None and network.monai_arguments:
        raise InputError(
            "--network.monai_arguments: no network of MONAI's is named; give --network.monai."
        )
    for name, off in idle_options(network).items():
        value = attrgetter(name)(config)
        if value != off:
            whom = f"the one pass of {network.skip!r}"
            if network.monai is not None:
                whom = f"MONAI's {network.monai}"
            elif name in _OF_THE_OWN_ENCODER:
                whom = f"the encoder {network.encoder}"
            raise InputError(
                f"--{name}: {_written(value)} does nothing for {whom}; give {_written(off)}."
            )
    if network.weights is not None and network.encoder is None:
        raise InputError("--network.weights: no encoder is named; give --network.encoder.")
    _refuse_odd_beginning(config)


def _refuse_odd_beginning(config: TrainConfig) -> None:
    """Refuse two beginnings, and to keep what was never learned."""
    network = config.network
    if config.init is not None and network.weights is not None:
        raise InputError(
            "--init, --network.weights: a run begins with the weights of a model or of a file, not "
            "of both; leave one out."
        )
    if config.init is None and network.weights is None:
        if network.freeze_norm:
            raise InputError(
                "--network.freeze_norm: without weights there are no statistics to keep; give "
                "--network.weights or --init, or false."
            )
        if config.freeze is not None:
            raise InputError(
                f"--freeze: the {config.freeze} would keep random weights; give --init or "
                "--network.weights, or leave it out."
            )
    if config.freeze is not None and config.optimizer.encoder_lr != 1:
        raise InputError(
            f"--optimizer.encoder_lr: {config.optimizer.encoder_lr} does nothing for an encoder "
            "that is frozen; give 1, or leave out --freeze."
        )


def _has_further_passes(network: NetworkConfig) -> bool:
    return network.steps > 1 and compose_skip(network.skip).feedback is not None


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _refuse_small(config: TrainConfig) -> None:
    """Check the numbers that have a least."""
    data, network, scale = config.data, config.network, config.optimizer.scale_lr_from_batch
    at_least = {
        "validations": (config.validations, 1),
        "seed": (config.seed, 0),
        "optimizer.scale_lr_from_batch": (scale if scale is not None else 1, 1),
        "threads": (config.threads, 0),
        "save_every": (config.save_every, 0),
        "save_every_steps": (config.save_every_steps, 0),
        "max_nonfinite": (config.max_nonfinite, 0),
        "data.batch_size": (data.batch_size, 1),
        "data.accumulate": (data.accumulate, 1),
        "data.workers": (data.workers, 0),
        "network.stem_stride": (network.stem_stride, 1),
        "network.deep_supervision": (network.deep_supervision, 1),
    }
    for name, (value, least) in at_least.items():
        if value < least:
            raise InputError(f"--{name}: {value} is too small; give at least {least}.")


def _refuse_rates(optimizer: OptimizerConfig) -> None:
    """Check the numbers that have a range."""
    lr, clip, ema = optimizer.lr, optimizer.clip_norm, optimizer.ema
    decay, warmup = optimizer.weight_decay, optimizer.warmup
    share = optimizer.encoder_lr
    fits = {
        "lr": (lr, 0 < lr < math.inf, "a positive number"),
        "encoder_lr": (share, 0 < share < math.inf, "a positive number; 1 is no factor"),
        "clip_norm": (clip, 0 < clip < math.inf, "a positive number; a large one clips nothing"),
        "weight_decay": (decay, 0 <= decay < math.inf, "0 or more"),
        "warmup": (warmup, 0 <= warmup <= 1, "a share, 0 to 1"),
        "ema": (ema, ema is None or 0 <= ema < 1, "at least 0, less than 1"),
    }
    for name, (value, good, wanted) in fits.items():
        if not good:
            raise InputError(f"--optimizer.{name}: {value} makes no sense; give {wanted}.")
