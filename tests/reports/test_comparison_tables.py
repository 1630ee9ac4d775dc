"""The tables hold the comparison's own numbers."""

import pandas as pd

from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.scores import summarise_scores
from inspire_med.reports.comparison import Comparison
from inspire_med.reports.comparison_tables import differences_table, scores_table

RULES = protocol("segmentation")


def comparison():
    values = {"plain": [0.5, 0.6, 0.7, 0.8], "ours": [0.6, 0.6, 0.9, 0.9]}
    rows = [
        (method, f"case{at}", "WT", "dice", value)
        for method, each in values.items()
        for at, value in enumerate(each)
    ]
    rows += [(method, "case0", "WT", "hd95_mm", 3.0) for method in values]
    rows += [(method, f"case{at}", "WT", "hd95_mm", None) for method in values for at in (1, 2, 3)]
    scores = pd.DataFrame(rows, columns=["method", "case", "region", "measure", "value"])
    scores = scores.astype({"value": float})
    summaries = {name: summarise_scores(own) for name, own in scores.groupby("method", sort=False)}
    return Comparison(RULES, RULES.measures, scores, summaries, "plain")


def test_means_stand_with_their_intervals_and_what_is_undefined():
    table = scores_table(comparison())

    assert table.columns.tolist() == ["plain", "ours"]
    assert table.index.tolist() == [("WT", "Dice"), ("WT", "HD95")]
    low, high = comparison().summaries["ours"]["WT"]["dice"].ci95
    assert table.loc[("WT", "Dice"), "ours"] == f"0.750 [{low:.3f}, {high:.3f}]"
    assert table.loc[("WT", "HD95"), "plain"] == "3.00, 3 undefined"


def test_differences_are_those_of_the_paired_tests():
    compared = comparison()

    table = differences_table(compared, "dice")

    (row,) = table.to_dict("records")
    (test,) = [each for each in compared.differences if each.measure == "dice"]
    assert table.index.tolist() == [("WT", "ours − plain")]
    assert (row["low"], row["high"]) == test.ci95
    assert round(row["mean"], 6) == 0.1
    assert (row["n"], row["wins"], row["ties"], row["losses"]) == (4, 3, 1, 0)
    assert not row["shown"]
