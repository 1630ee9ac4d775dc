"""First weights: what an encoder starts from, and what that asks of its input and its norms."""

from collections.abc import Callable
from dataclasses import replace

from inspire_med.blocks.norm import freeze_batch_norms
from inspire_med.cases.manifest import Manifest
from inspire_med.config import NetworkConfig
from inspire_med.networks import UNet, normalisation_of, weights_of_encoder
from inspire_med.networks.build import named_encoder
from inspire_med.networks.weights import PUBLISHED
from inspire_med.published import IMAGENET
from inspire_med.tasks.task import Preparation


def as_weights_want(
    preparation: Preparation, network: NetworkConfig, channels: tuple[str, ...]
) -> Preparation:
    """A task's preparation, whose pictures get the intensities that the encoder's weights know.

    Volumes, and pictures whose values are no colours, keep the task's scheme.
    """
    if network.encoder is None or network.weights is None or preparation.intensity != "rgb":
        return preparation
    normalisation = normalisation_of(network.encoder)
    if normalisation is None:
        return preparation
    statistics = normalisation.statistics(channels)
    return replace(preparation, intensity="fixed", intensity_statistics=statistics)


def check_first_weights(network: NetworkConfig, manifest: Manifest) -> None:
    """Refuse first weights that are not there or not the encoder's; without any, do nothing.

    Raises:
        InputError: As `named_encoder` and `weights_of_encoder`.
    """
    if network.encoder is None or network.weights is None:
        return
    dims, channels = manifest.task.spatial_dims, len(manifest.channels)
    encoder = named_encoder(network.encoder, dims, channels)
    weights_of_encoder(encoder, network.encoder, network.weights)


def load_first_weights(network: UNet, config: NetworkConfig, say: Callable[[str], None]) -> None:
    """Give a network its encoder's first weights in every pass; none are named aloud.

    Args:
        network: The network.
        config: Names the encoder and the weights.
        say: Hears what the user should know.

    Raises:
        InputError: As `weights_of_encoder`.
    """
    name, weights = config.encoder, config.weights
    if name is None:
        return
    if weights is None:
        there = PUBLISHED if name in IMAGENET else "FILE"
        say(f"WARNING: encoder {name} starts from RANDOM weights; give --network.weights {there}")
        return
    state, channels = weights_of_encoder(network.encoder, name, weights)
    network.encoder.load_state_dict(state)
    network.begin_passes_alike()
    adapted = ""
    if channels != network.in_channels:
        adapted = (
            f"; its first layer takes {network.in_channels} channels in place of {channels}, each "
            "by their mean"
        )
    say(f"encoder {name} starts from {weights}{adapted}")


def freeze_encoder_norms(network: UNet) -> None:
    """Let the encoder's batch norms go by the statistics that they have, in every pass."""
    freeze_batch_norms(network.encoder)
    for later in network.passes:
        freeze_batch_norms(later.get_submodule("stages"))


def freeze_encoder(network: UNet, say: Callable[[str], None]) -> None:
    """Let the encoder stay as it is in every pass: no gradients, its norms by their statistics."""
    freeze_encoder_norms(network)
    network.encoder.requires_grad_(False)
    kept = sum(p.numel() for p in network.encoder.parameters())
    every = sum(p.numel() for p in network.parameters())
    say(f"encoder frozen: {every - kept:,} of {every:,} weights learn")
