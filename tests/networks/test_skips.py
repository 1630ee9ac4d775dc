import pytest

from inspire_med.errors import InputError
from inspire_med.networks.skips import align_and_sum, compose_skip, concatenate, leave


def test_inspire_is_all_three_parts():
    assert compose_skip("inspire") == compose_skip("ise+isa+ssba")


def test_each_part_stands_alone():
    plain = compose_skip("concat")

    assert (plain.lateral, plain.merge, plain.feedback) == (leave, concatenate, None)
    assert compose_skip("ise").lateral is not leave
    assert compose_skip("ise").merge is concatenate
    assert compose_skip("isa").merge is align_and_sum
    assert compose_skip("isa").lateral is leave
    assert compose_skip("ssba").feedback is not None


def test_a_part_stands_from_its_level_on():
    skip = compose_skip("ise@3+isa@2+ssba@4")

    assert [skip.lateral_at(level) is leave for level in (2, 3, 4)] == [True, False, False]
    assert [skip.merge_at(level) for level in (1, 2)] == [concatenate, align_and_sum]
    assert skip.feedback_from == 4


def test_without_a_level_a_part_stands_everywhere():
    assert compose_skip("ise+isa+ssba") == compose_skip("ise@1+isa@1+ssba@1")


@pytest.mark.parametrize(
    ("name", "part", "most"),
    [("ise@5", "lateral", 4), ("isa@4", "merge", 3), ("ssba@5", "feedback", 4)],
)
def test_refuses_a_level_that_the_network_does_not_have(name, part, most):
    words = (
        rf"its {part} is to stand from level {most + 1} on.* of 4 levels that can be 1 to {most};"
    )

    compose_skip(f"{name[:-1]}{most}").refuse_missing_levels(4)
    with pytest.raises(InputError, match=words):
        compose_skip(name).refuse_missing_levels(4)


NO_SKIPS = ["ice", "", "ise+", "ise+ise", "isa+concat", "isa+isa-beside"]
NO_LEVELS = ["ise@", "ise@0", "ise@-1", "ise@two", "ise@1.5", "ise@1@2", "ise@1+ise@2", "inspire@2"]


@pytest.mark.parametrize("name", [*NO_SKIPS, *NO_LEVELS])
def test_rejects_what_is_not_a_skip(name):
    with pytest.raises(InputError, match=r"is not a skip; give 'inspire' or parts joined by '\+'"):
        compose_skip(name)
