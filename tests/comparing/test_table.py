"""The tables of docs/evidence.md, from comparisons whose trainings are made up."""

import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from inspire_med.comparing.costs import Size
from inspire_med.comparing.outcome import bring_together

SCRIPT = Path(__file__).parents[2] / "scripts" / "evidence" / "table.py"


@pytest.fixture
def lines(plan, finish):
    """Of a comparison in which seed 1 has a Dice a hundredth higher than seed 0."""

    def of(seeds=(0, 1)):
        asked = replace(plan, seeds=seeds)
        for job in asked.jobs():
            finish(job, (0.7 if job.variant == "concat" else 0.6) + 0.01 * job.seed)
        sizes = dict.fromkeys(("concat", "inspire"), Size(1234, 5))
        content = bring_together(asked, sizes, []).to_json()
        return list(runpy.run_path(str(SCRIPT))["markdown"](content))

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
