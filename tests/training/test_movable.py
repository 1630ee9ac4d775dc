"""Movable: what a store says beside its cases."""

import json
from pathlib import Path

from inspire_med.cases.manifest import Manifest
from inspire_med.config import TrainConfig
from inspire_med.training.movable import plan_of_store


def test_the_plan_of_another_sets_store_is_not_taken(tmp_path, disc_images):
    said = {"format": 1, "manifest_hash": "0" * 64, "planned": {"spacing_mm": [1, 1, 1]}}
    (tmp_path / "movable.json").write_text(json.dumps(said))
    config = TrainConfig(task="polyp", manifest=disc_images, run=Path("none"), store=tmp_path)

    assert plan_of_store(config, Manifest.load(disc_images)) is None
