import subprocess
import sys
from pathlib import Path

import pytest

import inspire_med

ROOMS = [path.parent.name for path in Path(inspire_med.__file__).parent.glob("*/__init__.py")]
BEHIND_THE_COMMANDS = {
    "cli",
    "comparing",
    "predicting",
    "preparing",
    "tuning",
    "fetching",
    "serving",
}


def test_the_package_shows_its_rooms_and_loads_none():
    script = (
        "import sys, inspire_med\n"
        "print(*dir(inspire_med))\n"
        "print(sorted(name for name in sys.modules if name.startswith('inspire_med')))\n"
        "print('torch' in sys.modules, 'numpy' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    names, loaded, heavy = done.stdout.splitlines()
    assert set(ROOMS) - BEHIND_THE_COMMANDS <= set(names.split())
    assert {"losses", "metric"} <= set(names.split())
    assert loaded == "['inspire_med']"
    assert heavy == "False False"


def test_a_room_is_there_when_it_is_asked_for():
    script = "import inspire_med; print(inspire_med.imaging.__name__, inspire_med.tasks.__name__)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "inspire_med.imaging inspire_med.tasks\n"


def test_there_is_no_other_room():
    with pytest.raises(AttributeError, match="has no attribute 'imagine'"):
        inspire_med.imagine  # noqa: B018
