"""Foreground: a training fold without any teaches a network to find nothing, at Dice 1."""

from collections.abc import Callable

import numpy as np

from inspire_med.training.experiment import Experiment
from inspire_med.training.ranks import AgreedError, highest_over_ranks


def refuse_nothing_to_learn(experiment: Experiment, say: Callable[[str], None]) -> None:
    """Look for each region in the training cases, as they are prepared; the ranks share them out.

    Args:
        experiment: The run, its cases in the store.
        say: Hears of a region that no case has, while others are there.

    Raises:
        AgreedError: If there is no voxel of any region.
    """
    fabric, config, cases = experiment.fabric, experiment.config, experiment.samples.cases
    regions = list(experiment.trained.card.regions)
    present = np.zeros(len(regions))
    for case in cases[fabric.global_rank :: fabric.world_size]:
        present[experiment.store.centres(case)[:, 0]] = 1
    present = highest_over_ranks(present.tolist(), fabric.device)
    empty = [name for name, found in zip(regions, present, strict=True) if not found]
    where = f"none of the {len(cases)} training cases of fold {config.fold}"
    if len(empty) == len(regions):
        raise AgreedError(
            f"{config.manifest}: there is nothing to learn, for {where} has a voxel of "
            f"{', '.join(regions)} once it is prepared; check the masks and their label values, or "
            "choose another --fold."
        )
    for name in empty:
        say(f"warning: {where} has a voxel of {name}; it will not be learned")
