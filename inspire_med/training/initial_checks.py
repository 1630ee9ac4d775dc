"""Initial, checked: whether a run can begin with a trained model, and its scores stay honest."""

from typing import Literal

from inspire_med.cases.manifest import Manifest
from inspire_med.config import NetworkConfig, TrainConfig
from inspire_med.errors import InputError
from inspire_med.inference.model import WEIGHTS, check_sha256
from inspire_med.training.initial import Initial, begun_with, described, has_seen, initial_of

LEAK: Literal["init"] = "init"  # what `--allow_leak` calls a model that has seen what is scored
_KINDS = {2: "pictures", 3: "volumes"}


def check_initial(config: TrainConfig, manifest: Manifest) -> None:
    """Refuse a model that a run cannot begin with, or that flatters what it is validated on.

    Raises:
        InputError: If the model has learned from the run's validation cases without leave to; or as
            `refuse_unfit`.
    """
    if isinstance(config.fold, int) and initial_of(config) is not None:
        refuse_seen(config, manifest.hash, config.fold)
    refuse_unfit(config, manifest)


def refuse_unfit(config: TrainConfig, manifest: Manifest) -> None:
    """Refuse a model that a run cannot begin with.

    Raises:
        InputError: If the model is damaged, of another number of dimensions than the data set, or
            of another number of levels than is asked for; or as `find_initial`.
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
    _refuse_other_levels(initial, config.network)


def refuse_seen(config: TrainConfig, manifest_hash: str, fold: int | None) -> None:
    """Refuse a model that has learned from cases which the run is to be scored on, begun or not.

    Args:
        config: Options of the run.
        manifest_hash: Of the data set whose cases are scored.
        fold: Those of it; None is all of them.

    Raises:
        InputError: If it has and may not, or as `find_initial`.
    """
    if config.allow_leak == LEAK:
        return
    initial = initial_of(config)
    model = begun_with(config.run) if initial is None else initial.to_json()
    if model is not None and has_seen(model, manifest_hash, fold):
        which = "the test set" if fold is None else f"fold {fold} of this data set"
        raise InputError(
            f"--init: {model['model']} has learned from cases of {which}, on which it would be "
            f"scored; give a model that has not, or pass --allow_leak {LEAK}, which is then said."
        )


def _refuse_other_levels(initial: Initial, network: NetworkConfig) -> None:
    """Refuse widths that the model's strides and kernels, which nobody gave, do not go with."""
    if network.monai is not None or network.encoder is not None:
        return
    model, levels = described(initial.card), len(network.widths)
    count = len(model["widths"])
    kept = [
        name
        for name in ("strides", "kernel_sizes")
        if model[name] is not None and (sizes := getattr(network, name)) is not None
        if levels != count and len(sizes) == len(model[name])
    ]
    if kept:
        options = " and ".join(f"--network.{name}" for name in kept)
        raise InputError(
            f"--network.widths: {levels} levels are asked for, and the model of --init has "
            f"{count}; give {options} for {levels} too, or {count} widths."
        )
