import math
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from inspire_med.cases.fingerprint import Fingerprint
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.planning.means import Line, Means, Need, voxels_of
from inspire_med.cases.planning.rules import draft
from inspire_med.config import DataConfig, NetworkConfig, TrainConfig
from inspire_med.errors import InputError
from inspire_med.training import means as means_module
from inspire_med.training import trials as trials_module
from inspire_med.training.means import find_means
from inspire_med.training.planning import by_trials
from inspire_med.training.step import Trial
from inspire_med.training.trials import Trials

BRAIN = Fingerprint(100, 4, 3, ((1.0, 1.0, 1.0),), ((138, 170, 138),), 0.5, {}, 0.0, {})
CORES = Means("small", False, 4.0, 3.0, 2, 1, "memory")


def planned(need, means=CORES, given=None):
    """The plan, and the plans whose steps were tried."""
    tried = []

    def try_step(plan):
        tried.append(plan)
        return need(plan)

    return by_trials(draft(BRAIN, "mri", means, given), BRAIN, means, given or {}, try_step), tried


def straight(gib, seconds):
    """What a step needs, if it is as much for every voxel."""
    return lambda plan: Need(0.6 + gib * voxels_of(plan, 1), seconds * voxels_of(plan, 1))


def test_two_small_steps_and_the_planned_one_are_tried():
    plan, tried = planned(straight(1e-6, 1e-7))

    assert [voxels_of(each, 1) for each in tried[:2]] == [
        pytest.approx(2 * 32**3, rel=0.2),
        pytest.approx(2 * 56**3, rel=0.2),
    ]
    assert tried[2:] == [plan]
    assert 2.5 < 0.6 + 1e-6 * voxels_of(plan, 1) <= 4.0
    assert "GiB and 0." in plan.reasons["batch_size"]
    assert plan.reasons["batch_size"].endswith("on 2 cores, measured")


def test_a_step_that_takes_more_than_the_line_said_makes_the_patch_smaller():
    def bent(plan):
        voxels = voxels_of(plan, 1)
        return Need(0.6 + 1e-6 * voxels + max(0, voxels - 2 * 60**3) * 1e-6, 0.1)

    plan, tried = planned(bent)

    assert bent(plan).memory_gib <= 4.0
    assert len(tried) > 3
    assert not bent(tried[2]).fits(CORES)


def test_a_step_that_finds_no_room_makes_the_patch_smaller():
    def ends(plan):
        large = voxels_of(plan, 1) > 2 * 80**3
        return None if large else Need(0.6 + 1e-7 * voxels_of(plan, 1), 0.1)

    plan, _ = planned(ends)

    assert voxels_of(plan, 1) <= 2 * 80**3


def test_too_slow_at_the_smallest_is_said_and_taken():
    plan, tried = planned(straight(1e-7, 1.0))

    assert plan.patch_size == (48, 48, 48)
    assert "no smaller makes sense" in plan.reasons["patch_size"]
    assert tried.count(plan) == 1


def test_without_any_room_there_is_no_plan():
    with pytest.raises(InputError, match="--plan: 2 samples of 48 x 48 x 48 voxels"):
        planned(lambda plan: None)


def test_a_patch_that_is_asked_for_is_tried_and_kept():
    plan, tried = planned(straight(1e-7, 1.0), given={"patch_size": (64, 64, 64), "batch_size": 2})

    assert (plan.patch_size, tried[-1]) == ((64, 64, 64), plan)


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a GPU")
def test_a_large_gpu_that_is_not_here_is_planned_for_by_two_small_steps():
    far = Means("large", True, 24.0, None, 2, 1, "a large GPU")

    plan, tried = planned(straight(1e-6, 1.0), far)

    assert len(tried) == 2
    assert "GiB, by two small steps on this machine, which has" in plan.reasons["batch_size"]
    assert math.prod(plan.patch_size) > 128**3


def test_half_the_memory_never_gives_a_larger_patch():
    whole, _ = planned(straight(2e-6, 0.0))
    half, _ = planned(straight(2e-6, 0.0), Means("small", False, 2.0, 3.0, 2, 1, "memory"))

    assert math.prod(half.patch_size) < math.prod(whole.patch_size)
    assert half.batch_size <= whole.batch_size


def test_small_volumes_are_tried_by_more_of_them():
    tiny = replace(BRAIN, shapes=((24, 20, 10),))
    tried = []

    def try_step(plan):
        tried.append(plan)
        return straight(1e-6, 1e-7)(plan)

    by_trials(draft(tiny, "mri", CORES), tiny, CORES, {}, try_step)

    assert [plan.patch_size for plan in tried] == [(24, 20, 10)] * 3
    assert [plan.batch_size for plan in tried[:2]] == [2, 16]


def test_a_process_has_its_share_of_a_batch():
    plan = draft(BRAIN, "mri", CORES, {"patch_size": (16, 16, 16), "batch_size": 5})

    assert voxels_of(plan, 2) == 3 * 16**3


def test_the_line_goes_through_both_steps_and_never_falls():
    small, large = (draft(BRAIN, "mri", CORES, {"patch_size": (edge,) * 3}) for edge in (16, 32))

    line = Line.through((small, Need(1.0, 2.0)), (large, Need(2.0, 1.0)), 1)

    assert line(small).memory_gib == pytest.approx(1.0)
    assert line(large).memory_gib == pytest.approx(2.0)
    assert line(small).step_s == line(large).step_s == 1.0


def test_small_is_two_cores_and_four_gib_however_large_the_machine(monkeypatch):
    monkeypatch.setattr(means_module, "available_gib", lambda: 64.0)
    monkeypatch.setattr(means_module, "usable_cores", lambda: 32)
    monkeypatch.setattr(means_module, "_gpu_gib", lambda: None)

    assert find_means("small") == Means("small", False, 4.0, 3.0, 2, 1, "memory")
    assert find_means("auto") == Means("auto", False, 32.0, 3.0, 32, 1, "memory")
    assert find_means("auto", 2).memory_gib == 16.0
    assert find_means("large") == Means("large", True, 24.0, None, 32, 1, "a large GPU")


def test_a_gpu_is_counted_on_but_for_its_rest(monkeypatch):
    monkeypatch.setattr(means_module, "_gpu_gib", lambda: 10.0)

    assert find_means("auto").memory_gib == find_means("large").memory_gib == 8.5
    assert not find_means("small").gpu
    monkeypatch.setattr(means_module, "_gpu_gib", lambda: 140.0)
    assert find_means("auto").memory_gib == 40.0


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a GPU")
def test_a_smaller_step_after_a_larger_one_has_a_new_process(monkeypatch, ball_volumes):
    """Memory that a process has taken it never gives back."""
    pools, precisions = [], []

    class Pool:
        def __init__(self, workers, mp_context):
            pools.append(self)

        def submit(self, function, config, manifest, gpu):
            precisions.append(config.precision)
            return SimpleNamespace(result=lambda: Trial(1.0, 4.0, len(pools), 0.0))

        def shutdown(self, cancel_futures):
            pass

    monkeypatch.setattr(trials_module, "ProcessPoolExecutor", Pool)
    config = TrainConfig(manifest=ball_volumes, run=Path("none"))
    small, large = (draft(BRAIN, "mri", CORES, {"patch_size": (edge,) * 3}) for edge in (24, 32))

    with Trials(config, Manifest.load(ball_volumes), CORES) as trials:
        found = [trials.try_step(plan) for plan in (small, large, large, small)]

    assert [need.memory_gib for need in found] == [1, 1, 1, 2]
    assert found[0].step_s == 2.0  # four seconds of a core, shared by two
    with Trials(config, Manifest.load(ball_volumes), replace(CORES, gpu=True)) as trials:
        trials.try_step(small)
    assert precisions == ["auto"] * 4 + ["bf16-mixed"]


def test_a_process_that_is_killed_found_no_room(monkeypatch, ball_volumes):
    def killed():
        raise BrokenProcessPool

    submit = SimpleNamespace(
        submit=lambda *_: SimpleNamespace(result=killed), shutdown=lambda cancel_futures: None
    )
    monkeypatch.setattr(trials_module, "ProcessPoolExecutor", lambda *_, **__: submit)
    config = TrainConfig(manifest=ball_volumes, run=Path("none"))

    with Trials(config, Manifest.load(ball_volumes), CORES) as trials:
        assert trials.try_step(draft(BRAIN, "mri", CORES)) is None


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="measures the memory of a CPU")
def test_a_larger_step_takes_more_memory_and_time(ball_volumes):
    config = TrainConfig(
        manifest=ball_volumes,
        run=Path("none"),
        precision="32-true",
        data=DataConfig(),
        network=NetworkConfig(skip="concat"),
    )
    small, large = (
        draft(BRAIN, "mri", CORES, {"patch_size": (edge,) * 3, "widths": (8, 16)})
        for edge in (24, 72)
    )

    with Trials(config, Manifest.load(ball_volumes), CORES) as trials:
        first, second = map(trials.try_step, (small, large))

    # Maps of 8 channels of 2 x 72^3 voxels of 4 bytes are 24 MB; a step keeps more than four.
    assert second.memory_gib - first.memory_gib > 0.1
    assert second.step_s > first.step_s
