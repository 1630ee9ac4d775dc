"""Means: what this machine has to train with, as far as a plan may count on it."""

import torch

from inspire_med.cases.planning.means import Means
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


def find_means(name: str, processes: int = 1) -> Means:
    """What there is to train with.

    Args:
        name: `small`: two cores and little memory; `large`: a big GPU, be it here or not; `auto`:
            this machine's GPU, or its cores.
        processes: That share a batch.
    """
    here_gib = _gpu_gib()
    if name == "large" or (name == "auto" and here_gib is not None):
        gib = _LARGE if here_gib is None else min(_OF_A_GPU * here_gib, _MOST_OF_A_GPU)
        where = "a large GPU" if here_gib is None else "the GPU"
        return Means(name, True, gib, None, usable_cores(), processes, where)
    gib, cores = _OF_A_MACHINE * available_gib() / processes, usable_cores()
    if name == "small":
        gib, cores = min(gib, _SMALL), min(cores, 2)
    return Means(name, False, gib, _STEP_S, cores, processes, "memory")


def _gpu_gib() -> float | None:
    if not torch.cuda.is_available():
        return None
    return torch.cuda.get_device_properties(0).total_memory / _GIB
