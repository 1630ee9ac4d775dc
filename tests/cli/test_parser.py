from pathlib import Path

import pytest

from inspire_med.cli.command import run_command
from inspire_med.cli.parser import CommandParser


def parser() -> CommandParser:
    made = CommandParser(prog="inspire-med test", description="A test.")
    made.add_argument("--number", type=int, default=1, help="A number.")
    return made


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


def test_help_names_types_as_people_do(capsys):
    made = parser()
    made.add_argument("--place", type=Path, default=Path("here"), help="A folder.")
    with pytest.raises(SystemExit, match="0"):
        run_command(made, lambda options: None, ["--help"])
    assert "A folder. (type: Path, default: here)" in capsys.readouterr().out


def with_a_file(path: Path, content: bytes) -> tuple[CommandParser, list[str]]:
    made = parser()
    made.add_argument("--config", action="config", help="A file.")
    path.write_bytes(content)
    return made, ["--config", str(path)]


def test_a_file_of_options_may_have_the_mark_of_windows(tmp_path):
    made, words = with_a_file(tmp_path / "a.yaml", b"\xef\xbb\xbfnumber: 3\r\n")

    assert made.parse_args(words).number == 3


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"number: 3\nnumber: 4\n", "a.yaml: has the key number twice; keep one."),
        ("number: 3".encode("utf-16"), "a.yaml: is UTF-16 text, or no text at all; save it as"),
    ],
)
def test_a_file_of_options_is_read_with_mistrust(tmp_path, content, sentence, capsys):
    made, words = with_a_file(tmp_path / "a.yaml", content)

    assert run_command(made, lambda options: None, words) == 2
    assert sentence in capsys.readouterr().err
