"""Members: models that predict together, such as the folds of a cross-validation."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from torch import nn

from inspire_med.errors import InputError
from inspire_med.files import read_json
from inspire_med.inference.model import CARD, ModelCard, read_model

_FOLDS = "fold*"  # of `train --fold each`, or of an array of trainings, a run each


@dataclass(frozen=True)
class Member:
    """One model.

    Args:
        folder: Where it was read from.
        card: What its network is.
        network: The network.
        sha256: Of the file of its weights; empty of a network in memory.
    """

    folder: Path
    card: ModelCard
    network: nn.Module
    sha256: str = ""


def read_members(folders: Sequence[Path]) -> list[Member]:
    """Read models that predict together.

    Args:
        folders: Each a run (its best checkpoint, else its last), a single model's folder, or a
            cross-validation's, which stands for all of its folds.

    Raises:
        InputError: If there is no model in one of them, one is damaged, or two are of different
            data sets, networks or preparations.
    """
    members = [
        Member(place, *read_model(place), read_json(place / CARD)["sha256"])
        for folder in folders
        for place in model_folders(folder)
    ]
    first = members[0]
    for other in members[1:]:
        if (what := _difference(first.card, other.card)) is not None:
            raise InputError(
                f"--run: {other.folder} and {first.folder} do not predict together, for their "
                f"{what} differ; give runs of one data set and one network."
            )
    return members


def model_folders(folder: Path) -> list[Path]:
    """Find the models in a run, in a model's folder, or in a folder of several folds' runs.

    A folder with a model of its own is that model's, whatever else was put there.

    Raises:
        InputError: If there is none, or none of one of the folds.
    """
    if (own := _model_folder(folder)) is not None:
        return [own]
    folds = sorted(place for place in folder.glob(_FOLDS) if place.is_dir())
    runs = [run if (run := fold / "run").is_dir() else fold for fold in folds]
    models: list[Path] = []
    for run in runs or [folder]:
        if (model := _model_folder(run)) is None:
            raise InputError(
                f"{run}: no trained model in it; pass a run folder of the train command, "
                f"or a folder with {CARD}."
            )
        models.append(model)
    return models


def _model_folder(folder: Path) -> Path | None:
    """The model of a run, its best checkpoint or else its last, or the folder itself."""
    places = (folder, folder / "checkpoints" / "best", folder / "checkpoints" / "last")
    return next((place for place in places if (place / CARD).is_file()), None)


def _difference(one: ModelCard, other: ModelCard) -> str | None:
    """What keeps two models from predicting together.

    Each fold has statistics of its own training cases, and is prepared by them.
    """
    cards = [
        {
            "tasks": card.task.name,
            "data sets": card.manifest_hash,
            "channels": card.channels,
            "regions": card.regions,
            "networks": card.network,
            "preparations": asdict(replace(card.preparation, intensity_statistics={})),
        }
        for card in (one, other)
    ]
    return next((name for name in cards[0] if cards[0][name] != cards[1][name]), None)
