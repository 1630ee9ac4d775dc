"""A comparison reads back as it was written: by `compare`, by `evaluate`, or folder by folder."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image, ImageChops

from inspire_med.cases.manifest import Manifest
from inspire_med.compare import _write
from inspire_med.comparing.costs import Size
from inspire_med.comparing.outcome import bring_together
from inspire_med.comparing.written import read_comparison, read_scores
from inspire_med.errors import InputError
from inspire_med.evaluate import main as evaluate
from inspire_med.reports.comparison import comparison_json

SIZES = {name: Size(1234, 5_600_000_000) for name in ("concat", "inspire")}


def same_numbers(found, written):
    """Summaries and differences are equal, number for number."""
    again = json.loads(json.dumps(comparison_json(found)))
    for part in ("protocol", "methods", "baseline", "n_cases", "summary", "differences"):
        assert again[part] == written[part], part


@pytest.mark.parametrize("exam", ["", "others"])
def test_a_folder_of_compare_reads_back_number_for_number(exam, schedule, tested, finish, undrawn):
    plan = tested if exam else schedule
    for place, job in enumerate(plan.jobs()):
        finish(job, 0.6 + 0.03 * place)
    outcome = bring_together(plan, SIZES, [], exam)
    folder = plan.page_folder(exam)
    folder.mkdir(parents=True, exist_ok=True)
    _write(outcome, folder)

    found = read_comparison(folder)

    same_numbers(found.comparison, json.loads((folder / "comparison.json").read_text()))
    assert found.comparison.differences[0].seeds == 2
    assert found.manifest == (plan.tests[0].file if exam else plan.config.manifest)
    jobs = [job for job in plan.jobs() if job.variant == "inspire" and job.exam.name == exam]
    assert found.predictions["inspire"] == [job.predictions for job in jobs]


@pytest.fixture
def scored(disc_images, tmp_path, undrawn) -> Path:
    """Two methods on the discs, compared by `evaluate`: one right, one a little aside."""
    for name, aside in (("right", 0), ("aside", 2)):
        (tmp_path / name).mkdir()
        for case in Manifest.load(disc_images).cases:
            with Image.open(case.label) as mask:
                moved = ImageChops.offset(mask, aside + len(case.id) % 2, 0) if aside else mask
                moved.save(tmp_path / name / f"{case.id}.png")
    words = [f"{name}={tmp_path / name}" for name in ("right", "aside")]
    words = ["--prediction", *words, "--reference", str(disc_images)]
    assert evaluate([*words, "--output", str(tmp_path / "scores"), "--workers", "1"]) == 0
    return tmp_path / "scores"


def test_a_folder_of_evaluate_reads_back_number_for_number(scored, disc_images):
    found = read_comparison(scored)

    same_numbers(found.comparison, json.loads((scored / "comparison.json").read_text()))
    assert found.manifest == disc_images
    assert found.predictions == {name: [scored.parent / name] for name in ("right", "aside")}


def test_several_folders_of_evaluate_are_compared_with_a_baseline(scored):
    found = read_scores({"ours": scored / "aside", "theirs": scored / "right"}, "theirs")

    (test,) = [each for each in found.comparison.differences if each.measure == "dice"]
    assert (test.first, test.second, test.wins, test.losses) == ("ours", "theirs", 0, 6)


def test_cases_that_one_method_lacks_are_left_out(scored, tmp_path):
    shutil.copytree(scored / "right", tmp_path / "short")
    rows = pd.read_csv(tmp_path / "short" / "scores.csv")
    rows[rows["case"] != "disc3"].to_csv(tmp_path / "short" / "scores.csv", index=False)

    found = read_scores({"a": scored / "aside", "b": tmp_path / "short"})

    assert "disc3" not in found.comparison.cases
    assert found.comparison.summaries["a"]["polyp"]["dice"].n == 5


def test_refuses_what_is_no_comparison_and_scores_by_other_rules(scored, tmp_path):
    with pytest.raises(InputError, match=r"comparison\.json"):
        read_comparison(tmp_path)
    (tmp_path / "comparison.json").write_text("[]")
    with pytest.raises(InputError, match="no comparison of compare or evaluate"):
        read_comparison(tmp_path)
    page = json.loads((scored / "right" / "scores.json").read_text())
    (scored / "right" / "scores.json").write_text(json.dumps({**page, "protocol": "isles2022"}))
    with pytest.raises(InputError, match="a by segmentation, b by isles2022; evaluate alike"):
        read_scores({"a": scored / "aside", "b": scored / "right"})
