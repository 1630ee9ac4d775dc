"""Lock: one process, or one job of several, writes into a run folder at a time."""

import errno
import fcntl
import json
import os
import platform
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from inspire_med.errors import InputError


@contextmanager
def locked(run: Path) -> Generator[None]:
    """Hold the run folder; the system lets go of it when this process ends, however it ends.

    A POSIX record lock, so that no stale one can be left behind, a shared file system knows it on
    every machine, and a forked data worker that outlives a killed process does not hold it on.

    Raises:
        InputError: If another process holds it; names its machine and process.
    """
    made = not run.exists()
    run.mkdir(parents=True, exist_ok=True)
    path = run / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _take(descriptor, run, path)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(_self()).encode(), 0)
        try:
            yield
        finally:
            if [file.name for file in run.iterdir()] == [path.name]:
                path.unlink()  # a request that was refused leaves no trace
                if made:
                    run.rmdir()
    finally:
        os.close(descriptor)


def _take(descriptor: int, run: Path, path: Path) -> None:
    """Lock the file; a requeued job waits for the node that was lost to be given up."""
    patience_s = 120 if int(os.environ.get("SLURM_RESTART_COUNT", "0")) else 0
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
                return  # a file system without locks: nobody can be refused there
            if time.monotonic() > until:
                raise InputError(
                    f"{run}: {_owner(path)} is training there; wait for it, or choose another "
                    "--run."
                ) from None
            time.sleep(1)
        else:
            return


def _self() -> dict[str, str | int]:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return {"machine": platform.node(), "process": os.getpid(), "since": now}


def _owner(path: Path) -> str:
    try:
        owner = json.loads(path.read_text())
        return f"process {owner['process']} on {owner['machine']} (since {owner['since']})"
    except (OSError, ValueError, KeyError):
        return "another process"
