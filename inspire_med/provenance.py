"""Provenance: which code this is."""

import subprocess
from pathlib import Path

import inspire_med


def code_commit() -> str | None:
    """Commit of the code, with `+` if the work tree differs; None outside a repository."""
    here = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=40", "--exclude=*"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()


def this_code() -> str:
    """The version, and the commit where there is one."""
    commit, version = code_commit(), inspire_med.__version__
    return f"{version}, commit {commit}" if commit else version
