"""Request: what can be seen to be wrong with a run before anything is made."""

from inspire_med.cases.case import Manifest
from inspire_med.config import TrainConfig, refuse_nonsense
from inspire_med.errors import InputError
from inspire_med.training.budget import Budget, parse_duration


def check_request(config: TrainConfig, world: int) -> Manifest:
    """Refuse options that make no sense, alone or with the data set; answers with the data set.

    Args:
        config: The options.
        world: Processes that train.

    Raises:
        InputError: If an option makes no sense, a step cannot be shared out, or the manifest is of
            another task or cannot be read.
    """
    refuse_nonsense(config)
    budget_of(config)
    refuse_uneven_parts(config.data.batch_size, config.data.accumulate, world)
    manifest = Manifest.load(config.manifest)
    if manifest.task != config.task:
        raise InputError(
            f"{config.manifest}: is for task {manifest.task}, not {config.task}; "
            f"pass --task {manifest.task}."
        )
    return manifest


def budget_of(config: TrainConfig) -> Budget:
    """The budget that the options give.

    Raises:
        InputError: If they give none.
    """
    limit_s = parse_duration(config.max_time) if config.max_time is not None else None
    return Budget(config.max_steps, limit_s)


def refuse_uneven_parts(batch_size: int, accumulate: int, world: int) -> None:
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
