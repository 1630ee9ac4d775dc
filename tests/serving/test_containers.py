"""Recipes of containers, as far as they can be judged without building them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
RECIPES = sorted((ROOT / "scripts" / "containers").iterdir())
TORCH = "torch==2.13.0"


@pytest.fixture(params=RECIPES, ids=lambda path: path.name)
def recipe(request):
    """A recipe's lines, long ones whole, without comments."""
    lines = request.param.read_text().replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and line.strip()[0] != "#"]


def pips(recipe):
    return [line.removeprefix("RUN ") for line in recipe if "pip install" in line]


def sections(recipe):
    """What stands under each %word of a definition; one called "" before the first."""
    found, own = {}, ""
    for line in recipe:
        own = line if line.startswith("%") else own
        found.setdefault(own, []).append(line)
    return found


def test_there_is_one_of_each_kind():
    assert [path.name for path in RECIPES] == [
        "cpu.Dockerfile", "cpu.def", "cuda.Dockerfile", "cuda.def",
    ]  # fmt: skip


def test_torch_comes_first_and_by_itself_then_the_rest_by_the_constraints(recipe, request):
    first, second = pips(recipe)
    assert first.endswith(TORCH)
    of_cpu = "cpu" in request.node.name
    assert ("https://download.pytorch.org/whl/cpu" in first) == of_cpu
    assert ("--no-deps" in first) == of_cpu  # that index has not the versions of the constraints
    assert ("--constraint constraints.txt" in first) != of_cpu
    assert "--constraint constraints.txt" in second
    assert TORCH in (ROOT / "constraints.txt").read_text().splitlines()


def test_the_extras_that_are_installed_exist(recipe):
    extras = re.search(r"\.\[(.*)\]", pips(recipe)[1])[1].split(",")
    known = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert {*extras} <= {*known}
    assert {"serve", "dicom", "export"} <= {*extras}


def test_what_is_copied_exists_and_is_enough_to_install(recipe):
    if "FROM" in recipe[0]:
        copied = [name for line in recipe if line.startswith("COPY") for name in line.split()[1:-1]]
    else:
        copied = [line.split()[0] for line in sections(recipe)["%files"][1:]]
    assert all((ROOT / name).exists() for name in copied)
    assert {"constraints.txt", "pyproject.toml", "inspire_med", "README.md"} <= {*copied}


def test_the_command_is_ours_and_no_variable_is_needed(recipe):
    text = "\n".join(recipe)
    assert "ENV " not in text
    assert "%environment" not in text
    if "FROM" in recipe[0]:
        words = [line.split()[0] for line in recipe]
        known = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "ENTRYPOINT", "CMD"}
        assert {*words} <= known
        assert 'ENTRYPOINT ["inspire-med"]' in recipe
        assert words.index("USER") < words.index("ENTRYPOINT")
        assert "USER root" not in recipe
        assert words.index("COPY") < words.index("RUN")
    else:
        assert recipe[0] == "Bootstrap: docker"
        assert sections(recipe).keys() <= {"", "%files", "%post", "%runscript"}
        assert sections(recipe)["%runscript"][1:] == ['exec inspire-med "$@"']
        assert sections(recipe)["%post"][1] == "set -e"
