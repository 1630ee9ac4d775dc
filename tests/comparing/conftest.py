"""Comparisons whose trainings are made up: the files they leave, without the hours."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from inspire_med.comparing.exam import load_tests
from inspire_med.comparing.schedule import Schedule, load_labelled
from inspire_med.comparing.variants import parse_names
from inspire_med.config import DataConfig, NetworkConfig, TrainConfig
from inspire_med.evaluation.protocols import protocol
from inspire_med.training.state import Progress


@pytest.fixture
def schedule(tmp_path, disc_images) -> Schedule:
    """Two variants with seeds 0 and 1, on fold 0 of the discs."""
    config = TrainConfig(
        task="polyp",
        manifest=disc_images,
        run=tmp_path / "comparison",
        store=tmp_path / "store",
        max_steps=4,
        validations=1,
        network=NetworkConfig(widths=(4, 8), deep_supervision=1),
        data=DataConfig(patch_size=None, image_size=(32, 32), batch_size=2),
    )
    return Schedule(
        folder=config.run,
        variants=parse_names("concat,inspire"),
        baseline="concat",
        seeds=(0, 1),
        config=config,
        manifest=load_labelled(disc_images),
        protocol=protocol("segmentation"),
    )


@pytest.fixture
def tested(schedule, other_discs):
    """Trained on all the discs, tested on the others."""
    tests = load_tests([other_discs], schedule.manifest)
    return replace(schedule, config=replace(schedule.config, fold="none"), tests=tests)


@pytest.fixture
def trained(monkeypatch) -> dict[Path, Progress]:
    """How far the training in each run folder is, instead of looking at its checkpoint."""
    found: dict[Path, Progress] = {}

    def look(job):
        return found.get(job.run)

    for module in ("job", "costs", "notes", "progress"):
        monkeypatch.setattr(f"inspire_med.comparing.{module}.progress_of", look)
    for module in ("outcome", "progress"):
        name = f"inspire_med.comparing.{module}.precision_of_run"
        monkeypatch.setattr(name, lambda folder: "32-true")
    return found


@pytest.fixture
def finish(trained):
    """Leave in a job's folder what its three commands leave there, every case with this Dice."""

    def write(job, dice, hd95="1.5", validations=1):
        trained[job.run] = Progress(step=4, elapsed_s=60.0, validations=validations)
        for folder in (job.run, job.predictions, job.scores):
            folder.mkdir(parents=True, exist_ok=True)
        lines = [
            {"kind": "step", "step": step, "step_s": 0.1 * step, "memory_gib": 0.5 + job.seed}
            for step in range(1, 5)
        ]
        lines.append({"kind": "validation", "step": 4})
        (job.run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        session = {"commit": "abc", "versions": {"torch": "2", "monai": "1"}}
        sessions = [{**session, "machine": {"platform": "Linux"}}]
        (job.run / "run.json").write_text(json.dumps({"sessions": sessions}))
        for case in job.cases:
            (job.predictions / f"{case.id}.png").touch()
        predicted = {case.id: {"seconds": 0.25} for case in job.cases}
        job.record.write_text(json.dumps({"format": 2, "cases": predicted}))
        with (job.scores / "scores.csv").open("w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["case", "region", "measure", "value"])
            for case in job.cases:
                writer.writerow([case.id, "polyp", "dice", dice])
                writer.writerow([case.id, "polyp", "hd95_mm", hd95])
        summary = {"polyp": {"dice": {"mean": dice}, "max_dice": {"mean": dice + 0.1}}}
        scores = {"protocol": job.protocol.name, "summary": summary}
        (job.scores / "scores.json").write_text(json.dumps(scores))

    return write
