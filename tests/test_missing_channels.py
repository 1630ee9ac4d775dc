"""scripts/missing_channels.py: what each set of missing channels costs, and how it is told."""

import csv
import json
import runpy
import statistics
from pathlib import Path

import pytest

from inspire_med.cases.manifest import Manifest
from inspire_med.train import main as train

SCRIPT = Path(__file__).parents[1] / "scripts" / "missing_channels.py"
FEW = [
    *("--max_steps", "2", "--validations", "1", "--data.workers", "0", "--threads", "1"),
    *("--precision", "32-true", "--network.widths", "4,8", "--network.deep_supervision", "1"),
    *("--data.patch_size", "16,16,8"),
]


@pytest.fixture
def script(monkeypatch):
    """The script as a command: its exit status."""

    def run(*words) -> int:
        monkeypatch.setattr("sys.argv", [str(SCRIPT), *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        return ended.value.code

    return run


@pytest.mark.slow
def test_each_missing_channel_has_a_row_with_its_cost(tmp_path, ball_volumes, script, capsys):
    run, out = tmp_path / "run", tmp_path / "out"
    words = ["--manifest", str(ball_volumes), "--run", str(run), "--fold", "1"]
    assert train([*words, *FEW, "--data.drop_channels", "0.2"]) == 0
    capsys.readouterr()

    assert script("--run", run, "--manifest", ball_volumes, "--output", out, "--most", 1) == 0

    said = capsys.readouterr().out.partition("Trained with ")[2].splitlines()
    assert said[0].startswith("--data.drop_channels 0.2: channels were missing in training too.")
    assert "the mean over 2 cases with its 95 % interval" in said[1]
    assert said[2] == "n = 2: too few, the interval is too narrow."
    assert said[4] == "| missing | WT | TC | ET |"
    rows = [[text.strip() for text in line.strip("|").split("|")] for line in said[6:]]
    assert [row[0] for row in rows] == ["none", "flair", "t1", "t1ce", "t2"]
    means = {}
    for name in ("none", "t1"):
        with (out / "scores" / name / "scores.csv").open() as lines:
            found = [r for r in csv.DictReader(lines) if r["measure"] == "dice"]
        values = [float(r["value"]) for r in found if r["region"] == "WT"]
        assert len(values) == 2
        means[name] = statistics.fmean(values)
    cell = rows[2][1].replace("−", "-")
    assert cell.startswith(f"{means['t1']:.3f} [")
    assert f"; {means['t1'] - means['none']:+.3f} [" in cell.replace("-0.000", "+0.000")
    assert script("--run", run, "--manifest", ball_volumes, "--output", out) == 2
    assert "out: exists already; choose another --output." in capsys.readouterr().err


@pytest.mark.slow
def test_of_a_cross_validation_each_case_is_predicted_by_the_fold_that_left_it_out(
    tmp_path, ball_volumes, script, capsys
):
    whole, out = tmp_path / "cv", tmp_path / "out"
    folds = Manifest.load(ball_volumes).folds
    for fold in folds:
        words = ["--manifest", str(ball_volumes), "--run", str(whole / f"fold{fold}" / "run")]
        assert train([*words, *FEW, "--fold", str(fold), "--seed", str(fold)]) == 0
    (whole / "config.yaml").write_text("fold: each\ndata: {drop_channels: 0.0}\n")
    words = ["--run", whole, "--manifest", ball_volumes, "--most", 1]

    assert script(*words, "--output", out) == 0

    manifest = Manifest.load(ball_volumes)
    assert f"the mean over {len(manifest.cases)} cases" in capsys.readouterr().out
    for fold in folds:
        record = json.loads((out / "folds" / "t1" / f"fold{fold}" / "predictions.json").read_text())
        assert record["run"].endswith(f"fold{fold}/run")
        assert sorted(record["cases"]) == sorted(case.id for case in manifest.fold(fold)[1])
    assert len(list((out / "masks" / "t1").iterdir())) == len(manifest.cases)
    assert script(*words, "--output", tmp_path / "other", "--fold", 1) == 2
    assert f"leave it out, or give --run {whole / 'fold1' / 'run'}." in capsys.readouterr().err


def test_how_the_model_was_trained_is_said():
    words = runpy.run_path(str(SCRIPT))["training_in_words"]

    assert words({}, 0) == "How the model was trained is not known: --run holds no config.yaml."
    assert words({"fold": 0, "drop_channels": 0.0}, 0) == (
        "Trained with all channels always (--data.drop_channels 0): it knows of none missing."
    )
    assert words({"fold": 1, "drop_channels": 0.1}, 0).endswith("these cases were trained on.")


def test_a_cell_has_intervals_and_a_number_of_cases_of_its_own():
    cell = runpy.run_path(str(SCRIPT))["cell"]
    mean = {"mean": 0.5, "ci95": [0.4, 0.6], "n": 9}

    assert cell(mean, None, 9) == "0.500 [0.400, 0.600]"
    cost = {"mean": -0.1, "ci95": [-0.25, 0.05]}
    assert cell(mean, cost, 9) == "0.500 [0.400, 0.600]; −0.100 [−0.250, +0.050]"
    lone = {"mean": 0.5, "ci95": None, "n": 1}
    assert cell(lone, {"mean": None, "ci95": None}, 9) == "0.500; n = 1"
    assert cell({"mean": None, "ci95": None, "n": 0}, None, 9) == "undefined; n = 0"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--most", "4"], "--most: 4 of 4 channels; give 1 or more, not all."),
        (["--most", "0"], "--most: 0 of 4 channels; give 1 or more, not all."),
        (["--measure", "dise"], "--measure: dise is none of dice, "),
        (["--protocol", "segmentatoin"], "unknown protocol 'segmentatoin'; did you mean"),
        (["--run", "nowhere"], "--run: nowhere: no such folder; check the path."),
        ([], "--fold: missing, and "),
    ],
)
def test_wrong_words_are_said_before_anything_is_predicted(
    tmp_path, ball_volumes, script, capsys, words, sentence
):
    (tmp_path / "model").mkdir()
    places = ["--run", tmp_path / "model", "--manifest", ball_volumes, "--output", tmp_path / "o"]

    assert script(*places, *words) == 2

    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_the_options_are_those_that_the_run_was_last_asked_for(tmp_path):
    found = runpy.run_path(str(SCRIPT))["trained_with"]
    assert found(tmp_path) == {}
    (tmp_path / "config.yaml").write_text("fold: 2\ndata: {drop_channels: 0.3}\n")
    assert found(tmp_path) == {"fold": 2, "drop_channels": 0.3}
    changed = {"sessions": [{"changed": {"data.drop_channels": 0.1}}]}
    (tmp_path / "run.json").write_text(json.dumps(changed))
    assert found(tmp_path)["drop_channels"] == 0.1
