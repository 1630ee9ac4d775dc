import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# Names of files that a run makes, or that stand for a user's own.
MADE = re.compile(
    r"(scores|log|model|run|config|report|manifest|training|weights|postprocess|brats|heart|my_\w+)\."
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page):
    text = page.read_text()
    named = re.findall(r"`([\w./-]+\.(?:py|md|yaml|sbatch|ipynb|toml|txt))`", text)
    named += re.findall(r"\]\(([\w./-]+\.md)\)", text)
    places = (ROOT, ROOT / "inspire_med", page.parent)

    missing = [
        name
        for name in named
        if not MADE.match(Path(name).name)
        and not any((place / name).exists() for place in places)
        and not any((ROOT / "inspire_med").rglob(Path(name).name))
    ]

    assert missing == []


def test_the_readmes_python_builds_a_network():
    code = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    scope: dict[str, object] = {}

    exec(code[0], scope)  # our own page, word for word

    assert scope["network"].out_channels == 3


def test_contributing_is_short():
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) < 50


def test_the_edge_cases_are_as_the_page_shows_them():
    """Values worked out by hand, met by the protocols: the script fails where one is not."""
    script = ROOT / "scripts" / "bench" / "edge_cases.py"

    done = subprocess.run([sys.executable, script], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout in (ROOT / "docs" / "protocols.md").read_text()
