import sys
from types import ModuleType

import pytest

from inspire_med.errors import InputError
from inspire_med.training.launch import find_launcher, launch

SLURM = {
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
    "SLURM_NTASKS": "4",
    "SLURM_NODELIST": "gpu[07-08]",
    "SLURM_JOB_ID": "1234567",
    "SLURM_JOB_NAME": "inspire",
}


@pytest.fixture
def environment(monkeypatch):
    """Set variables for one test; those that a launcher sets are gone at its start and end."""
    for name in (*SLURM, "SLURM_NTASKS_PER_NODE", "SLURM_NNODES", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return lambda values: [monkeypatch.setenv(name, value) for name, value in values.items()]


def test_alone_there_is_one_rank(environment):
    launcher = find_launcher()
    assert (launcher.rank, launcher.here, launcher.machines) == (0, 1, 1)


def test_devices_are_started_here(environment):
    assert find_launcher(3).here == 3


def test_slurm_gives_rank_address_and_port(environment):
    environment(SLURM)

    launcher = find_launcher()

    assert (launcher.rank, launcher.here, launcher.machines) == (3, 2, 2)
    assert launcher.environment.main_address == "gpu07"
    assert launcher.environment.main_port == 15000 + 4567


def test_address_and_port_can_be_overridden(environment):
    environment({**SLURM, "MASTER_ADDR": "10.0.0.7", "MASTER_PORT": "4321"})

    launcher = find_launcher()

    assert launcher.environment.main_address == "10.0.0.7"
    assert launcher.environment.main_port == 4321


def test_a_batch_script_without_srun_is_one_process(environment):
    environment({name: value for name, value in SLURM.items() if "STEP" not in name})
    assert find_launcher().here == 1


def test_tasks_must_spread_evenly(environment):
    environment({**SLURM, "SLURM_STEP_NUM_TASKS": "3"})
    with pytest.raises(InputError, match="3 tasks do not spread evenly over 2 nodes"):
        find_launcher()


def test_torchrun_gives_the_ranks(environment, monkeypatch):
    values = {"TORCHELASTIC_RUN_ID": "x", "RANK": "5", "LOCAL_RANK": "1"}
    for name, value in {**values, "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8"}.items():
        monkeypatch.setenv(name, value)

    launcher = find_launcher()

    assert (launcher.rank, launcher.here, launcher.machines) == (5, 4, 2)


def test_devices_must_agree_with_the_launcher(environment):
    environment(SLURM)
    with pytest.raises(InputError, match="--devices: 3 is asked for, but the launcher made 2"):
        find_launcher(3)


def test_a_script_that_is_no_file_cannot_start_others(environment, monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    monkeypatch.setattr(sys, "argv", ["-"])

    with pytest.raises(InputError, match="--devices: each process runs this script again, but it"):
        launch(find_launcher(2))
