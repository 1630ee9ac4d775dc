import pytest

from inspire_med.wording import counted, duration, listed


def test_one_thing_is_no_plural():
    assert [counted(number, "case") for number in (0, 1, 1000)] == [
        "0 cases",
        "1 case",
        "1,000 cases",
    ]


def test_a_long_list_is_cut_and_says_by_how_much():
    assert [listed(names) for names in ("", "a", "abcde", "abcdefg")] == [
        "none",
        "a",
        "a, b, c, d, e",
        "a, b, c, d, e and 2 more",
    ]
    assert listed(["a", "b"], limit=1) == "a and 1 more"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (4.4, "4 s"),
        (99, "99 s"),
        (100, "2 min"),
        (3599, "1 h 00 min"),
        (48 * 3600 - 60, "47 h 59 min"),
        (48 * 3600, "2.0 days"),
        (297 * 3600, "12.4 days"),
    ],
)
def test_durations_are_said_as_people_do(seconds, words):
    assert duration(seconds) == words
