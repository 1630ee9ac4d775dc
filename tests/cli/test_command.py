import os
import signal
import subprocess
import sys
import time

import pytest

from inspire_med.cli.command import run_command
from inspire_med.cli.parser import CommandParser
from inspire_med.errors import InputError
from inspire_med.files import atomic_path


def parser() -> CommandParser:
    made = CommandParser(prog="inspire-med test", description="A test.")
    made.add_argument("--number", type=int, default=1, help="A number.")
    return made


def test_a_done_command_exits_0(capsys):
    assert run_command(parser(), lambda options: None, ["--number", "3"]) == 0
    assert capsys.readouterr().err == ""


def test_an_input_error_is_one_sentence_and_exit_2(capsys):
    def body(options):
        raise InputError("a.nii.gz: truncated; fetch it again.")

    assert run_command(parser(), body, []) == 2
    assert capsys.readouterr().err == "inspire-med test: a.nii.gz: truncated; fetch it again.\n"


def test_debug_shows_the_traceback(capsys):
    def body(options):
        raise InputError("a.nii.gz: truncated; fetch it again.")

    assert run_command(parser(), body, ["--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_defect_of_ours_exits_1_with_its_traceback(capsys):
    def body(options):
        raise KeyError("x")

    assert run_command(parser(), body, []) == 1
    assert "Traceback" in capsys.readouterr().err


def test_trouble_of_the_file_system_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").touch()

    assert run_command(parser(), lambda options: (tmp_path / "file" / "x").read_text(), []) == 2

    assert capsys.readouterr().err == (
        f"inspire-med test: {tmp_path}/file/x: Not a directory; check the path, its rights and its "
        "room.\n"
    )


def test_a_terminated_command_leaves_nothing_half_written(tmp_path):
    before = signal.getsignal(signal.SIGTERM)

    def body(options):
        with atomic_path(tmp_path / "scores.csv") as temporary:
            temporary.write_text("half")
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)

    with pytest.raises(SystemExit, match="143"):
        run_command(parser(), body, [])

    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before


SCRIPT = """
import sys
from inspire_med.cli.command import run_command
from inspire_med.cli.parser import CommandParser

def body(options):
    {body}

raise SystemExit(run_command(CommandParser(prog="x"), body, []))
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(("body", "status"), [("print('a')", 141), ("pass", 0)])
def test_a_reader_who_left_is_no_error(body, status, unbuffered):
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        text=True,
    ) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == ("", status)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_logger_whose_reader_left_says_nothing_and_goes_on(unbuffered, tmp_path):
    log = "logging.basicConfig(stream=sys.stdout); logging.error('a'); logging.error('b')"
    body = f"import logging; {log}; open('end', 'w')"
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert (tmp_path / "end").exists()


def test_another_broken_pipe_is_shown_whole():
    script = SCRIPT.format(body="raise BrokenPipeError('of a worker')")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert "BrokenPipeError: of a worker" in done.stderr
