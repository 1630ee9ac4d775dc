"""Request: whether what is asked for can be trained, before anything is made for it."""

from inspire_med.cases.manifest import Manifest
from inspire_med.config import DataConfig, TrainConfig
from inspire_med.config_checks import refuse_nonsense
from inspire_med.errors import InputError
from inspire_med.memory import bytes_of
from inspire_med.tasks.find import refuse_other_task
from inspire_med.tasks.task import Task
from inspire_med.training.budget import budget_of
from inspire_med.training.movable import refuse_limit, refuse_other_manifest


def check_request(config: TrainConfig, world: int) -> Manifest:
    """Refuse options that make no sense, alone or with the data set; answers with the data set.

    Args:
        config: The options.
        world: Processes that train.

    Raises:
        InputError: If an option makes no sense, a step cannot be shared out, or the manifest is of
            another task or cannot be read.
    """
    manifest = Manifest.load(config.manifest)  # first: without it, options lack their defaults
    refuse_other_task(config.task, manifest.task, config.manifest)
    refuse_nonsense(config)
    budget_of(config)
    if config.store_limit is not None:
        bytes_of(config.store_limit, "--store_limit")
    if config.only_prepare:
        refuse_other_manifest(config, manifest)
    else:
        refuse_limit(config)
    if config.data.drop_channels and (manifest.task.spatial_dims == 2 or not manifest.channels[1:]):
        raise InputError(
            f"--data.drop_channels: {manifest.task.name} has no channel that a case may lack (the "
            "colours of a picture are there together); leave it out."
        )
    _refuse_uneven_parts(config.data.batch_size, config.data.accumulate, world)
    _refuse_misfit(config.data, manifest.task)
    return manifest


def _refuse_misfit(data: DataConfig, task: Task) -> None:
    """Check the sizes of what the network sees, which have as many axes as the task's cases."""
    dims = task.spatial_dims
    if data.patch_size is None and dims == 3:
        raise InputError("--data.patch_size: volumes need one; give three numbers of voxels.")
    if data.patch_size is not None and (len(data.patch_size) != dims or min(data.patch_size) < 1):
        raise InputError(
            f"--data.patch_size: {list(data.patch_size)} does not fit {task.name}; "
            f"give {dims} positive numbers of voxels."
        )
    if data.image_size is None and data.patch_size is None:
        raise InputError("--data.image_size: whole images need one; give it, or --data.patch_size.")


def _refuse_uneven_parts(batch_size: int, accumulate: int, world: int) -> None:
    """Every process needs a sample; parts must be the same ones however many processes there are.

    Raises:
        InputError: If the batch is too small or, in parts, cannot be divided.
    """
    if batch_size < world:
        raise InputError(
            f"--data.batch_size: {batch_size} samples do not reach for {world} processes; "
            f"give at least {world}."
        )
    if accumulate > 1 and batch_size % (accumulate * world):
        raise InputError(
            f"--data.accumulate: {batch_size} samples cannot be divided into {accumulate} parts "
            f"for {world} processes; give a multiple of {accumulate * world} as --data.batch_size."
        )
