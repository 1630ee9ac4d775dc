import os
import signal
import threading

import pytest

from inspire_med.comparing import process
from inspire_med.comparing.process import Child, StoppedError
from inspire_med.training.stopping import Signals


class Silence:
    received = None


def script(tmp_path, monkeypatch, text):
    """Let a shell script stand for this toolkit's commands."""
    file = tmp_path / "stand-in"
    file.write_text(f"#!/bin/bash\n{text}\n")
    file.chmod(0o755)
    monkeypatch.setattr(process.sys, "executable", str(file))


def test_runs_a_command_of_this_toolkit(tmp_path):
    log = tmp_path / "a" / "log.txt"

    assert Child(Silence(), print).run(["--version"], log, aloud=False) == 0
    assert Child(Silence(), print).run(["trian"], log, aloud=False) == 2

    first, second = log.read_text().splitlines()
    assert first[0].isdigit()
    assert "trian: no such command" in second


@pytest.mark.slow
def test_says_whole_lines_as_they_come_if_asked(tmp_path, monkeypatch):
    script(tmp_path, monkeypatch, "echo one; echo; printf tw; sleep 0.7; echo o; echo three >&2")
    (tmp_path / "log").write_text("of before\n")
    heard = []

    Child(Silence(), heard.append).run([], tmp_path / "log", aloud=True)
    Child(Silence(), heard.append).run([], tmp_path / "log", aloud=False)

    assert heard == ["one", "two", "three"]


def test_answers_with_the_signal_that_killed_a_command(tmp_path, monkeypatch):
    script(tmp_path, monkeypatch, "kill -9 $$")

    assert Child(Silence(), print).run([], tmp_path / "log", aloud=False) == -signal.SIGKILL


def test_a_command_that_was_stopped_stops_the_work(tmp_path, monkeypatch):
    script(tmp_path, monkeypatch, "exit 75")

    with pytest.raises(StoppedError):
        Child(Silence(), print).run([], tmp_path / "log", aloud=False)


def test_begins_nothing_after_a_signal(tmp_path, monkeypatch):
    script(tmp_path, monkeypatch, f"touch {tmp_path}/begun")
    silence = Silence()
    silence.received = "SIGTERM"

    with pytest.raises(StoppedError):
        Child(silence, print).run([], tmp_path / "log", aloud=False)

    assert not (tmp_path / "begun").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_hands_a_signal_on_once_and_waits(tmp_path, monkeypatch, number):
    script(
        tmp_path,
        monkeypatch,
        "trap 'echo saved; ended=1' TERM; echo ready; until [ $ended ]; do sleep 0.1; done; exit 0",
    )
    heard = []

    def hear(text):
        heard.append(text)
        if text == "ready":
            threading.Timer(0.1, os.kill, (os.getpid(), number)).start()

    with Signals() as signals, pytest.raises(StoppedError):
        Child(signals, hear).run([], tmp_path / "log", aloud=True)

    assert heard == ["ready", "saved"]


@pytest.mark.slow
def test_a_second_ctrl_c_ends_the_command_at_once(tmp_path, monkeypatch):
    script(tmp_path, monkeypatch, "trap '' TERM; echo $$ ready; while true; do sleep 0.1; done")
    heard = []

    def hear(text):
        heard.append(text)
        for after in (0.1, 0.8):
            threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()

    with Signals() as signals, pytest.raises(KeyboardInterrupt):
        Child(signals, hear).run([], tmp_path / "log", aloud=True)

    with pytest.raises(ProcessLookupError):
        os.kill(int(heard[0].split()[0]), 0)
