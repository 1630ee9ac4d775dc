import json
import sys
from pathlib import Path

import pytest

from inspire_med.train import main

WORDS = [
    *["--task", "polyp", "--data.image_size", "[32,32]", "--data.batch_size", "2", "--precision"],
    *["32-true", "--network.widths", "[4,8]", "--network.deep_supervision", "2", "--max_steps"],
    *["2", "--validations", "1", "--data.workers", "0"],
]


def train(manifest: Path, run: Path, *words: str) -> int:
    return main(["--manifest", str(manifest), "--run", str(run), *WORDS, *words])


@pytest.fixture
def heard(monkeypatch):
    """A package of the tracker's name that notes what it is told."""

    def install(name: str):
        class Package:
            def __init__(self):
                self.calls = []

            def __getattr__(self, attribute):
                def note(*arguments, **named):
                    self.calls.append((attribute, arguments, named))
                    if attribute == "search_runs":
                        return []
                    return self

                return note

        package = Package()
        monkeypatch.setitem(sys.modules, name, package)
        return package.calls

    return install


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_every_step_and_validation_is_told(tmp_path, disc_images, heard, monkeypatch, name):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    calls = heard(name)

    assert train(disc_images, tmp_path, "--track", f'["{name}"]') == 0

    told = {"wandb": "log", "mlflow": "log_metrics"}[name]
    scalars = [arguments[0] for called, arguments, _ in calls if called == told]
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if line["kind"] == "step"]
    assert [s["train/loss"] for s in scalars if "train/loss" in s] == losses
    assert any("validation/dice_polyp" in s for s in scalars)
    assert calls[-1][0] in ("finish", "end_run")


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_one_that_is_not_installed_is_one_sentence(
    tmp_path, disc_images, monkeypatch, capsys, name
):
    monkeypatch.setitem(sys.modules, name, None)

    assert train(disc_images, tmp_path, "--track", f'["{name}"]') == 2

    assert f"--track: {name} is not installed; pip install 'inspire-med[{name}]'." in (
        capsys.readouterr().err
    )


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["log", "finish"])
def test_one_in_trouble_does_not_end_the_run(
    tmp_path, disc_images, monkeypatch, heard, capsys, trouble
):
    heard("wandb")

    def fails(*_, **__):
        raise ConnectionError("nobody there")

    monkeypatch.setattr(sys.modules["wandb"], trouble, fails, raising=False)

    assert train(disc_images, tmp_path, "--track", '["wandb"]') == 0

    assert capsys.readouterr().err.count("Wandb is told no more: nobody there") == 1


@pytest.mark.slow
def test_wandb_itself_writes_offline_one_run_over_all_sessions(tmp_path, disc_images, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_MODE", raising=False)

    for steps in ("2", "4"):
        words = ["--track", '["wandb"]', "--max_steps", steps]
        assert train(disc_images, tmp_path, *words) == 0

    files = list((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(files) == 2
    assert len({file.name for file in files}) == 1  # the name holds the run's


@pytest.mark.slow
def test_mlflow_itself_writes_here_one_run_over_all_sessions(tmp_path, disc_images, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)

    for steps in ("2", "4"):
        words = ["--track", '["mlflow"]', "--max_steps", steps]
        assert train(disc_images, tmp_path / "run", *words) == 0

    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'run' / 'mlflow.db'}")
    (found,) = mlflow.search_runs(experiment_names=["inspire-med"], output_format="list")
    assert found.info.status == "FINISHED"
    history = mlflow.MlflowClient().get_metric_history(found.info.run_id, "train/loss")
    assert [metric.step for metric in history] == [1, 2, 3, 4]
    assert list((tmp_path / "run" / "mlruns").rglob("*.png"))
    assert not (tmp_path / "mlruns").exists()
