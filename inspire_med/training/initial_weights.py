"""Initial weights: what of a trained model finds a place in a run's network."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.inference.model import ModelCard, read_model
from inspire_med.networks import UNet
from inspire_med.training.initial import Initial, described, has_seen
from inspire_med.training.initial_words import on_preparation, on_tensors
from inspire_med.training.state import extra_outputs_in
from inspire_med.training.transfer import (
    Axes,
    Named,
    Transferred,
    axes_of,
    of_further_passes,
    tensors_of,
    transferred,
)

_ENCODER = "encoder."


def load_initial(
    initial: Initial,
    config: TrainConfig,
    card: ModelCard,
    network: nn.Module,
    extra: Mapping[str, Tensor],
    say: Callable[[str], None],
) -> None:
    """Give a network a trained one's weights where they fit, extra outputs' too.

    Args:
        initial: The trained model.
        config: Options of the run.
        card: Of the network.
        network: The network, on the CPU.
        extra: Tensors of the outputs that training adds to it, regions first.
        say: Hears what was taken and what was not.

    Raises:
        InputError: If the model is damaged, nothing of it fits, or an encoder that is to be frozen
            would keep random weights.
    """
    before, trained = read_model(initial.folder)
    axes = axes_of(card.network)
    axes = Axes(axes.channels, {**axes.regions, **dict.fromkeys(extra, 0)})
    old = {**tensors_of(trained), **extra_outputs_in(initial.folder)}
    new = {**tensors_of(network), **extra}
    alike = _further_passes(trained) == _further_passes(network)
    if not alike:
        old, new = _of_the_first_pass(old), _of_the_first_pass(new)
    found = transferred(
        Named(old, before.channels, tuple(before.regions)),
        Named(new, card.channels, tuple(card.regions)),
        axes,
    )
    _refuse_nothing(found, initial, config)
    with torch.no_grad():
        for name, tensor in found.taken.items():
            new[name].copy_(tensor)
    if isinstance(network, UNet) and not alike:
        network.begin_passes_alike()
    lines = [
        f"{initial.folder}, sha256 {initial.sha256[:12]}",
        _on_network(before, card),
        *on_tensors(found, axes, before, card),
        *on_preparation(before, card),
        *_on_fold(initial, config, card),
    ]
    for line in lines:
        say(f"init: {line}")


def _on_network(before: ModelCard, card: ModelCard) -> str:
    old, new = described(before), described(card)
    other = [name for name in new if new[name] != old[name]]
    return (
        f"network other than the model's in {', '.join(other)}"
        if other
        else "network as the model's"
    )


def _on_fold(initial: Initial, config: TrainConfig, card: ModelCard) -> list[str]:
    """A warning, where the model has, by leave, learned from cases that the run validates on."""
    if not isinstance(config.fold, int):
        return []
    if not has_seen(initial.to_json(), card.manifest_hash, config.fold):
        return []
    return ["WARNING: the model has learned from cases that are validated on here, as allowed"]


def _further_passes(network: nn.Module) -> tuple[int, int, bool] | None:
    """How many passes follow the first, through how many levels, and whether after a sketch."""
    if not isinstance(network, UNet) or network.passes_wait or network.steps == 1:
        return None
    return network.steps, len(network.feedback), network.sketch is not None


def _of_the_first_pass(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: each for name, each in tensors.items() if not of_further_passes(name)}


def _refuse_nothing(found: Transferred, initial: Initial, config: TrainConfig) -> None:
    """Refuse a model of which nothing fits, and a frozen encoder that it does not fill.

    A decoder on an encoder that has learned nothing has lost what it knew.
    """
    names = [*found.taken, *found.fresh]
    part = _ENCODER if any(name.startswith(_ENCODER) for name in names) else ""
    if not any(found.taken[n].dim() > 1 for n in found.taken if n.startswith(part)):
        raise InputError(
            f"--init: no weights of {initial.folder} fit this network, whose layers are others; "
            "leave out the options of --network to have the model's own."
        )
    random = [name for name in found.fresh if name.startswith(_ENCODER)]
    if config.freeze is not None and random:
        raise InputError(
            f"--freeze: {random[0]} is not in {initial.folder} and would keep random weights; "
            "leave it out, or the options of --network to have the model's own encoder."
        )
