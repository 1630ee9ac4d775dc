"""The script that measures what a large volume takes, on a small one."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "bench" / "big_volume.py"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
def test_every_step_is_told_with_its_time_and_its_peak(tmp_path):
    words = ["--out", str(tmp_path), "--shape", "48", "56", "40", "--widths", "2", "4"]
    words += ["--models", "2", "--spacing", "1", "1", "2", "--limit", "4GiB"]
    words += ["--", "--precision", "32-true", "--doubt", "--probabilities", "--memory", "0.1MiB"]

    done = subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split()[-1] for line in done.stdout.splitlines()[2:]}
    steps = {"read", "prepare", "network", "blend", "paint", "write", "doubt", "together"}
    assert steps <= rows.keys()
    assert all(0.1 < float(rows[step]) <= float(rows["together"]) for step in steps)
    assert "gathered in a temporary file" in done.stderr
