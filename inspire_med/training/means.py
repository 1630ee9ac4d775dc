"""Means: what this machine has to train with, as far as a plan may count on it."""

import torch

from inspire_med.cases.planning.means import Means, Shares
from inspire_med.evaluation.batch import usable_cores
from inspire_med.memory import available_gib

_GIB = 2**30
_OF_A_GPU = 0.85  # the rest is for the driver, and for what fragments
_MOST_OF_A_GPU = (
    40.0  # nnU-Net's largest preset (Isensee et al., MICCAI 2024); more is slower alone
)
_OF_A_MACHINE = 0.5  # data workers and the file cache have the other half
_LARGE = 24.0  # GiB of a GPU that is not here
_SMALL = 4.0  # GiB of a machine with two cores
_STEP_S = 3.0


def find_means(name: str, shares: Shares = Shares()) -> Means:  # noqa: B008 - it is frozen
    """What there is to train with.

    Args:
        name: `small`: two cores and little memory; `large`: a big GPU, be it here or not; `auto`:
            this machine's GPU, or its cores.
        shares: How a batch is shared out: on a GPU each process has one of its own, of which the
            smallest counts; elsewhere those of a machine share its memory and its cores.
    """
    here_gib = _gpu_gib(shares.here)
    if name == "large" or (name == "auto" and here_gib is not None):
        gib = _LARGE if here_gib is None else min(_OF_A_GPU * here_gib, _MOST_OF_A_GPU)
        where = "a large GPU" if here_gib is None else "the GPU"
        return Means(name, True, gib, None, usable_cores(), shares, where)
    gib, cores = _OF_A_MACHINE * available_gib(), usable_cores()
    if name == "small":
        gib, cores = min(gib, _SMALL), min(cores, 2)
    return Means(name, False, gib / shares.here, _STEP_S, cores, shares, "memory")


def _gpu_gib(processes: int) -> float | None:
    """Memory of the smallest GPU that one of the processes will have."""
    if not torch.cuda.is_available():
        return None
    used = range(min(processes, torch.cuda.device_count()))
    return min(torch.cuda.get_device_properties(number).total_memory for number in used) / _GIB
