"""Ranks: the processes of one detection job, by the names of mmengine's launchers.

mmengine joins GPUs by NCCL; its way sets a CUDA device first, which a machine without GPUs cannot.
There the ranks are joined here, by gloo, and mmengine finds them joined.
"""

import atexit
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.distributed as dist
from mmengine.config import Config, ConfigDict
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import MODEL_WRAPPERS
from torch import nn

from inspire_med.errors import InputError
from inspire_med.training.ranks import LOST, is_lost_rank
from inspire_med.training.sync_batchnorm import synchronise

LauncherName = Literal["none", "pytorch", "slurm", "mpi"]

_STARTED_BY = {"pytorch": "torchrun", "slurm": "srun", "mpi": "mpirun"}
_VARIABLES = {
    "pytorch": ("RANK", "LOCAL_RANK", "WORLD_SIZE"),
    "slurm": ("SLURM_PROCID", "SLURM_LOCALID", "SLURM_NTASKS"),
    "mpi": ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_SIZE"),
}
_PORT = "29500"  # torch's own default


@dataclass(frozen=True)
class Place:
    """Where this process stands among those of its job.

    Args:
        rank: Its number among all.
        local_rank: Its number on its machine.
        world: How many there are.
    """

    rank: int = 0
    local_rank: int = 0
    world: int = 1


@MODEL_WRAPPERS.register_module()
class DistributedOnCPU(MMDistributedDataParallel):
    """mmengine's data-parallel wrapper, for a model on CPUs.

    mmengine names a GPU for every model it wraps, which torch refuses here, as it refuses its own
    SyncBatchNorm: that is replaced by one that CPUs can run.
    """

    def __init__(self, module: nn.Module, **keywords: Any) -> None:
        synchronise(module, torch.device("cpu"), kinds=(nn.SyncBatchNorm,))
        keywords["device_ids"] = None
        super().__init__(module, **keywords)


def run_as_rank(
    launcher: LauncherName, prepare: Callable[[], Config], work: Callable[[Config, Place], None]
) -> int:
    """Run a command in its place among the ranks, and answer with the exit status.

    0 done; 2 a fault that every rank finds, on all ranks of a machine but the first, which says it
    by its `InputError`; 76 another rank is gone.

    Args:
        launcher: Who started the processes.
        prepare: Reads and checks. Its faults are those that every rank finds.
        work: Runs when the ranks are joined. Its faults may be one rank's alone, which says them.
    """
    place = find_place(launcher)
    try:
        config = prepare()
    except InputError:
        if place.local_rank:
            return 2
        raise
    try:
        join_ranks(config, launcher, place)
        work(config, place)
        if dist.is_initialized():
            dist.barrier()  # who leaves while another still talks takes that one down
            dist.destroy_process_group()
            _leave()
    except RuntimeError as error:
        if place.world == 1 or not is_lost_rank(error):
            raise
        return LOST
    return 0


def _leave() -> None:
    """End this process, all being done and written.

    Torch's threads outlive the group; the interpreter's own end now and then aborts on them
    ("terminate called without an active exception"), and the launcher would call the job failed.
    """
    # What others have left to do at the end: close files, end workers. It has no public name.
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def find_place(launcher: LauncherName) -> Place:
    """Read what the launcher has said to this process.

    Raises:
        InputError: If it was not started by that launcher.
    """
    if launcher == "none":
        return Place()
    names = _VARIABLES[launcher]
    for name in names:
        if name not in os.environ:
            raise InputError(
                f"--launcher {launcher}: {name} is not set; start the command by "
                f"{_STARTED_BY[launcher]}."
            )
    return Place(*(int(os.environ[name]) for name in names))


def say_notes(launcher: LauncherName, notes: Iterable[str]) -> None:
    """Print what is no fault but should be known, a line each, on the first rank alone."""
    if find_place(launcher).rank == 0:
        for note in notes:
            print(f"note: {note}")


def join_ranks(config: Config, launcher: LauncherName, place: Place) -> None:
    """Join the ranks by gloo where there are no GPUs; leave GPUs to mmengine.

    Raises:
        InputError: If the machine has fewer GPUs than processes, or the meeting point is unknown.
    """
    config.launcher = launcher
    if launcher == "none":
        return
    gpus = torch.cuda.device_count()
    if gpus:
        if place.local_rank >= gpus:
            raise InputError(
                f"--launcher {launcher}: more processes on this machine than its {gpus} GPUs; "
                "start one for each."
            )
        return
    distributed = config.setdefault("env_cfg", ConfigDict()).setdefault("dist_cfg", ConfigDict())
    distributed["backend"] = "gloo"
    config.model_wrapper_cfg = ConfigDict(
        type="DistributedOnCPU",
        broadcast_buffers=False,
        find_unused_parameters=config.get("find_unused_parameters", False),
    )
    _set_meeting_point(launcher, distributed.get("port"))
    os.environ["LOCAL_RANK"] = str(place.local_rank)
    dist.init_process_group("gloo", rank=place.rank, world_size=place.world)


def _set_meeting_point(launcher: LauncherName, port: int | None) -> None:
    """Where the ranks meet: MASTER_ADDR and MASTER_PORT, as torch reads them."""
    if launcher == "slurm" and "MASTER_ADDR" not in os.environ:
        nodes = os.environ["SLURM_NODELIST"]
        command = ["scontrol", "show", "hostnames", nodes]
        hosts = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        os.environ["MASTER_ADDR"] = hosts.split()[0]
    if "MASTER_ADDR" not in os.environ:
        raise InputError(
            f"--launcher {launcher}: MASTER_ADDR is not set; set it to the first machine's name."
        )
    if port is not None:
        os.environ["MASTER_PORT"] = str(port)
    os.environ.setdefault("MASTER_PORT", _PORT)
