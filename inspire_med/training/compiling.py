"""Compiling: `torch.compile` where it works, and a word where it does not."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from inspire_med.config import Switch
from inspire_med.inference.precision import autocast
from inspire_med.training.distributed import highest_over_ranks


def compile_if_it_works(
    network: nn.Module,
    image: Tensor,
    precision: str,
    *,
    switch: Switch,
    say: Callable[[str], None],
) -> nn.Module:
    """The compiled network, or the network as it is, on all ranks alike.

    A compiler fails at the first step, not when it is asked; so one step on zeros is tried, which
    leaves no trace in the running statistics or the gradients.

    Args:
        network: The network, on its device.
        image: A batch of a step, on the network's device and in its memory layout: a compiler
            makes another network for another layout.
        precision: Fabric's name.
        switch: `auto` tries on a GPU, `on` everywhere.
        say: Hears what came of it.
    """
    device = image.device
    if switch == "off" or (switch == "auto" and device.type != "cuda"):
        return network
    compiled = torch.compile(network)
    before = [buffer.clone() for buffer in network.buffers()]
    trouble = None
    try:
        with autocast(precision, device):
            outputs = compiled(image)
        levels = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        torch.stack([level.float().sum() for level in levels]).sum().backward()
    except Exception as error:  # whatever the compiler's trouble is, the network runs without it
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        trouble = first
    (failed,) = highest_over_ranks([trouble is not None], device)
    say(f"not compiled ({trouble or 'another rank could not'})" if failed else "compiled")
    network.zero_grad()
    for buffer, value in zip(network.buffers(), before, strict=True):
        buffer.copy_(value)
    return network if failed else compiled  # pyright: ignore[reportReturnType]
