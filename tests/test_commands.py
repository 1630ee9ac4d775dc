import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import inspire_med
from inspire_med.__main__ import COMMANDS, main


def test_no_command_lists_the_commands(capsys):
    assert main([]) == 2
    assert "choose one of prepare, train, predict, evaluate" in capsys.readouterr().err


def test_an_unknown_command_is_named(capsys):
    assert main(["trian"]) == 2
    assert "trian: no such command" in capsys.readouterr().err


def test_the_overview_names_every_command(capsys):
    assert main(["--help"]) == 0
    overview = capsys.readouterr().out
    for name in COMMANDS:
        assert f"  {name} " in overview


def test_every_module_with_a_main_is_a_command():
    package = Path(inspire_med.__file__).parent
    found = {
        ".".join(file.relative_to(package).with_suffix("").parts)
        for file in package.rglob("*.py")
        if re.search(r"^def main\(", file.read_text(), re.MULTILINE)
    }
    assert found == {"__main__", *COMMANDS}


@pytest.mark.parametrize("words", ["--version", "--help"])
def test_the_list_of_commands_may_be_left_unread(words):
    with subprocess.Popen(
        [sys.executable, "-m", "inspire_med", words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 141)


@pytest.mark.parametrize("command", ["prepare", "train", "predict", "evaluate", "doctor"])
def test_help_answers_at_once(command):
    # The promise is one second; torch is what would break it, so its absence is what is tested:
    # a clock would measure how busy the machine is.
    script = (
        "import runpy, sys\n"
        f"sys.argv = ['inspire-med', '--help']\n"
        "try:\n"
        f"    runpy.run_module('inspire_med.{command}', run_name='__main__')\n"
        "finally:\n"
        "    slow = {'torch', 'monai', 'scipy', 'matplotlib', 'pandas'}\n"
        "    print(sorted(slow & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert f"usage: inspire-med {command}" in done.stdout
    assert done.stdout.rstrip().endswith("[]")


@pytest.fixture(params=COMMANDS)
def command(request):
    return request.param


@pytest.fixture
def helps(command, capsys, monkeypatch):
    """What --help says by `inspire-med NAME` and by `python -m inspire_med.NAME`."""
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    as_word = capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["NAME", "--help"])
    monkeypatch.delitem(sys.modules, f"inspire_med.{command}")
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module(f"inspire_med.{command}", run_name="__main__")
    return as_word, capsys.readouterr().out


def test_every_command_answers_as_a_word_and_as_a_module(command, helps):
    as_word, as_module = helps
    assert as_word.startswith(f"usage: inspire-med {command} ")
    assert as_module == as_word


def test_every_command_run_as_a_module_hands_its_status_on(command, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["NAME", "--no_such_option"])
    monkeypatch.delitem(sys.modules, f"inspire_med.{command}", raising=False)

    with pytest.raises(SystemExit, match="2"):
        runpy.run_module(f"inspire_med.{command}", run_name="__main__")

    assert capsys.readouterr().err.startswith(f"inspire-med {command}: ")


def test_every_option_says_what_it_is_and_its_default(helps):
    options = re.split(r"\n  (?=-)", helps[0].split("\noptions:\n")[1])
    for option in options:
        text = re.sub(r"\s+", " ", option)
        if re.match(r"(-h|--help|--print_config|--config|--\w+ CONFIG)\b", text.strip()):
            continue
        assert "<class" not in text
        assert re.search(r"\((required|type: |default: ).*\)", text), text
        assert "required" in text or "default: " in text, text
        assert len(text.split("(")[0].split()) > 3, text
