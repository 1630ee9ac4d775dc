"""The tables for docs/evidence.md: every measure that has a value a case, and its test."""

import importlib
from pathlib import Path

import pytest

EVIDENCE = Path(__file__).parents[1] / "scripts" / "evidence"


@pytest.fixture
def table(monkeypatch):
    monkeypatch.syspath_prepend(str(EVIDENCE))
    return importlib.import_module("table")


def summary(mean: float) -> dict[str, object]:
    return {"mean": mean, "ci95": [mean - 0.1, mean + 0.1]}


def content(*measures: str) -> dict[str, object]:
    """A comparison of two networks, 0.5 and 0.7 in each measure."""
    test = {"region": "polyp", "first": "ise", "second": "plain", "mean": 0.2, "p_holm": 0.04}
    test |= {"ci95": [-0.1, 0.3], "n": 5, "seeds": 2, "seeds_alike": 1}
    cost = {"steps": 10, "training_s": 60, "step_s": 0.5, "parameters": 1000}
    means = {"plain": 0.5, "ise": 0.7}
    spread = {"by_seed": {"0": 0.4, "1": 0.6}, "sd": 0.1414}
    return {
        "protocol": "polyp-pranet",
        "methods": list(means),
        "n_cases": 6,
        "summary": {
            method: {"polyp": {name: summary(mean) for name in (*measures, "max_dice")}}
            for method, mean in means.items()
        },
        "seeds": {method: {"polyp": dict.fromkeys(measures, spread)} for method in means},
        "costs": dict.fromkeys(means, cost),
        "differences": [{**test, "measure": name} for name in measures],
        "provenance": {"Seeds": "0, 1", "Machine": "a machine"},
    }


def test_each_measure_stands_in_one_table_with_its_interval_and_its_test(table):
    lines = list(table.markdown(content("mean_dice", "mean_iou", "weighted_f", "mae")))

    test = "+0.200 [−0.100, +0.300], p 0.04, 1/2, n = 5"
    assert lines[0].startswith(
        "| network | Mean Dice of polyp | Mean IoU of polyp | Weighted F of polyp | by seed |"
    )
    assert lines[3] == (
        "| ise | 0.700 [0.600, 0.800] | 0.700 [0.600, 0.800] | 0.700 [0.600, 0.800] | 0.400 0.600 "
        "| 0.141 | 10 | 1.0 | 0.5 | 1,000 |"
    )
    assert f"| ise − plain | {test} | {test} | {test} |" in lines
    assert "| network | MAE of polyp |" in lines
    assert "| ise | 0.700 [0.600, 0.800] |" in lines
    assert f"| ise − plain | {test} |" in lines
    assert lines[-2:] == ["n = 6; `polyp-pranet`; Seeds 0, 1.", "Machine: a machine."]


def test_without_further_measures_there_is_no_further_table(table):
    lines = list(table.markdown(content("mean_dice", "mean_iou")))

    assert sum(line.startswith("| network") for line in lines) == 1
    assert not any("Further" in line for line in lines)


def test_a_measure_that_nobody_has_a_value_of_is_a_dash(table):
    undefined = content("mean_dice")
    for each in undefined["differences"]:
        each.update(mean=None, ci95=None, n=0, p_holm=None, seeds_alike=None)
    for method in undefined["methods"]:
        undefined["summary"][method]["polyp"]["mean_dice"] = {"mean": None, "ci95": None}

    lines = list(table.markdown(undefined))

    assert lines[3].startswith("| ise | – | 0.400 0.600 |")
    assert "| ise − plain | –, p –, n = 0 |" in lines
