"""State: all that the next step needs, as tensors and JSON, read without pickle."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.precision import Precision as PrecisionPlugin
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from inspire_med.errors import InputError
from inspire_med.files import read_json, write_json
from inspire_med.inference.model import (
    CARD,
    WEIGHTS,
    ModelCard,
    check_sha256,
    load_weights,
    read_card,
    save_tensors,
    sha256,
    weights_of,
    write_model,
)
from inspire_med.networks import UNet
from inspire_med.training.recipe import refuse_difference, refuse_other_recipe

_STATE = "training.safetensors"
_RECORD = "training.json"


@dataclass
class Progress:
    """How far a run has come.

    Args:
        step: Optimizer steps done.
        elapsed_s: Seconds of training and validation so far, over all sessions of the run.
        validations: Validations done.
        validation_s: Seconds of the longest of them.
        validated_step: Step of the last of them.
        best_score: Best mean validation Dice so far; None before the first validation.
        nonfinite: Steps in a row up to this one that were skipped.
        extra_steps: Steps by which the budget was extended.
        extra_s: Seconds likewise.
        signalled: Whether a signal ended the last session.
    """

    step: int = 0
    elapsed_s: float = 0.0
    validations: int = 0
    validation_s: float = 0.0
    validated_step: int = 0
    best_score: float | None = None
    nonfinite: int = 0
    extra_steps: int = 0
    extra_s: float = 0.0
    signalled: bool = False


@dataclass(frozen=True)
class Trained:
    """The parts of a run whose state a checkpoint holds.

    Args:
        card: Describes the network.
        network: The network.
        supervised: The module that is trained: `network`, or a wrapper with extra outputs.
        optimizer: Its optimizer.
        average: Moving average of the network, if there is one.
        scaling: Fabric's precision plugin, which holds the loss scaler of fp16.
        manifest_hash: Hash of the data set.
        config: All options; those that decide on what is learned stay the same after a resume.
    """

    card: ModelCard
    network: nn.Module
    supervised: nn.Module
    optimizer: Optimizer
    average: AveragedModel | None
    scaling: PrecisionPlugin
    manifest_hash: str
    config: dict[str, Any]

    @property
    def predictor(self) -> nn.Module:
        """The network that is validated and that predicts."""
        return self.network if self.average is None else self.average.module

    @property
    def waiting(self) -> list[UNet]:
        """The network and its average, where their further passes do not run yet."""
        both = {id(network): network for network in (self.network, self.predictor)}
        return [n for n in both.values() if isinstance(n, UNet) and n.passes_wait]


def write_state(folder: Path, trained: Trained, progress: Progress) -> None:
    """Write a model folder with the state of its training; the caller makes it appear whole."""
    card = trained.card
    if trained.waiting:  # what is written now predicts by one pass
        card = replace(card, network={**card.network, "passes_wait": True})
    write_model(folder, card, trained.predictor)
    tensors = _optimizer_tensors(trained.optimizer)
    tensors |= {
        f"supervised.{k}": v for k, v in extra_outputs(trained.network, trained.supervised).items()
    }
    if trained.average is not None:  # the model's weights are the average; these go on learning
        tensors |= {f"network.{k}": v for k, v in weights_of(trained.network).items()}
        tensors["average.count"] = trained.average.n_averaged
    save_tensors(folder / _STATE, tensors | _random_states())
    write_json(
        folder / _RECORD,
        {
            "format": 1,
            "progress": asdict(progress),
            "manifest_hash": trained.manifest_hash,
            "config": trained.config,
            "scaler": trained.scaling.state_dict(),
            "sha256": {name: sha256(folder / name) for name in (WEIGHTS, CARD, _STATE)},
        },
    )


def verify_state(folder: Path) -> None:
    """Compare every file with its sum.

    Raises:
        InputError: If one is not what was written.
    """
    record = read_json(folder / _RECORD)
    for name in (WEIGHTS, CARD, _STATE):
        check_sha256(folder / name, record["sha256"][name])


def read_progress(folder: Path) -> Progress:
    """How far the run was."""
    return Progress(**read_json(folder / _RECORD)["progress"])


def options_of(folder: Path) -> dict[str, Any]:
    """All options of the run that wrote a checkpoint, nested; empty of a model alone."""
    record = folder / _RECORD
    return read_json(record)["config"] if record.is_file() else {}


def extra_outputs_in(folder: Path) -> dict[str, Tensor]:
    """What training added to a checkpoint's network; empty of a model alone.

    Raises:
        InputError: If a file is not what was written.
    """
    if not (folder / _RECORD).is_file():
        return {}
    verify_state(folder)
    return _part(load_file(folder / _STATE), "supervised.")


def restore_state(folder: Path, trained: Trained) -> Progress:
    """Fill `trained` with what was written.

    Raises:
        InputError: If it is of another data set, recipe or network.
    """
    record = read_json(folder / _RECORD)
    if record["manifest_hash"] != trained.manifest_hash:
        raise InputError(
            f"{folder}: trained on the data set {record['manifest_hash'][:12]}, but the manifest "
            f"is {trained.manifest_hash[:12]}; use the same manifest or another --run."
        )
    refuse_other_recipe(folder.parent.parent, folder, record["config"], trained.config)
    card = read_card(folder)
    waits = card.network.pop("passes_wait", False)
    _refuse_other_card(folder, card, trained.card)
    if not waits:
        for network in trained.waiting:
            network.begin_passes()
    tensors = load_file(folder / _STATE)
    load_weights(trained.predictor, folder / WEIGHTS)
    if trained.average is not None:
        trained.network.load_state_dict(_part(tensors, "network."), strict=False)
        trained.average.n_averaged.copy_(tensors["average.count"])
    # The network's own keys are in place.
    trained.supervised.load_state_dict(_part(tensors, "supervised."), strict=False)
    trained.scaling.load_state_dict(record["scaler"])
    _load_optimizer(trained.optimizer, tensors)
    torch.set_rng_state(tensors["rng.torch"])
    if torch.cuda.is_available() and "rng.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["rng.cuda"])
    return Progress(**record["progress"])


def _refuse_other_card(folder: Path, written: ModelCard, asked: ModelCard) -> None:
    if written.preparation.orientation is None and asked.preparation.orientation is not None:
        raise InputError(
            f"{folder}: an older version trained on volumes as they are stored, and this one "
            "turns them all one way; it predicts as before, but training cannot go on: start anew "
            "in another --run."
        )
    # Cards did not hold the set's hash at first; the run's own record was compared before.
    known = replace(written, manifest_hash=asked.manifest_hash)
    refuse_difference(folder, known.to_json(), asked.to_json())


def _random_states() -> dict[str, Tensor]:
    """Samples have seeds of their own; these are for a network that draws numbers itself."""
    states = {"rng.torch": torch.get_rng_state()}
    return states | ({"rng.cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {})


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def extra_outputs(network: nn.Module, supervised: nn.Module) -> dict[str, Tensor]:
    """The state that the training wrapper adds to the network's own."""
    own = {id(t) for t in network.state_dict(keep_vars=True).values()}
    return {k: v for k, v in supervised.state_dict(keep_vars=True).items() if id(v) not in own}


def _optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return {
        f"optimizer.{index}.{name}": torch.as_tensor(value)
        for index, values in state.items()
        for name, value in values.items()
        if value is not None
    }


def _load_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".", 2)
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(
        {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
    )
