"""Network: the network as training has it: extra outputs, average, recomputed maps, compiled."""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper

from inspire_med.blocks.encoder import Encoder
from inspire_med.blocks.loop import Pass
from inspire_med.blocks.pyramid import TopDown
from inspire_med.cases.intensity import with_scheme
from inspire_med.cases.manifest import Manifest
from inspire_med.config import Switch, TrainConfig
from inspire_med.errors import InputError
from inspire_med.inference.model import ModelCard
from inspire_med.inference.precision import autocast
from inspire_med.networks import (
    DeepSupervision,
    MonaiNetwork,
    UNet,
    build_network,
)
from inspire_med.networks.build import OPTIONAL
from inspire_med.training.average import moving_average
from inspire_med.training.checkpoint import card_of_run
from inspire_med.training.first_weights import (
    as_weights_want,
    freeze_encoder,
    freeze_encoder_norms,
    load_first_weights,
)
from inspire_med.training.initial import initial_of, with_scheme_of
from inspire_med.training.initial_weights import load_initial
from inspire_med.training.optimizer import make_optimizer
from inspire_med.training.ranks import highest_over_ranks
from inspire_med.training.state import Trained, extra_outputs
from inspire_med.training.sync_batchnorm import synchronise


def model_card(config: TrainConfig, manifest: Manifest) -> ModelCard:
    """Describe the network; its precision is chosen later, on the device."""
    scheme = with_scheme(manifest.task.preparation, config.data.intensity)
    scheme = as_weights_want(scheme, config.network, tuple(manifest.channels))
    preparation = replace(
        with_scheme_of(scheme, initial_of(config)),
        spacing_mm=config.data.spacing_mm,
        image_size=config.data.image_size,
        register=manifest.register,
    )
    options = config.to_json()["network"]
    network: dict[str, Any] = {
        "spatial_dims": manifest.task.spatial_dims,
        "in_channels": len(manifest.channels),
        "out_channels": len(manifest.regions),
        **{name: options[name] for name in OPTIONAL if name in options},
    }
    return ModelCard(
        task=manifest.task,
        channels=tuple(manifest.channels),
        regions=dict(manifest.regions),
        network=network,
        preparation=preparation,
        patch_size=config.data.patch_size or preparation.image_size or (),
        precision="32-true",
        manifest_hash=manifest.hash,
    )


def build_trained(
    config: TrainConfig,
    card: ModelCard,
    manifest_hash: str,
    fabric: Fabric,
    say: Callable[[str], None],
) -> Trained:
    """Network and optimizer on their device, so that a checkpoint's state lands there too."""
    torch.manual_seed(config.seed)
    network = build_network(card.network)
    if isinstance(network, UNet) and config.network.second_pass_from > 0:
        network.hold_passes()
    supervised = network if isinstance(network, MonaiNetwork) else _supervised(config, network, say)
    if (initial := initial_of(config)) is not None:
        extra = extra_outputs(network, supervised)
        load_initial(initial, config, card, network, extra, say)
    layout = torch.channels_last if network.spatial_dims == 2 else torch.channels_last_3d
    supervised.to(fabric.device).to(memory_format=layout)  # pyright: ignore[reportCallIssue]
    average = None
    if config.optimizer.ema is not None:
        average = moving_average(network, config.optimizer.ema)
    if config.sync_batchnorm == "on" or (config.sync_batchnorm == "auto" and fabric.world_size > 1):
        synchronise(network, fabric.device)
    if config.network.recompute:
        recompute_activations(network)
    encoder = network.encoder if isinstance(network, UNet) else None
    optimizer = make_optimizer(supervised, config.optimizer, encoder)
    return Trained(
        card=card,
        network=network,
        supervised=supervised,
        optimizer=optimizer,
        average=average,
        scaling=fabric.strategy.precision,
        manifest_hash=manifest_hash,
        config=config.to_json(),
    )


def refuse_more_levels(supervised: int, network: UNet) -> None:
    """Supervise no more levels than there are.

    Raises:
        InputError: If more are asked for.
    """
    if supervised > len(network.channels):
        raise InputError(
            f"--network.deep_supervision: {supervised} is more than the network's "
            f"{len(network.channels)} levels; give fewer."
        )


def _supervised(config: TrainConfig, network: UNet, say: Callable[[str], None]) -> nn.Module:
    """The U-Net with the first weights and the extra outputs that were asked for."""
    begun = card_of_run(config.run / "checkpoints") is not None
    if not begun and config.init is None:  # a checkpoint has them learned on
        load_first_weights(network, config.network, say)
    if config.freeze == "encoder":
        freeze_encoder(network, say)
    elif config.network.freeze_norm:
        freeze_encoder_norms(network)
    levels = config.network.deep_supervision
    refuse_more_levels(levels, network)
    every_pass = config.network.supervise_passes
    if levels == 1 and not every_pass:
        return network
    return DeepSupervision(network, levels, every_pass=every_pass)


def compile_if_it_works(
    network: nn.Module,
    images: Sequence[Tensor],
    precision: str,
    *,
    switch: Switch,
    say: Callable[[str], None],
) -> nn.Module:
    """The compiled network, or the network as it is, on all ranks alike.

    A compiler fails at the first step, not when it is asked; so a step of each size is tried on
    zeros, and tried again with the passes that join later in the run. The trial leaves no trace in
    the running statistics or the gradients.

    Args:
        network: The network, on its device.
        images: A batch of each size, on the network's device and in its memory layout: a compiler
            makes another network for another layout.
        precision: Fabric's name.
        switch: `auto` tries on a GPU, `on` everywhere.
        say: Hears what came of it.
    """
    device = images[0].device
    if switch == "off" or (switch == "auto" and device.type != "cuda"):
        return network
    compiled = torch.compile(network, dynamic=False)  # with sizes as symbols, torch 2.13 gives up
    before = [buffer.clone() for buffer in network.buffers()]
    waiting = [n for n in network.modules() if isinstance(n, UNet) and n.passes_wait]
    trouble = None
    try:
        _try_step_of_each(images, compiled, precision)
        for one in waiting:
            one.begin_passes()
        if waiting:
            _try_step_of_each(images, compiled, precision)
    except Exception as error:  # whatever the compiler's trouble is, the network runs without it
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        trouble = first
    (failed,) = highest_over_ranks([trouble is not None], device)
    say(f"not compiled ({trouble or 'another rank could not'})" if failed else "compiled")
    network.zero_grad()
    for one in waiting:
        one.hold_passes()
    for buffer, value in zip(network.buffers(), before, strict=True):
        buffer.copy_(value)
    return network if failed else compiled  # pyright: ignore[reportReturnType]


def _try_step_of_each(
    images: Sequence[Tensor], network: Callable[[Tensor], Any], precision: str
) -> None:
    for image in images:
        with autocast(precision, image.device):
            outputs = network(image)
        levels = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        torch.stack([level.float().sum() for level in levels]).sum().backward()


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
