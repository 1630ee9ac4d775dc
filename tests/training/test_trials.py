"""The process that tries steps, and what reaches it from outside."""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from inspire_med.cases.manifest import Manifest
from inspire_med.cases.planning.means import Means, Shares
from inspire_med.cases.planning.plan import Plan
from inspire_med.config import TrainConfig
from inspire_med.training.stopping import SignalledError, ended_by_signals
from inspire_med.training.trials import Trials

PLAN = Plan(
    spacing_mm=None,
    image_size=(64, 64),
    intensity="rgb",
    patch_size=None,
    batch_size=2,
    strides=((2, 2),),
    kernel_sizes=((3, 3), (3, 3)),
    widths=(4, 8),
    stem_stride=1,
    norm="batch",
    deep_supervision=1,
)


def test_ctrl_c_ends_the_step_that_is_tried_by_its_parent_alone(disc_images):
    known, children = multiprocessing.active_children(), []

    def press_ctrl_c() -> None:  # which a terminal sends to both
        while not children:
            time.sleep(0.01)
            children.extend(c for c in multiprocessing.active_children() if c not in known)
        os.kill(children[0].pid, signal.SIGINT)
        children[0].join(1)
        if children[0].exitcode is None:
            os.kill(os.getpid(), signal.SIGINT)

    config = TrainConfig(task="polyp", manifest=disc_images, run=Path("none"))
    means = Means("small", False, 4.0, 3.0, 2, Shares(), "memory")
    finger = threading.Thread(target=press_ctrl_c)
    with (
        pytest.raises(SignalledError),
        ended_by_signals(),
        Trials(config, Manifest.load(disc_images), means) as trials,
    ):
        finger.start()
        trials.try_step(PLAN)
    finger.join()

    assert [child.exitcode for child in children] == [-signal.SIGKILL]
