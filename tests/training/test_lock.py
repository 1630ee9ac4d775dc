import multiprocessing
import os
import signal

import pytest

from inspire_med.errors import InputError
from inspire_med.training.lock import locked


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
