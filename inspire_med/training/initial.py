"""Initial: the trained model that a run begins with, and what of it finds a place there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from inspire_med.cases.manifest import Manifest
from inspire_med.config import NetworkConfig, TrainConfig
from inspire_med.errors import InputError
from inspire_med.files import read_json
from inspire_med.inference.members import model_folders
from inspire_med.inference.model import (
    CARD,
    WEIGHTS,
    ModelCard,
    check_sha256,
    read_card,
    read_model,
)
from inspire_med.networks import UNet
from inspire_med.networks.build import OPTIONAL
from inspire_med.tasks.task import Preparation
from inspire_med.training.checkpoint import card_of_run
from inspire_med.training.initial_words import on_preparation, on_tensors
from inspire_med.training.state import extra_outputs_in, options_of
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
_KINDS = {2: "pictures", 3: "volumes"}


@dataclass(frozen=True)
class Initial:
    """A trained model.

    Args:
        folder: Where it lies.
        card: What it is.
        sha256: Of its weights, as the card has it.
    """

    folder: Path
    card: ModelCard
    sha256: str

    def to_json(self) -> dict[str, str]:
        """What a run keeps of it."""
        return {"model": str(self.folder), "sha256": self.sha256}


def find_initial(place: Path) -> Initial:
    """Find the model that `--init` names: a run's best checkpoint, else its last, or a folder.

    Raises:
        InputError: If there is none, or one for each of several folds, or its card is damaged.
    """
    if not place.is_dir():
        raise InputError(f"--init: {place} is no folder; give a run or a model's folder.")
    folder, *others = model_folders(place)
    if others:
        raise InputError(
            f"--init: {place} holds {1 + len(others)} models, one a fold; give the run of one of "
            "them."
        )
    card = read_card(folder)
    return Initial(folder, card, read_json(folder / CARD).get("sha256", "none"))


def initial_of(config: TrainConfig) -> Initial | None:
    """The model that a run is to begin with; None if it has begun, or begins with none.

    Raises:
        InputError: As `find_initial`.
    """
    if config.init is None or card_of_run(config.run / "checkpoints") is not None:
        return None
    return find_initial(config.init)


def check_initial(config: TrainConfig, manifest: Manifest) -> None:
    """Refuse a model that is damaged or of another number of dimensions than the data set.

    Raises:
        InputError: If it is, or as `find_initial`.
    """
    initial = initial_of(config)
    if initial is None:
        return
    check_sha256(initial.folder / WEIGHTS, initial.sha256)
    dims, task = initial.card.task.spatial_dims, manifest.task
    if dims != task.spatial_dims:
        raise InputError(
            f"--init: {initial.folder} is a model for {_KINDS[dims]}, and {task.name} is of "
            f"{_KINDS[task.spatial_dims]}; give a model for those."
        )


def has_seen(initial: Initial, manifest_hash: str, fold: int | str) -> bool:
    """Whether a model has, for all that is known, learned from cases of this fold."""
    of_this_set = bool(manifest_hash) and initial.card.manifest_hash == manifest_hash
    return of_this_set and options_of(initial.folder).get("fold") != fold


def network_options(place: Path) -> dict[str, Any]:
    """The options that give a run the network of a trained model, by dotted name.

    Raises:
        InputError: As `find_initial`.
    """
    initial = find_initial(place)
    options = _described(initial.card)
    levels, usual = len(options["widths"]), NetworkConfig().deep_supervision
    alone = 1 if options["monai"] is not None else min(usual, levels)
    trained = options_of(initial.folder).get("network", {})
    options["deep_supervision"] = trained.get("deep_supervision", alone)
    return {f"network.{name}": value for name, value in options.items()}


def _described(card: ModelCard) -> dict[str, Any]:
    """A network's options by name; strides and kernels spelled out, so that a plan takes them."""
    usual = NetworkConfig()
    options = {
        name: card.network.get(name, getattr(usual, name))
        for name in OPTIONAL
        if hasattr(usual, name)
    }
    if options["encoder"] is None and options["monai"] is None:
        levels, dims = len(options["widths"]), card.task.spatial_dims
        options["strides"] = options["strides"] or [[2] * dims] * (levels - 1)
        options["kernel_sizes"] = options["kernel_sizes"] or [[3] * dims] * levels
    return options


def with_scheme_of(preparation: Preparation, initial: Initial | None) -> Preparation:
    """A run's preparation, whose pictures get the normalisation that the model's weights know."""
    if initial is None or preparation.intensity != "rgb":
        return preparation
    known = initial.card.preparation
    if known.intensity != "fixed":
        return preparation
    return replace(preparation, intensity="fixed", intensity_statistics=known.intensity_statistics)


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
    old, new = _described(before), _described(card)
    other = [name for name in new if new[name] != old[name]]
    return (
        f"network other than the model's in {', '.join(other)}"
        if other
        else "network as the model's"
    )


def _on_fold(initial: Initial, config: TrainConfig, card: ModelCard) -> list[str]:
    """A warning, where the model may have learned from cases that the run validates on."""
    if not isinstance(config.fold, int):
        return []
    if not has_seen(initial, card.manifest_hash, config.fold):
        return []
    return [
        "WARNING: the model has learned from cases of this data set that are validated on here; "
        "give the fold that it left out"
    ]


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
