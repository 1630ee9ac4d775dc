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


@pytest.mark.parametrize("name", ["ice", "", "ise+", "ise+ise", "isa+concat", "isa+isa-beside"])
def test_rejects_what_is_not_a_skip(name):
    with pytest.raises(InputError, match=r"is not a skip; give 'inspire' or parts joined by '\+'"):
        compose_skip(name)
