import re

from inspire_med.evaluation.measures.measure import MEASURES
from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.evaluation.statistics.strata import Strata, stratify
from inspire_med.reports.strata_section import strata_section

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


def words(page):
    return " ".join(re.sub("<[^>]*>", " ", page).split())


def test_each_part_states_its_cases_and_means():
    strata = stratify(CASES, {"a": "north", "b": "north", "c": "south"})

    text = words(strata_section(strata, MEASURES, REGIONS, "ml"))

    assert "By site" in text
    assert "north 2 0.600 0.500 to 0.700 4.00 1 undefined" in text
    assert "south 1 0.900 8.00" in text


def test_regions_keep_their_order_and_colour_though_the_first_part_lacks_one():
    page = strata_section(stratify(CASES, {}), MEASURES, REGIONS, "ml")

    groups = re.findall(r'group (region\d)"><th[^>]*>(\w+)', page)
    assert groups == [("region0", "WT"), ("region1", "ET")]
    assert "empty 1 0.500" in words(page)


def test_bounds_of_sizes_are_said_with_their_unit():
    text = words(strata_section(stratify(CASES, {}), MEASURES, REGIONS, "px"))

    assert "WT: small up to" in text
    assert " px" in text


def test_without_parts_there_is_no_section():
    assert strata_section(Strata({}, {}), MEASURES, REGIONS, "ml") == ""
