"""Movable: what a store says beside its cases."""

import json
from pathlib import Path

import pytest

from inspire_med.cases.manifest import Manifest
from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.training.movable import plan_of_store, refuse_limit


def test_the_plan_of_another_sets_store_is_not_taken(tmp_path, disc_images):
    said = {"format": 1, "manifest_hash": "0" * 64, "planned": {"spacing_mm": [1, 1, 1]}}
    (tmp_path / "movable.json").write_text(json.dumps(said))
    config = TrainConfig(task="polyp", manifest=disc_images, run=Path("none"), store=tmp_path)

    assert plan_of_store(config, Manifest.load(disc_images)) is None


def test_a_movable_store_is_not_limited(tmp_path):
    config = TrainConfig(Path("m.json"), Path("none"), store=tmp_path, store_limit="1GiB")
    refuse_limit(config)
    (tmp_path / "movable.json").touch()

    with pytest.raises(InputError, match="--store_limit: .* was made to be trained from without"):
        refuse_limit(config)
