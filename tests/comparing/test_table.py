"""The tables of docs/evidence.md: every measure that has a value a case, and its test."""

import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from inspire_med.comparing.costs import Size
from inspire_med.comparing.outcome import bring_together

SCRIPT = Path(__file__).parents[2] / "scripts" / "evidence" / "table.py"


def markdown(content: dict[str, object]) -> list[str]:
    return list(runpy.run_path(str(SCRIPT))["markdown"](content))


@pytest.fixture
def lines(schedule, finish):
    """Of a comparison in which seed 1 has a Dice a hundredth higher than seed 0."""

    def of(seeds=(0, 1)):
        asked = replace(schedule, seeds=seeds)
        for job in asked.jobs():
            finish(job, (0.7 if job.variant == "concat" else 0.6) + 0.01 * job.seed)
        sizes = dict.fromkeys(("concat", "inspire"), Size(1234, 5))
        return markdown(bring_together(asked, sizes, []).to_json())

    return of


def test_a_row_holds_the_mean_the_seeds_and_the_costs(lines):
    head, _, first, *_ = lines()

    assert head.startswith("| network | Dice of polyp |")
    cells = first.split(" | ")
    assert cells[:2] == ["| concat", "0.705 [0.705, 0.705]"]
    assert cells[-6:] == ["0.700 0.710", "0.007", "4", "1.0", "0.25", "1,234 |"]


def test_the_test_against_the_baseline_is_a_row(lines):
    difference, *_ = (line for line in lines() if line.startswith("| inspire − concat |"))

    assert difference.split(" | ")[1].startswith("−0.100 [−0.100, −0.100], p ")


def test_where_numbers_come_from_is_said(lines):
    *_, origin, machine = lines((0,))

    assert origin.startswith("n = 3; `segmentation`; Seeds 0; Folds 0; Budget of each training 4")
    assert "Commit abc" in origin
    assert machine == "Machine: Linux."


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


def test_each_measure_stands_in_one_table_with_its_interval_and_its_test():
    lines = markdown(content("mean_dice", "mean_iou", "weighted_f", "mae"))

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


def test_without_further_measures_there_is_no_further_table():
    lines = markdown(content("mean_dice", "mean_iou"))

    assert sum(line.startswith("| network") for line in lines) == 1
    assert not any("Further" in line for line in lines)


def test_a_measure_that_nobody_has_a_value_of_is_a_dash():
    undefined = content("mean_dice")
    for each in undefined["differences"]:
        each.update(mean=None, ci95=None, n=0, p_holm=None, seeds_alike=None)
    for method in undefined["methods"]:
        undefined["summary"][method]["polyp"]["mean_dice"] = {"mean": None, "ci95": None}

    lines = markdown(undefined)

    assert lines[3].startswith("| ise | – | 0.400 0.600 |")
    assert "| ise − plain | –, p –, n = 0 |" in lines


def test_masks_that_were_compared_as_they_are_have_neither_seeds_nor_costs():
    masks = content("mean_dice", "mean_iou")
    del masks["seeds"], masks["costs"]
    for each in masks["differences"]:
        each.update(seeds=1, seeds_alike=None)
    masks["provenance"] = {"Scored by inspire_med": "0.1.0, commit abc"}

    lines = markdown(masks)

    assert lines[0] == "| masks | Mean Dice of polyp | Mean IoU of polyp |"
    assert lines[3] == "| ise | 0.700 [0.600, 0.800] | 0.700 [0.600, 0.800] |"
    assert lines[1] == "| --- | ---: | ---: |"
    assert lines[-1] == "n = 6; `polyp-pranet`; Scored by inspire_med 0.1.0, commit abc."
