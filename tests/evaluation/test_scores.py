import json
import math

from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.evaluation.scores import as_csv, as_json, as_table, summarise_table
from inspire_med.evaluation.statistics.extremes import notable_cases, rank_cases

CASES = [
    CaseScores("a", {"WT": RegionResult({"dice": 0.5, "hd95_mm": math.inf})}),
    CaseScores("b, c", {"WT": RegionResult({"dice": 1.0, "hd95_mm": 2.0})}),
]


def test_csv_is_long_and_undefined_values_are_empty():
    assert as_csv(CASES) == (
        'case,region,measure,value\na,WT,dice,0.5\na,WT,hd95_mm,\n"b, c",WT,dice,1.0\n'
        '"b, c",WT,hd95_mm,2.0\n'
    )


def test_json_has_the_summary_the_policy_and_no_infinity():
    content = as_json(
        protocol("segmentation"),
        CASES,
        summarise_table(as_table(CASES)),
        {"notes": ["left out: c"]},
    )

    json.dumps(content, allow_nan=False)
    assert content["protocol"] == "segmentation"
    assert content["n_cases"] == 2
    assert content["summary"]["WT"]["dice"]["mean"] == 0.75
    assert set(content["summary"]["WT"]["dice"]) == {
        "mean",
        "median",
        "sd",
        "ci95",
        "n",
        "n_undefined",
    }
    assert content["summary"]["WT"]["hd95_mm"] == {
        "mean": 2.0,
        "median": 2.0,
        "sd": None,
        "ci95": None,
        "n": 1,
        "n_undefined": 1,
    }
    assert "counted as undefined" in content["policy"]
    assert content["notes"] == ["left out: c"]


def scored(**dice):
    return as_table(
        [CaseScores(case, {"r": RegionResult({"dice": v})}) for case, v in dice.items()]
    )


def test_cases_are_ranked_from_worst_to_best():
    table = scored(a=0.9, b=0.1, c=math.nan, d=0.1)

    assert rank_cases(table, "dice") == [("b", 0.1), ("d", 0.1), ("a", 0.9)]


def test_notable_cases_are_worst_median_and_best():
    ranked = [(f"case{number}", number / 20) for number in range(20)]

    found = notable_cases(ranked)

    assert [name for name, _ in found["worst"]] == ["case0", "case1", "case2"]
    assert [name for name, _ in found["median"]] == ["case8", "case9", "case10"]
    assert [name for name, _ in found["best"]] == ["case17", "case18", "case19"]


def test_no_case_is_shown_twice():
    for count in range(12):
        found = notable_cases([(str(number), 0.0) for number in range(count)])
        names = [name for members in found.values() for name, _ in members]

        assert len(names) == len(set(names))
