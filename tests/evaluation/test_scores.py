import json
import math

import pandas as pd
import pytest

from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.result import CaseScores, Lesion, RegionResult
from inspire_med.evaluation.scores import (
    as_csv,
    as_json,
    in_common,
    lesions_csv,
    of_methods,
    read_csv,
    score_table,
    summarise_scores,
)
from inspire_med.evaluation.statistics.extremes import notable_cases, rank_cases

CASES = [
    CaseScores("a", {"WT": RegionResult({"dice": 0.5, "hd95_mm": math.inf})}),
    CaseScores("b, c", {"WT": RegionResult({"dice": 1.0, "hd95_mm": 2.0})}),
]


def test_csv_is_long_and_undefined_values_are_empty():
    assert as_csv(score_table(CASES)) == (
        'case,region,measure,value\na,WT,dice,0.5\na,WT,hd95_mm,\n"b, c",WT,dice,1.0\n'
        '"b, c",WT,hd95_mm,2.0\n'
    )


def test_a_table_reads_back_to_the_bit_and_ids_stay_text(tmp_path):
    values = {"007": 0.1 + 0.2, "NA": 1 / 3, "1e5": math.nan, "": 5e-324}
    written = score_table(
        [CaseScores(case, {"WT": RegionResult({"dice": v})}) for case, v in values.items()]
    )
    file = tmp_path / "scores.csv"
    file.write_text(as_csv(written))

    pd.testing.assert_frame_equal(read_csv(file), written, check_exact=True)


def test_lesions_are_a_row_each_and_undefined_values_are_empty():
    lesions = (
        Lesion("matched", 12.5, (1.0, 2.25, 3.0), 0.1 + 0.2, 2.0),
        Lesion("missed", 8.0, (4.0, 5.0, 6.0), 0.0, math.inf, counted=False),
        Lesion("spurious", 1.0, (7.0, 8.0, 9.0)),
    )
    cases = [CASES[0], CaseScores("d", {"ET": RegionResult({}, lesions)})]

    assert lesions_csv(cases) == (
        "case,region,kind,size,centre,dice,hd95_mm,counted\n"
        "d,ET,matched,12.5,1.0 2.2 3.0,0.30000000000000004,2.0,true\n"
        "d,ET,missed,8.0,4.0 5.0 6.0,0.0,,false\n"
        "d,ET,spurious,1.0,7.0 8.0 9.0,,,true\n"
    )
    assert lesions_csv(CASES) == ""


def test_regions_and_measures_keep_the_order_they_are_scored_in():
    scores = {"hd95_mm": 2.0, "dice": 0.5}
    table = score_table([CaseScores("a", {"WT": RegionResult(scores), "ET": RegionResult(scores)})])

    found = summarise_scores(table)

    assert list(found) == ["WT", "ET"]
    assert list(found["ET"]) == ["hd95_mm", "dice"]


def test_methods_are_compared_on_the_cases_that_all_have():
    tables = {"A": scored(x=0.1, y=0.2, w=0.3), "B": scored(y=0.4, z=0.5, x=0.6)}

    kept, others = in_common(of_methods(tables))

    assert others == ("w", "z")
    assert kept[["method", "case", "value"]].to_numpy().tolist() == [
        ["A", "x", 0.1],
        ["A", "y", 0.2],
        ["B", "y", 0.4],
        ["B", "x", 0.6],
    ]


def test_methods_without_a_common_case_are_refused():
    with pytest.raises(InputError, match="no case is in all of A, B, so there is nothing"):
        in_common(of_methods({"A": scored(x=0.1), "B": scored(y=0.4)}))


def test_json_has_the_summary_the_policy_and_no_infinity():
    content = as_json(
        protocol("segmentation"),
        CASES,
        summarise_scores(score_table(CASES)),
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
        "note",
    }
    assert content["summary"]["WT"]["hd95_mm"] == {
        "mean": 2.0,
        "median": 2.0,
        "sd": None,
        "ci95": None,
        "n": 1,
        "n_undefined": 1,
        "note": "n = 1: too few",
    }
    assert "counted as undefined" in content["policy"]
    assert content["notes"] == ["left out: c"]


def scored(**dice):
    return score_table(
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
