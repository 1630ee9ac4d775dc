import os
import signal

import pytest

from inspire_med.training.budget import Budget
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


@pytest.mark.parametrize(("text", "expected"), [("5000\n", (5000, 0.0)), ("2h", (0, 7200.0))])
def test_an_extend_file_counts_once(tmp_path, text, expected):
    (tmp_path / "EXTEND").write_text(text)
    said = []

    assert take_extension(tmp_path, Budget(10, 60), said.append) == expected
    assert take_extension(tmp_path, Budget(10, 60), said.append) == (0, 0.0)
    assert said == []


def test_an_extend_file_that_is_still_empty_is_left_to_its_writer(tmp_path):
    (tmp_path / "EXTEND").touch()

    assert take_extension(tmp_path, Budget(10, 60), pytest.fail) == (0, 0.0)

    assert (tmp_path / "EXTEND").exists()


@pytest.mark.parametrize(
    ("text", "budget", "sentence"),
    [
        (
            "a bit more",
            Budget(10, 60),
            "EXTEND: 'a bit more' is not a duration; write 90s, 25m, 6h or 1h30m.",
        ),
        ("\u00b2", Budget(10, 60), "EXTEND: '\u00b2' is not a duration"),
        ("2h", Budget(10, None), "EXTEND: this run's budget is no time; write a number of steps"),
        ("50", Budget(None, 60), "EXTEND: this run's budget is no number of steps; write a time"),
    ],
)
def test_an_extend_file_that_lengthens_nothing_is_said(tmp_path, text, budget, sentence):
    (tmp_path / "EXTEND").write_text(text)
    said = []

    assert take_extension(tmp_path, budget, said.append) == (0, 0.0)
    assert said[0].startswith(sentence)
