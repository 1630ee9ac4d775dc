"""Failures: what torch says when a run dies, in words that name the case or the option."""

import torch

from inspire_med.errors import InputError
from inspire_med.training.experiment import Experiment
from inspire_med.training.feeding import Feed


class AgreedError(InputError):
    """A fault that all ranks have found together; the first of them says it."""


def explained(error: RuntimeError, experiment: Experiment, feed: Feed) -> InputError | None:
    """The error in clear words, if it is one that is known."""
    if isinstance(error, torch.OutOfMemoryError):
        return out_of_memory(experiment)
    return feed.explain(error)


def out_of_memory(experiment: Experiment) -> InputError:
    """What to lower, with what was measured up to here."""
    data, fabric = experiment.config.data, experiment.fabric
    device, parts = fabric.device, 2 * data.accumulate
    total = torch.cuda.get_device_properties(device).total_memory / 2**30
    peak = torch.cuda.max_memory_allocated(device) / 2**30
    size = " x ".join(map(str, experiment.image_shape))
    whole = data.batch_size % (parts * fabric.world_size) == 0
    smaller = f"--data.accumulate {parts} or " if whole else ""
    return InputError(
        f"--data.batch_size: {size} found no room on the GPU ({peak:.1f} of {total:.1f} GiB were "
        f"in use); lower it or --data.patch_size, or give {smaller}--network.recompute true."
    )
