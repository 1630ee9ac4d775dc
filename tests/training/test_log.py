import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inspire_med.training import log as module
from inspire_med.training.log import RunLog
from inspire_med.training.state import Progress

STEP = {"step": 12, "loss": 0.25, "lr": 1e-3, "step_s": 0.5, "data_wait_s": 0.05}
LARGE = {"step": 1_234_567, "loss": 12345.6, "lr": 1e-3, "step_s": 9.5, "data_wait_s": 9.5}
VALIDATION = {"step": 12, "dice": {"ET": 0.8, "TC": 0.85, "WT": 0.9}, "mean_dice": 0.85}


@pytest.fixture
def lines(tmp_path, monkeypatch, capsys):
    """Shows what a log is told, without a terminal; every line at once."""
    monkeypatch.setattr(module, "_LINE_EVERY_S", -1.0)
    monkeypatch.setattr(module, "peak_memory_gib", lambda: 3.25)

    def shown(*calls) -> list[str]:
        with RunLog(tmp_path, Progress(), []) as log:
            for call in calls:
                call(log)
        return capsys.readouterr().err.splitlines()

    return shown


def test_a_step_is_a_line_and_an_object(lines, tmp_path):
    shown = lines(lambda log: log.step(STEP, 0.5, 3723.4))

    assert shown == ["step 12  loss 0.250  0.50 s/step  wait 10%  3.2 GiB  ETA 1:02:03"]
    (line,) = (tmp_path / "log.jsonl").read_text().splitlines()
    assert json.loads(line) == {"kind": "step", **STEP, "memory_gib": 3.25}


def test_a_loss_that_is_not_finite_is_nan(lines):
    (shown,) = lines(lambda log: log.step({**STEP, "loss": None}, 0.5, 1.0))
    assert "  loss nan  " in shown


@pytest.mark.parametrize(
    ("left_s", "expected"), [(0, "0:00:00"), (359_999, "99:59:59"), (360_000, "4d 04h")]
)
def test_days_are_written_as_days(lines, left_s, expected):
    (shown,) = lines(lambda log: log.step(STEP, 0.5, left_s))
    assert shown.endswith(f"ETA {expected}")


def test_it_is_said_which_case_of_how_many_is_validated(lines):
    assert lines(lambda log: log.validating(12, 3, 20)) == ["step 12  validation: case 3 of 20"]


def test_lines_come_now_and_then_without_a_terminal(lines, monkeypatch):
    monkeypatch.setattr(module, "_LINE_EVERY_S", 30.0)
    shown = lines(*[lambda log: log.step(STEP, 0.5, 1.0)] * 3, lambda log: log.validating(1, 1, 2))
    assert len(shown) == 1


def everything(log):
    log.validation({**VALIDATION, "n": 250, "seconds": 1234.0})
    log.step(LARGE, 0.5, 359_999)
    log.validating(1_234_567, 1000, 1000)
    regions = {f"region {k}": 0.5 for k in range(9)}
    log.validation({**VALIDATION, "dice": regions, "n": 250, "seconds": 1234.0})


def test_lines_fit_80_columns(lines, monkeypatch):
    monkeypatch.setattr(module, "peak_memory_gib", lambda: 139.9)
    shown = lines(everything)
    assert max(map(len, shown)) <= 78  # compare sets them in by two
    assert "step 1234567 loss 1e+04 dice 0.850 9.50 s/step wait 100% 140 GiB" in "\n".join(shown)
    assert " region 8 0.500; n=250, 1234 s)" in " ".join(shown)


def test_a_terminal_of_80_columns_shows_all_beside_the_bar(lines, monkeypatch):
    monkeypatch.setattr(module, "peak_memory_gib", lambda: 139.9)
    for name, value in {"FORCE_COLOR": "1", "COLUMNS": "80", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)

    shown = [re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", line) for line in lines(everything)]

    whole = "\n".join(shown)
    assert "…" not in whole
    assert max(len(part) for line in shown for part in line.split("\r")) <= 80
    assert re.search(r"case 1000 of 1000 +", whole)
    assert "50%" in whole


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_new_process_does_not_begin_with_the_peak_of_the_one_that_began_it():
    asked = "from inspire_med.training.log import peak_memory_gib; print(peak_memory_gib())"
    held = np.ones(2**27)  # 1 GiB
    del held

    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert float(done.stdout) < 0.9 < module.peak_memory_gib()
