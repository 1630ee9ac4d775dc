"""A real Slurm of two nodes on this machine, in a folder of its own, on ports of its own."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

NEEDS = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "scontrol")
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "BOOT_FAIL", "DEADLINE"}


def missing() -> list[str]:
    """Programs that are not installed; Debian's daemons lie outside a user's PATH."""
    return [name for name in NEEDS if program(name) is None]


def program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


class Cluster:
    """munged, slurmctld and a slurmd for each of n1 and n2; `stop` ends them by their numbers.

    Args:
        folder: An empty folder with a short path (munge's socket lies in it).
    """

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)  # munge's socket is for everybody
        self.folder = folder
        self.daemons: dict[str, subprocess.Popen] = {}
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("SLURM_")
        } | {"SLURM_CONF": str(folder / "slurm.conf")}
        for name in ("state", "n1", "n2", "munge"):
            (folder / name).mkdir(mode=0o755)
        # Nothing here uses control groups, and yet slurmd wants to find some.
        hybrid = not Path("/sys/fs/cgroup/cgroup.controllers").exists()
        (folder / "cgroup.conf").write_text(
            f"CgroupPlugin={'cgroup/v1' if hybrid else 'autodetect'}\n"
        )
        (folder / "slurm.conf").write_text(self._configuration())
        try:
            self._start_munge()
            self._start("slurmctld", "-D")
            for node in ("n1", "n2"):
                self.start_node(node)
            self._wait_for_nodes()
        except BaseException:
            self.stop()
            raise

    def run(self, *words: str, check: bool = True, **variables: str) -> str:
        """Run one of Slurm's commands; its output."""
        done = subprocess.run(
            [program(words[0]) or words[0], *words[1:]],
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done.stdout

    def submit(self, *words: str, **variables: str) -> str:
        """Submit a script; the job's number."""
        return self.run("sbatch", "--parsable", *words, **variables).strip()

    def field(self, job: str, name: str) -> str:
        """A field of `scontrol show job`."""
        words = self.run("scontrol", "--oneliner", "show", "job", job).split()
        return dict(word.partition("=")[::2] for word in words)[name]

    def wait(self, job: str, seconds: float = 240) -> str:
        """Wait until a job has ended; its state."""

        def ended() -> str | None:
            state = self.field(job, "JobState")
            return state if state in ENDED else None

        return self.wait_until(ended, seconds)

    def wait_until(self, condition, seconds: float = 120):
        """Wait until the condition holds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = condition()
            if found:
                return found
            time.sleep(0.2)
        raise TimeoutError((self.folder / "slurmctld.log").read_text()[-3000:])

    def start_node(self, node: str) -> None:
        self._start("slurmd", "-D", "-N", node, name=node)

    def kill_node(self, node: str) -> None:
        """End a node's slurmd and all that it started, as a power cut would."""
        daemon = self.daemons.pop(node)
        daemon.kill()
        daemon.wait()
        self._kill_tasks(node)

    def stop(self) -> None:
        """End everything, tasks of a test that failed too."""
        for node in ("n1", "n2"):
            self._kill_tasks(node)
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
        for daemon in self.daemons.values():
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()

    def _kill_tasks(self, node: str) -> None:
        """Kill what a node's slurmd has started."""
        own = {f"SLURMD_NODENAME={node}", f"SLURM_CONF={self.folder}/slurm.conf"}
        tasks = [process for process, variables in _environments() if own <= variables]
        # slurmstepd watches over the tasks and has left its parent; it goes first.
        for process in [*{_parent(task) for task in tasks} - {1, *tasks}, *tasks]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _start(self, daemon: str, *words: str, name: str | None = None) -> None:
        name = name or daemon
        with (self.folder / f"{name}.out").open("ab") as log:
            self.daemons[name] = subprocess.Popen(
                [program(daemon), *words], env=self.environment, stdout=log, stderr=log
            )

    def _start_munge(self) -> None:
        folder = self.folder / "munge"
        key = folder / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        files = {"key-file": key, "socket": folder / "socket", "seed-file": folder / "seed"}
        files |= {"pid-file": folder / "pid", "log-file": folder / "log"}
        words = [f"--{name}={path}" for name, path in files.items()]
        self._start("munged", "--foreground", "--force", *words)
        self.wait_until((folder / "socket").exists, 20)

    def _wait_for_nodes(self) -> None:
        def idle() -> bool:
            states = self.run("sinfo", "--noheader", "--Node", "--format=%T", check=False).split()
            return states == ["idle", "idle"]

        self.wait_until(idle, 60)

    def _configuration(self) -> str:
        ports = _free_ports(3)
        user, folder = getpass.getuser(), self.folder
        # Ranks meet at a port made from the last four digits of their job's number; another
        # cluster's jobs beside these must not get the same ones.
        first_job = 1000 + ports[0] % 360 * 25
        return f"""
ClusterName=inspire
SlurmctldHost=localhost
SlurmctldPort={ports[0]}
FirstJobId={first_job}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdParameters=config_overrides
SlurmdTimeout=10
SlurmctldTimeout=10
InactiveLimit=0
KillWait=5
MinJobAge=3600
SchedulerParameters=sched_min_interval=100000
JobAcctGatherType=jobacct_gather/none
NodeName=n1 NodeHostname=localhost Port={ports[1]} CPUs=4 RealMemory=8000
NodeName=n2 NodeHostname=localhost Port={ports[2]} CPUs=4 RealMemory=8000
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def _environments() -> Iterator[tuple[int, set[str]]]:
    """Every process of ours and the variables it was started with."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield int(entry.name), set((entry / "environ").read_text(errors="replace").split("\0"))


def _parent(process: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return 1


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with these: they wait more than they compute, and others can run meanwhile."""
    items.sort(key=lambda item: item.path.parent != Path(__file__).parent)


@pytest.fixture(scope="session")
def cluster():
    """A real Slurm of two nodes; skips where its programs are not installed."""
    if absent := missing():
        pytest.skip(f"{', '.join(absent)} not found: apt-get install slurm-wlm munge")
    folder = Path(tempfile.mkdtemp(prefix="slurm"))
    found = Cluster(folder)
    yield found
    found.stop()
    shutil.rmtree(folder, ignore_errors=True)
