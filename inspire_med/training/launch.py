"""Launch: which processes train together: those of torchrun or srun, or started here."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import (
    ClusterEnvironment,
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)
from lightning_fabric.strategies import DDPStrategy

from inspire_med.errors import InputError
from inspire_med.inference.precision import Precision
from inspire_med.training.ranks import end_with_parent


@dataclass(frozen=True)
class Launcher:
    """Who started this process, and how many others.

    Args:
        environment: Fabric's view of it.
        rank: Number of this process among all.
        local_rank: Its number on its machine.
        here: Processes on each machine.
        machines: How many there are.
    """

    environment: ClusterEnvironment
    rank: int
    local_rank: int
    here: int
    machines: int


def find_launcher(devices: int | None = None) -> Launcher:
    """Read the environment that torchrun or srun made; without one, this process is alone so far.

    Args:
        devices: Processes on this machine, if the user said; None leaves it to the launcher.

    Raises:
        InputError: If `devices` is none, contradicts the launcher, or cannot be shared evenly.
    """
    if devices is not None and devices < 1:
        raise InputError(f"--devices: {devices} is no number of processes; give at least 1.")
    variables = os.environ
    if TorchElasticEnvironment.detect():
        here, all_of_them = int(variables["LOCAL_WORLD_SIZE"]), int(variables["WORLD_SIZE"])
        rank, local = int(variables["RANK"]), int(variables["LOCAL_RANK"])
        launcher = Launcher(TorchElasticEnvironment(), rank, local, here, all_of_them // here)
    elif "SLURM_STEP_ID" in variables:  # srun's doing; sbatch's own shell has none
        tasks, machines = (int(variables[f"SLURM_STEP_NUM_{what}"]) for what in ("TASKS", "NODES"))
        if tasks % machines:
            raise InputError(
                f"srun: {tasks} tasks do not spread evenly over {machines} nodes; "
                "give --ntasks-per-node."
            )
        here = tasks // machines
        # What the job asked for stands here until a step with fewer tasks says otherwise.
        variables["SLURM_NTASKS_PER_NODE"] = str(here)
        variables["SLURM_NNODES"] = str(machines)
        rank, local = int(variables["SLURM_PROCID"]), int(variables["SLURM_LOCALID"])
        launcher = Launcher(SLURMEnvironment(auto_requeue=False), rank, local, here, machines)
    else:
        rank = int(variables.get("LOCAL_RANK", "0"))  # of a process that `launch` started
        launcher = Launcher(LightningEnvironment(), rank, rank, devices or 1, 1)
    if devices not in (None, launcher.here):
        raise InputError(
            f"--devices: {devices} is asked for, but the launcher made {launcher.here} processes "
            "here; leave the option out."
        )
    return launcher


def launch(launcher: Launcher, precision: Precision = "32-true", *, unused: bool = False) -> Fabric:
    """Join the launcher's processes; where there is none, start the others here.

    Args:
        launcher: Of this process and the others.
        precision: Of the network.
        unused: Whether a step may leave parameters without a gradient.

    Under Slurm the address is the first host of the node list and the port comes from the job's
    number; MASTER_ADDR and MASTER_PORT override both. CPUs talk by gloo, GPUs by NCCL.

    Raises:
        InputError: If the machine has fewer GPUs than processes, or others cannot be started as
            this one was.
    """
    if launcher.here * launcher.machines == 1:
        # Fabric would look for a launcher itself, and warn of one that is merely installed.
        return Fabric(devices=1, precision=precision, plugins=[launcher.environment])
    gpus = torch.cuda.device_count()
    if 0 < gpus < launcher.here:
        raise InputError(
            f"--devices: {launcher.here} processes want a GPU each, but {gpus} are visible; "
            "start fewer, or under Slurm ask for them by --gres and not by --gpus-per-task."
        )
    if isinstance(launcher.environment, LightningEnvironment):
        if launcher.local_rank:
            end_with_parent()
        else:
            _refuse_no_script()
    strategy = DDPStrategy(
        cluster_environment=launcher.environment,
        gradient_as_bucket_view=True,
        find_unused_parameters=unused,
    )
    fabric = Fabric(
        devices=launcher.here,
        num_nodes=launcher.machines,
        strategy=strategy,
        precision=precision,
    )
    fabric.launch()
    return fabric


def _refuse_no_script() -> None:
    """Each of the others runs what this process runs, once more; else it is waited for in vain."""
    if sys.modules["__main__"].__spec__ is None and not Path(sys.argv[0]).is_file():
        raise InputError(
            "--devices: each process runs this script again, but it is no file (it comes from the "
            "standard input or -c); write it to one, or run `inspire-med train`."
        )
