from pathlib import Path

from inspire_med.config import TrainConfig
from inspire_med.training.experiment import Experiment
from inspire_med.training.state import Progress


def test_what_is_left_counts_extended_steps_and_validations_to_come():
    parts = dict.fromkeys(
        ["fabric", "store", "samples", "validation_cases", "criterion", "optimizer", "trained"]
    )
    config = TrainConfig("isles", Path("m.json"), Path("run"), max_steps=1000, validations=5)
    progress = Progress(
        step=400, elapsed_s=260.0, validations=2, validation_s=15.0, extra_steps=100
    )

    experiment = Experiment(config=config, progress=progress, **parts)

    assert experiment.left_s(0.5) == 700 * 0.5 + 3 * 15
