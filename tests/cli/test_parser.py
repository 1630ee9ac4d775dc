import os
import signal
import subprocess
import sys
import time

import pytest

from inspire_med.__main__ import main
from inspire_med.cli.parser import CommandParser, progress_bar, run_command
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


def test_an_unknown_option_is_named_with_a_guess(capsys):
    assert run_command(parser(), lambda options: None, ["--nubmer", "3"]) == 2
    assert capsys.readouterr().err == (
        "inspire-med test: option --nubmer: unknown; did you mean --number?\n"
    )


def test_a_value_of_the_wrong_type_is_one_line_that_names_the_option(capsys):
    assert run_command(parser(), lambda options: None, ["--number", "three"]) == 2
    assert capsys.readouterr().err == (
        "inspire-med test: option --number: three is not int; see --help.\n"
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], (False, 1)),
        (["--loud", "--number", "3"], (True, 3)),
        (["--number", "3", "--loud"], (True, 3)),
        (["--loud", "false"], (False, 1)),
    ],
)
def test_a_switch_needs_no_value(words, expected):
    made = parser()
    made.add_argument("--loud", type=bool, default=False, help="A switch.")
    seen = []

    status = run_command(made, lambda options: seen.append((options.loud, options.number)), words)

    assert status == 0
    assert seen == [expected]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--size", "8,16"], (8, 16)),
        (["--size=8,16", "--number", "2"], (8, 16)),
        (["--size", "[8, 16]"], (8, 16)),
        (["--size", "null"], None),
    ],
)
def test_a_list_needs_no_brackets(words, expected):
    made = parser()
    made.add_argument("--size", type=tuple[int, int] | None, default=(1, 1), help="A size.")
    seen = []

    status = run_command(made, lambda options: seen.append(options.size), words)

    assert status == 0
    assert seen == [expected]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--size", "8"], "option --size: [8] is not 2 values with commas between"),
        (["--size", "8,x"], "option --size: x is not int"),
        (["--size"], "argument --size: expected one argument"),
        (["--size", "--number", "3"], "argument --size: expected one argument"),
    ],
)
def test_a_wrong_list_is_one_line_that_says_how_to_write_it(words, sentence, capsys):
    made = parser()
    made.add_argument("--size", type=tuple[int, int], default=(1, 1), help="A size.")
    assert run_command(made, lambda options: None, words) == 2
    assert capsys.readouterr().err == f"inspire-med test: {sentence}; see --help.\n"


def test_without_a_terminal_there_is_no_progress_bar(capsys):
    with progress_bar() as progress:
        assert list(progress.track([1, 2])) == [1, 2]

    assert capsys.readouterr() == ("", "")


def test_no_command_lists_the_commands(capsys):
    assert main([]) == 2
    assert "choose one of prepare, train, predict, evaluate" in capsys.readouterr().err


def test_an_unknown_command_is_named(capsys):
    assert main(["trian"]) == 2
    assert "trian: no such command" in capsys.readouterr().err


def test_the_overview_names_every_command(capsys):
    assert main(["--help"]) == 0
    overview = capsys.readouterr().out
    for name in ("prepare", "train", "predict", "evaluate"):
        assert f"  {name} " in overview


@pytest.mark.parametrize("command", ["prepare", "train", "predict", "evaluate"])
def test_help_answers_at_once(command):
    # The promise is one second; torch is what would break it, so its absence is what is tested:
    # a clock would measure how busy the machine is.
    script = (
        "import runpy, sys\n"
        f"sys.argv = ['inspire-med', '--help']\n"
        "try:\n"
        f"    runpy.run_module('inspire_med.{command}', run_name='__main__')\n"
        "finally:\n"
        "    print(sorted({'torch', 'monai', 'scipy', 'matplotlib'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert f"usage: inspire-med {command}" in done.stdout
    assert done.stdout.rstrip().endswith("[]")


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
