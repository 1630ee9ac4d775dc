import re

from inspire_med.evaluation.measures.measure import MEASURES, in_pixels
from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.evaluation.statistics.strata import Strata, stratify

INF = float("inf")
REGIONS = ["WT", "ET"]


def case(name, dice, distance, sizes):
    return CaseScores(
        name,
        {
            region: RegionResult({"dice": dice, "hd95_mm": distance}, sizes=(size, size))
            for region, size in zip(REGIONS, sizes, strict=True)
        },
    )


CASES = [
    case("a", 0.5, 4.0, (1.0, 0.0)),
    case("b", 0.7, INF, (2.0, 3.0)),
    case("c", 0.9, 8.0, (3.0, 4.0)),
]


def test_each_part_states_its_cases_and_means(section_of):
    strata = stratify(CASES, {"a": "north", "b": "north", "c": "south"})

    text = section_of("strata", CASES, strata=strata).text

    assert "By site" in text
    few = "n = 2: too few, the interval is too narrow"
    assert f"north 2 0.600 0.500 to 0.700 {few} 4.00 1 undefined n = 1: too few" in text
    assert "south 1 0.900 n = 1: too few 8.00" in text


def test_regions_keep_their_order_and_colour_though_the_first_part_lacks_one(section_of):
    found = section_of("strata", CASES, strata=stratify(CASES, {}))

    groups = re.findall(r'group (region\d)"><th[^>]*>(\w+)', found.html)
    assert groups == [("region0", "WT"), ("region1", "ET")]
    assert "empty 1 0.500" in found.text


def test_bounds_of_sizes_are_said_with_their_unit(section_of):
    strata = stratify(CASES, {})

    text = section_of("strata", CASES, in_pixels(MEASURES), strata=strata).text

    assert "WT: small up to" in text
    assert " px" in text


def test_without_parts_there_is_no_section(section_of):
    assert section_of("strata", CASES, strata=Strata({}, {})).html == ""
