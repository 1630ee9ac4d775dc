"""Recompute: activations made again in the backward pass instead of kept, to save memory."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper

from inspire_med.blocks.loop import Pass
from inspire_med.blocks.pyramid import TopDown
from inspire_med.networks.encoder import Encoder


def recompute_activations(network: nn.Module) -> None:
    """Keep only the maps between levels; what is inside a level is computed again, in place.

    The result is the same: a batch norm sees each batch once. State-dict names are the same too
    (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016, in torch's wrapper).
    """
    for module in list(network.modules()):
        if isinstance(module, (Encoder, Pass)):
            _wrap(module.stages)
        elif isinstance(module, TopDown):
            _wrap(module.laterals)
            _wrap(module.merges)


def _wrap(levels: nn.ModuleList) -> None:
    for index, level in enumerate(levels):
        contexts = partial(_contexts, level)
        levels[index] = checkpoint_wrapper(level, context_fn=contexts)


def _contexts(
    level: nn.Module,
) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Of the first time and of the second."""
    return nullcontext(), _statistics_left_alone(level)


@contextmanager
def _statistics_left_alone(level: nn.Module) -> Generator[None]:
    """Put the running statistics back to what they were: the batch has been counted already."""
    before = [buffer.clone() for buffer in level.buffers()]
    try:
        yield
    finally:
        for buffer, value in zip(level.buffers(), before, strict=True):
            buffer.copy_(value)
