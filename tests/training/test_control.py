import os
import signal

import pytest

from inspire_med.training.control import Signals, take_extension, take_stop


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGINT"])
def test_a_signal_is_noted_and_nothing_else_happens(name):
    before = signal.getsignal(signal.Signals[name])

    with Signals() as signals:
        assert signals.received is None
        os.kill(os.getpid(), signal.Signals[name])
        assert signals.received == name

    assert signal.getsignal(signal.Signals[name]) is before


def test_a_second_ctrl_c_interrupts():
    with Signals(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_a_stop_file_counts_once(tmp_path):
    assert not take_stop(tmp_path)
    (tmp_path / "STOP").touch()
    assert take_stop(tmp_path)
    assert not take_stop(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"), [("5000\n", (5000, 0.0)), ("2h", (0, 7200.0)), ("", (0, 0.0))]
)
def test_an_extend_file_counts_once(tmp_path, text, expected):
    (tmp_path / "EXTEND").write_text(text)
    said = []

    assert take_extension(tmp_path, said.append) == expected
    assert take_extension(tmp_path, said.append) == (0, 0.0)
    assert bool(said) == (text == "")


def test_an_extend_file_that_is_neither_is_said(tmp_path):
    (tmp_path / "EXTEND").write_text("a bit more")
    said = []

    assert take_extension(tmp_path, said.append) == (0, 0.0)
    assert said == ["EXTEND: 'a bit more' is not a duration; write 90s, 25m, 6h or 1h30m."]
