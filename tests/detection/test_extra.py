import subprocess
import sys

import pytest

from inspire_med.__main__ import main
from inspire_med.detection import extra
from inspire_med.detection.extra import require_extra
from inspire_med.errors import InputError


@pytest.mark.parametrize("name", ["mmengine", "mmcv", "mmdet"])
def test_a_missing_package_is_named_with_the_recipe(monkeypatch, name):
    monkeypatch.setattr(extra, "find_spec", lambda asked: None if asked == name else object())
    message = rf"detection needs {name}, not installed.*MMCV_WITH_OPS=1.*inspire-med\[detection\]"
    with pytest.raises(InputError, match=message):
        require_extra()


def test_mmcv_without_operators_is_named(monkeypatch):
    monkeypatch.setattr(extra, "find_spec", lambda asked: None if "_ext" in asked else object())
    with pytest.raises(InputError, match="mmcv: installed without its compiled operators"):
        require_extra()


@pytest.mark.parametrize(
    "words", [["detection.train", "a.py"], ["detection.test", "a.py", "b.pth"]]
)
def test_the_commands_say_it_and_end_with_2(monkeypatch, capsys, words):
    monkeypatch.setattr(extra, "find_spec", lambda asked: None)

    assert main(words) == 2

    error = capsys.readouterr().err
    assert error.startswith(f"inspire-med {words[0]}: detection needs mmengine, mmcv, mmdet, not")
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", ["train", "test"])
def test_help_needs_no_extra_and_answers_at_once(command):
    script = (
        "import runpy, sys\n"
        "sys.argv = ['inspire-med', '--help']\n"
        "try:\n"
        f"    runpy.run_module('inspire_med.detection.{command}', run_name='__main__')\n"
        "finally:\n"
        "    print(sorted({'torch', 'mmengine', 'mmcv', 'mmdet', 'numpy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert f"usage: inspire-med detection.{command}" in done.stdout
    assert done.stdout.rstrip().endswith("[]")
