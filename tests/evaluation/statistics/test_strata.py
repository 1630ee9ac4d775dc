import math

import pytest

from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.evaluation.statistics.strata import bounds_in_words, stratify


def case(name, size, dice, region="WT"):
    return CaseScores(name, {region: RegionResult({"dice": dice}, sizes=(size, size))})


CASES = [
    case(name, size, size / 10) for name, size in zip("abcdef", (1, 2, 3, 4, 5, 6), strict=True)
]


def counts(strata, name, region="WT"):
    return {stratum: each[region]["dice"].n for stratum, each in strata.summaries[name].items()}


def test_references_fall_in_thirds_by_size():
    found = stratify(CASES, {})

    assert found.bounds["WT"] == pytest.approx((2 + 2 / 3, 4 + 1 / 3))
    assert counts(found, "reference size") == {"small": 2, "medium": 2, "large": 2}
    by_size = found.summaries["reference size"]
    assert by_size["small"]["WT"]["dice"].mean == pytest.approx(0.15)
    assert by_size["large"]["WT"]["dice"].mean == pytest.approx(0.55)


def test_empty_references_stand_apart_and_move_no_bound():
    found = stratify([*CASES, case("g", 0, 1.0), case("h", 0, 0.0)], {})

    assert found.bounds == stratify(CASES, {}).bounds
    assert counts(found, "reference size") == {"empty": 2, "small": 2, "medium": 2, "large": 2}
    assert list(found.summaries["reference size"]) == ["empty", "small", "medium", "large"]


def test_each_region_has_bounds_of_its_own():
    regions = [
        CaseScores(
            each.case,
            {
                **each.regions,
                "ET": RegionResult({"dice": 0.5}, sizes=(100 * each.regions["WT"].sizes[0], 1)),
            },
        )
        for each in CASES
    ]

    found = stratify(regions, {})

    assert found.bounds["ET"] == pytest.approx([100 * bound for bound in found.bounds["WT"]])
    assert counts(found, "reference size", "ET") == {"small": 2, "medium": 2, "large": 2}


def test_sizes_all_alike_are_one_stratum():
    found = stratify([case(name, 4.0, 0.5) for name in "abc"], {})

    assert counts(found, "reference size") == {"small": 3}


def test_a_size_at_a_bound_is_of_the_smaller_stratum():
    # tertiles of 1, 2, 2, 5 are 2 and 2: at position 1 and 2 of 0 ... 3
    sizes = zip("abcd", (1.0, 2.0, 2.0, 5.0), strict=True)
    assert counts(stratify([case(*each, 0.5) for each in sizes], {}), "reference size") == {
        "small": 3,
        "large": 1,
    }
    # of 1, 4, 5, 9: 4 and 5
    sizes = zip("abcd", (1.0, 4.0, 5.0, 9.0), strict=True)
    assert counts(stratify([case(*each, 0.5) for each in sizes], {}), "reference size") == {
        "small": 2,
        "medium": 1,
        "large": 1,
    }


def test_two_sites_are_strata():
    found = stratify(CASES, dict.fromkeys("ab", "HGG") | dict.fromkeys("cdef", "LGG"))

    assert counts(found, "site") == {"HGG": 2, "LGG": 4}


def test_a_region_of_empty_references_has_no_bounds():
    found = stratify([case("a", 0.0, 1.0)], {})

    assert found.bounds == {}
    assert counts(found, "reference size") == {"empty": 1}


def test_a_small_stratum_is_shown_with_its_n():
    found = stratify([*CASES, case("g", 0, math.nan)], {})

    empty = found.summaries["reference size"]["empty"]["WT"]["dice"]
    assert (empty.n, empty.n_undefined, empty.mean) == (0, 1, None)


def test_cases_are_grouped_by_site():
    found = stratify(CASES, dict(zip("abcde", ["LGG", "HGG", "HGG", "LGG", "HGG"], strict=True)))

    assert list(found.summaries["site"]) == ["HGG", "LGG", "unknown"]
    assert counts(found, "site") == {"HGG": 3, "LGG": 2, "unknown": 1}
    assert found.summaries["site"]["LGG"]["WT"]["dice"].mean == pytest.approx(0.25)


@pytest.mark.parametrize("sites", [{}, dict.fromkeys("abcdef", "one")])
def test_a_single_site_is_no_stratum(sites):
    assert "site" not in stratify(CASES, sites).summaries


def test_without_sizes_there_are_no_strata_of_size():
    found = stratify([case(name, math.nan, 0.5) for name in "ab"], {})

    assert found.summaries == {}
    assert found.bounds == {}


def test_every_case_is_in_exactly_one_stratum_of_each_name():
    found = stratify([*CASES, case("g", 0, 1.0)], {"a": "x", "b": "y"})

    assert all(sum(counts(found, name).values()) == 7 for name in found.summaries)


def test_bounds_are_written_with_their_unit():
    assert bounds_in_words({"WT": (1234.5, 20000.0), "ET": (0.5, 2.0)}, "ml") == (
        "WT: small up to 1,230 ml, medium up to 20,000 ml; "
        "ET: small up to 0.5 ml, medium up to 2 ml"
    )


def test_references_of_one_size_but_for_rounding_are_of_one_stratum():
    sizes = [0.1, 0.3, 0.1 + 0.2, 1.0]  # the bound is the second

    found = stratify([case(f"c{at}", size, 0.5) for at, size in enumerate(sizes)], {})

    assert counts(found, "reference size") == {"small": 3, "large": 1}
