"""Initial: the trained model that a run begins with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inspire_med.config import NetworkConfig, TrainConfig
from inspire_med.errors import InputError
from inspire_med.files import read_json
from inspire_med.inference.members import model_folders
from inspire_med.inference.model import CARD, ModelCard, read_card
from inspire_med.networks.build import OPTIONAL
from inspire_med.tasks.task import Preparation
from inspire_med.training.checkpoint import card_of_run
from inspire_med.training.state import options_of


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

    def to_json(self) -> dict[str, Any]:
        """What a run keeps: `fold` is what it was trained without, `before` what it began with."""
        return {
            "model": str(self.folder),
            "sha256": self.sha256,
            "trained_on": self.card.manifest_hash,
            "fold": options_of(self.folder).get("fold"),
            "before": begun_with(self.folder.resolve().parent.parent),
        }


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


def begun_with(run: Path) -> dict[str, Any] | None:
    """What the record of a run, or of a cross-validation, keeps of the model it began with."""
    record = run / "run.json"
    return read_json(record).get("init") if record.is_file() else None


def has_seen(model: Mapping[str, Any], manifest_hash: str, fold: int | None) -> bool:
    """Whether a model has, for all that is known, learned from cases of this fold, or of any.

    What a model began with counts: it has learned from its cases too.

    Args:
        model: What a run keeps of it; little by a run of an older version.
        manifest_hash: Of the data set.
        fold: The fold; None is any.
    """
    of_this_set = bool(manifest_hash) and model.get("trained_on") == manifest_hash
    if of_this_set and (fold is None or model.get("fold") != fold):
        return True
    before = model.get("before")
    return before is not None and has_seen(before, manifest_hash, fold)


def network_options(place: Path) -> dict[str, Any]:
    """The options that give a run the network of a trained model, by dotted name.

    Raises:
        InputError: As `find_initial`.
    """
    initial = find_initial(place)
    options = described(initial.card)
    levels, usual = len(options["widths"]), NetworkConfig().deep_supervision
    alone = 1 if options["monai"] is not None else min(usual, levels)
    trained = options_of(initial.folder).get("network", {})
    options["deep_supervision"] = trained.get("deep_supervision", alone)
    return {f"network.{name}": value for name, value in options.items()}


def described(card: ModelCard) -> dict[str, Any]:
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
