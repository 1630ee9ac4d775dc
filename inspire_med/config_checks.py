"""Config checks: values of the right type that make no sense, alone or together."""

import math

from inspire_med.config import NetworkConfig, OptimizerConfig, TrainConfig
from inspire_med.errors import InputError


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
    _refuse_two_networks(network, config.optimizer)
    if not math.isfinite(config.save_every):
        raise InputError(f"--save_every: {config.save_every} is no time; give minutes.")
    if network.weights is not None and network.encoder is None:
        raise InputError("--network.weights: no encoder is named; give --network.encoder.")
    if data.image_size is not None and min(data.image_size) < 1:
        raise InputError(f"--data.image_size: {list(data.image_size)} is empty; give pixels.")
    if not data.scales or not all(0.5 <= scale <= 2 for scale in data.scales):
        raise InputError(
            f"--data.scales: {list(data.scales)} makes no sense; give factors from 0.5 to 2."
        )


def _refuse_two_networks(network: NetworkConfig, optimizer: OptimizerConfig) -> None:
    """A network of MONAI's has none of what the U-Net here can do besides."""
    if network.monai is None:
        if network.monai_arguments:
            raise InputError(
                "--network.monai_arguments: no network of MONAI's is named; give --network.monai."
            )
        return
    if network.deep_supervision > 1:
        raise InputError(
            f"--network.deep_supervision: {network.deep_supervision} levels, but MONAI's "
            f"{network.monai} has one output; give 1."
        )
    beside = {
        "network.encoder": network.encoder,
        "network.freeze_norm": network.freeze_norm,
        "network.supervise_passes": network.supervise_passes,
        "network.recompute": network.recompute,
        "optimizer.encoder_lr": optimizer.encoder_lr != 1,
    }
    for name, value in beside.items():
        if value:
            raise InputError(
                f"--{name}: is for the U-Net of this toolkit, but --network.monai names "
                "another network; leave one of them out."
            )


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
