import re

import pytest

from inspire_med.cli.progress import cases_and_parts, progress_bar


def test_without_a_terminal_there_is_no_progress_bar(capsys):
    with progress_bar() as progress:
        assert list(progress.track([1, 2])) == [1, 2]
    with cases_and_parts("predicting", 1, "windows") as (next_case, watch):
        watch(1, 2)
        next_case()

    assert capsys.readouterr() == ("", "")


@pytest.fixture
def terminal(monkeypatch, capsys):
    """A terminal of 80 columns; answers with the lines it was sent."""
    for name, value in {"FORCE_COLOR": "1", "COLUMNS": "80", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)

    def sent() -> list[str]:
        return re.split(r"[\r\n]", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", capsys.readouterr().err))

    return sent


def test_a_bar_moves_within_a_case_of_many_windows(terminal):
    with cases_and_parts("predicting", 4, "windows") as (next_case, watch):
        next_case()
        watch(1, 8)

    lines = terminal()

    assert any(re.search(r"^predicting .* 25%", line) for line in lines)
    assert any(re.search(r"^windows .* 12%", line) for line in lines)
    assert max(map(len, lines)) <= 80


def test_a_case_of_one_window_has_no_bar_of_its_own(terminal):
    with cases_and_parts("predicting", 4, "windows") as (next_case, watch):
        watch(1, 1)
        next_case()

    lines = terminal()

    assert any("predicting" in line for line in lines)
    assert not any("windows" in line for line in lines)
