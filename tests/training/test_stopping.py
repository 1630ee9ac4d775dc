import contextlib
import multiprocessing
import os
import signal

import pytest

from inspire_med.errors import InputError
from inspire_med.training.budget import Budget
from inspire_med.training.stopping import (
    SignalledError,
    Signals,
    ended_by_signals,
    locked,
    take_extension,
    take_stop,
)


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


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGINT"])
def test_a_signal_ends_work_of_which_nothing_is_kept(name):
    before = signal.getsignal(signal.Signals[name])

    with pytest.raises(SignalledError), ended_by_signals():
        os.kill(os.getpid(), signal.Signals[name])
        pytest.fail("it goes on")

    assert signal.getsignal(signal.Signals[name]) is before


def test_a_signal_that_somebody_took_for_his_own_ends_it_later():
    with pytest.raises(SignalledError), ended_by_signals(), contextlib.suppress(Exception):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_second_ctrl_c_interrupts_the_clearing_up_and_another_signal_does_not():
    with pytest.raises(KeyboardInterrupt), ended_by_signals():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)


def test_a_stop_file_counts_once(tmp_path):
    assert not take_stop(tmp_path)
    (tmp_path / "STOP").touch()
    assert take_stop(tmp_path)
    assert not take_stop(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5000\n", (5000, 0.0)), ("2h", (0, 7200.0)), ("\ufeff2h\r\n", (0, 7200.0))],
)
def test_an_extend_file_counts_once(tmp_path, text, expected):
    (tmp_path / "EXTEND").write_text(text, encoding="utf-8")
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


@pytest.fixture
def other_process(tmp_path):
    """Another process that holds the run folder."""
    context = multiprocessing.get_context("fork")
    ready = context.Event()

    def hold():
        with locked(tmp_path / "run"):
            ready.set()
            signal.pause()

    process = context.Process(target=hold)
    process.start()
    assert ready.wait(20)
    yield process
    process.kill()
    process.join()


def test_the_second_is_refused_and_told_who_has_it(tmp_path, other_process):
    told = f"process {other_process.pid} on .* is training there"
    with pytest.raises(InputError, match=told), locked(tmp_path / "run"):
        pass


def test_a_killed_process_leaves_no_lock(tmp_path, other_process):
    other_process.kill()
    other_process.join()

    with locked(tmp_path / "run"):
        assert str(os.getpid()) in (tmp_path / "run" / "lock").read_text()


def test_a_refused_request_leaves_no_folder(tmp_path):
    with pytest.raises(InputError), locked(tmp_path / "run"):
        raise InputError("no")

    assert not (tmp_path / "run").exists()


def test_a_refused_request_leaves_a_folder_that_was_there(tmp_path):
    with pytest.raises(InputError), locked(tmp_path):
        raise InputError("no")

    assert list(tmp_path.iterdir()) == []


def test_a_run_that_wrote_something_stays(tmp_path):
    with pytest.raises(InputError), locked(tmp_path / "run"):
        (tmp_path / "run" / "log.jsonl").touch()
        raise InputError("no")

    assert (tmp_path / "run" / "log.jsonl").exists()
