"""Compiling: `torch.compile` where it works, and a word where it does not."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from inspire_med.config import Switch
from inspire_med.inference.precision import autocast


def compile_if_it_works(
    network: nn.Module,
    image_shape: Sequence[int],
    device: torch.device,
    precision: str,
    *,
    switch: Switch,
    say: Callable[[str], None],
) -> nn.Module:
    """The compiled network, or the network as it is.

    A compiler fails at the first step, not when it is asked; so one step on zeros is tried, which
    leaves no trace in the running statistics or the gradients.

    Args:
        network: The network, on its device.
        image_shape: (batch, channels, *spatial) of a step.
        device: Where it is.
        precision: Fabric's name.
        switch: `auto` tries on a GPU, `on` everywhere.
        say: Hears what came of it.
    """
    if switch == "off" or (switch == "auto" and device.type != "cuda"):
        return network
    compiled = torch.compile(network)
    before = [buffer.clone() for buffer in network.buffers()]
    try:
        with autocast(precision, device):
            outputs = compiled(torch.zeros(*image_shape, device=device))
        levels = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        torch.stack([level.float().sum() for level in levels]).sum().backward()
    except Exception as error:  # whatever the compiler's trouble is, the network runs without it
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        say(f"not compiled ({first})")
        compiled = network
    else:
        say("compiled")
    network.zero_grad()
    for buffer, value in zip(network.buffers(), before, strict=True):
        buffer.copy_(value)
    return compiled  # pyright: ignore[reportReturnType]
