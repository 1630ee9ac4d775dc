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
                    return self

                return note

        package = Package()
        monkeypatch.setitem(sys.modules, name, package)
        return package.calls

    return install


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
def test_wandb_itself_writes_offline(tmp_path, disc_images, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")

    assert train(disc_images, tmp_path, "--track", '["wandb"]') == 0

    assert list((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))


@pytest.mark.slow
def test_mlflow_itself_writes_here(tmp_path, disc_images, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")

    assert train(disc_images, tmp_path / "run", "--track", '["mlflow"]') == 0

    found = mlflow.search_runs(experiment_names=["inspire-med"], output_format="list")
    assert found[0].info.status == "FINISHED"
    assert "train/loss" in found[0].data.metrics
