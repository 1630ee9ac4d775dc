import errno
import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import popen_spawn_posix

import pytest

from inspire_med.cli.command import run_command
from inspire_med.cli.parser import CommandParser
from inspire_med.evaluation.batch import map_cases
from inspire_med.workers import refusal


def failed(number: int, *more: str) -> OSError:
    return OSError(number, os.strerror(number), *more)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (failed(errno.EAGAIN), "the system refuses another process or thread"),
        (RuntimeError("can't start new thread"), "the system refuses another process or thread"),
        (failed(errno.EMFILE), "the system refuses another open file"),
        (failed(errno.ENOMEM), "memory runs out"),
        (failed(errno.ENOSPC), "no space is left"),
        (failed(errno.EROFS), "workers cannot share a lock"),
        (BrokenProcessPool("terminated abruptly"), "a worker was ended from outside"),
        (
            RuntimeError(  # torch 2.13's own words
                "Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback ...\n"
                "RuntimeError: unable to allocate shared memory(shm) for file </torch_2_1_2>: No "
                "space left on device (28)\n"
            ),
            "shared memory is full",
        ),
        (
            RuntimeError(
                "unable to open shared memory object </torch_2_1_0> in read-write mode: "
                "Read-only file system (30)"
            ),
            "shared memory is full or closed",
        ),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else each,
)
def test_what_the_system_refuses_is_one_sentence_and_exit_2(capsys, error, words):
    def body(options):
        raise error

    assert run_command(CommandParser(prog="x"), body, []) == 2

    said = capsys.readouterr().err
    assert said.startswith(f"x: {words}")
    assert said.count("\n") == 1
    assert "(--workers 1, --data.workers 0)" in said


@pytest.mark.parametrize(
    "error", [RuntimeError("odd"), KeyError("[Errno 11]"), failed(errno.EIO), failed(errno.ENOENT)]
)
def test_any_other_error_is_none_of_these(error):
    assert refusal(error) is None


SCRIPT = """
from inspire_med.evaluation.batch import map_cases
print(map_cases(abs, [-1, -2, -3], 2, lambda: None))
"""


@pytest.mark.slow
@pytest.mark.parametrize("by", ["standard input", "a file without a guard"])
def test_workers_need_nothing_of_the_script_that_starts_them(tmp_path, by):
    (tmp_path / "script.py").write_text(SCRIPT)
    from_input = by == "standard input"
    done = subprocess.run(
        [sys.executable, "-" if from_input else "script.py"],
        input=SCRIPT if from_input else "",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=120,
    )

    assert (done.stdout, done.stderr) == ("[1, 2, 3]\n", "")


@pytest.mark.slow
def test_a_process_that_is_refused_ends_the_batch(monkeypatch):
    honest, calls = popen_spawn_posix.Popen._launch, []

    def refused_at_the_second(self, process):
        calls.append(1)
        if len(calls) == 2:
            raise failed(errno.EAGAIN)
        honest(self, process)

    monkeypatch.setattr(popen_spawn_posix.Popen, "_launch", refused_at_the_second)

    with pytest.raises(BlockingIOError):
        map_cases(abs, [-1, -2, -3], 3, lambda: None)
