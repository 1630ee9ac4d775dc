import pytest
import torch

from inspire_med.blocks.ise import AdaptiveAttention
from inspire_med.errors import InputError
from inspire_med.networks.skips import (
    FEEDBACKS,
    LATERALS,
    MERGES,
    align_and_sum,
    compose_skip,
    concatenate,
    leave,
)


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


def test_the_forms_of_ise_differ_in_their_grid_or_in_what_they_add_to():
    grids = {
        name: [m.pool_size for m in make(4).modules() if isinstance(m, AdaptiveAttention)]
        for name, make in LATERALS.items()
    }

    assert grids == {"ise": [4], "ise-pool1": [1], "ise-pool8": [8], "ise-residual": [4]}
    x = torch.randn(1, 4, 9, 7)
    assert torch.equal(compose_skip("ise-residual").lateral(4)(x), x)


def test_the_forms_of_isa_differ_in_alignment_weights_or_scale():
    merges = {name: compose_skip(name).merge((3, 3), 6, 4) for name in MERGES if name != "concat"}
    aligned = {name: type(m.alignment.align).__name__ for name, m in merges.items()}
    coarse, fine = torch.randn(2, 6, 5, 4), torch.randn(2, 4, 9, 7)
    weights = {name: m.alignment(coarse, fine)[1].shape[1] for name, m in merges.items()}

    assert {name: kind for name, kind in aligned.items() if kind != "FlowAlign"} == {
        "isa-resample": "Resample",
        "isa-deform": "DeformAlign",
    }
    assert {name: count for name, count in weights.items() if count != 1} == {"isa-channel": 4}
    assert not torch.allclose(merges["isa-norm"](coarse, 9 * fine), merges["isa"](coarse, 9 * fine))


def test_deformable_alignment_of_volumes_is_refused():
    with pytest.raises(InputError, match="'isa-deform' aligns images alone; give 'isa'"):
        compose_skip("isa-deform").merge((3, 3, 3), 6, 4)


def test_a_light_feedback_has_a_sketch_and_the_full_one_the_decoders_own_maps():
    sketches = {name: compose_skip(name).feedback.sketch_channels for name in FEEDBACKS}

    assert sketches == {"ssba": None, "ssba-light": 32}


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
