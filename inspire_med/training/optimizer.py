"""Optimizer: AdamW or SGD, and a learning rate that is a function of the spent budget."""

import math
from collections.abc import Callable
from dataclasses import replace

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from inspire_med.config import OptimizerConfig


def make_optimizer(
    network: nn.Module, config: OptimizerConfig, encoder: nn.Module | None = None
) -> Optimizer:
    """An optimizer over all trainable parameters; norms and biases are not decayed.

    The rate of the encoder's is `encoder_lr` times that of the others. SGD follows nnU-Net
    (Isensee et al., Nature Methods 2021): Nesterov momentum 0.99.
    """
    trained = [p for p in network.parameters() if p.requires_grad]
    own: set[int] = set()
    if encoder is not None and config.encoder_lr != 1:
        own = {id(p) for p in encoder.parameters()}
    groups = [
        {"params": kind, "weight_decay": decay, "factor": factor}
        for factor, part in (
            (1.0, [p for p in trained if id(p) not in own]),
            (config.encoder_lr, [p for p in trained if id(p) in own]),
        )
        for decay, kind in (
            (config.weight_decay, [p for p in part if p.dim() > 1]),
            (0.0, [p for p in part if p.dim() <= 1]),
        )
        if part
    ]
    if config.name == "sgd":
        return SGD(groups, lr=config.lr, momentum=0.99, nesterov=True)
    return AdamW(groups, lr=config.lr)


def scaled_to_batch(
    config: OptimizerConfig, batch_size: int, say: Callable[[str], None]
) -> OptimizerConfig:
    """The same options, the rate multiplied by batch size / `scale_lr_from_batch`, if that is set.

    The linear rule of Goyal et al., Accurate, Large Minibatch SGD, 2017; never silently.
    """
    if config.scale_lr_from_batch is None:
        return config
    scaled = config.lr * batch_size / config.scale_lr_from_batch
    say(
        f"learning rate {config.lr:g} for a batch of {config.scale_lr_from_batch} becomes "
        f"{scaled:g} for {batch_size}"
    )
    return replace(config, lr=scaled)


def learning_rate(config: OptimizerConfig, spent: float) -> float:
    """Learning rate when the share `spent` in [0, 1] of the budget is used up.

    Linear from zero over the warm-up; after it `lr (1 + cos(pi t)) / 2` or `lr (1 - t)^0.9` with
    t the share of the rest.
    """
    if spent < config.warmup:
        # Half a per cent keeps the very first step from being lost.
        return config.lr * max(spent / config.warmup, 0.005)
    t = (spent - config.warmup) / (1 - config.warmup) if config.warmup < 1 else 1.0
    falloff = (1 + math.cos(math.pi * t)) / 2 if config.schedule == "cosine" else (1 - t) ** 0.9
    return config.lr * falloff


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Give every parameter group the rate, times the group's own factor."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
