import math
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from inspire_med.cases.fingerprint import Fingerprint
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.planning.means import Line, Means, Need, Shares, voxels_at_once, voxels_of
from inspire_med.cases.planning.rules import draft
from inspire_med.config import DataConfig, NetworkConfig, TrainConfig
from inspire_med.errors import InputError
from inspire_med.training import means as means_module
from inspire_med.training import trials as trials_module
from inspire_med.training.means import find_means
from inspire_med.training.planning import by_trials
from inspire_med.training.step import Trial
from inspire_med.training.trials import Trials

BRAIN = Fingerprint(100, ((1.0, 1.0, 1.0),), ((138, 170, 138),), 0.5, {}, 0.0, {})
ALONE = Shares()
CORES = Means("small", False, 4.0, 3.0, 2, ALONE, "memory")


def planned(need, means=CORES, given=None):
    """The plan, and the plans whose steps were tried."""
    tried = []

    def try_step(plan):
        tried.append(plan)
        return need(plan)

    return by_trials(draft(BRAIN, "mri", means, given), BRAIN, means, given or {}, try_step), tried


def straight(gib, seconds):
    """What a step needs, if it is as much for every voxel."""
    return lambda plan: Need(0.6 + gib * voxels_of(plan, ALONE), seconds * voxels_of(plan, ALONE))


def test_two_small_steps_and_the_planned_one_are_tried():
    plan, tried = planned(straight(1e-6, 1e-7))

    assert [voxels_of(each, ALONE) for each in tried[:2]] == [
        pytest.approx(2 * 32**3, rel=0.2),
        pytest.approx(2 * 56**3, rel=0.2),
    ]
    assert tried[2:] == [plan]
    assert 2.5 < 0.6 + 1e-6 * voxels_of(plan, ALONE) <= 4.0
    assert "GiB and 0." in plan.reasons["batch_size"]
    assert plan.reasons["batch_size"].endswith("on 2 cores, measured")


def test_a_step_that_takes_more_than_the_line_said_makes_the_patch_smaller():
    def bent(plan):
        voxels = voxels_of(plan, ALONE)
        return Need(0.6 + 1e-6 * voxels + max(0, voxels - 2 * 60**3) * 1e-6, 0.1)

    plan, tried = planned(bent)

    assert bent(plan).memory_gib <= 4.0
    assert len(tried) > 3
    assert not bent(tried[2]).fits(CORES)


def test_a_step_that_finds_no_room_makes_the_patch_smaller():
    def ends(plan):
        large = voxels_of(plan, ALONE) > 2 * 80**3
        return None if large else Need(0.6 + 1e-7 * voxels_of(plan, ALONE), 0.1)

    plan, _ = planned(ends)

    assert voxels_of(plan, ALONE) <= 2 * 80**3


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
    far = Means("large", True, 24.0, None, 2, ALONE, "a large GPU")

    plan, tried = planned(straight(1e-6, 1.0), far)

    assert len(tried) == 2
    assert "GiB, by two small steps on this machine, which has" in plan.reasons["batch_size"]
    assert math.prod(plan.patch_size) > 128**3


def test_half_the_memory_never_gives_a_larger_patch():
    whole, _ = planned(straight(2e-6, 0.0))
    half, _ = planned(straight(2e-6, 0.0), Means("small", False, 2.0, 3.0, 2, ALONE, "memory"))

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

    assert voxels_of(plan, Shares(2)) == 3 * 16**3
    assert voxels_at_once(plan, Shares(2, parts=3)) == 16**3


def test_the_line_goes_through_both_steps_and_never_falls():
    small, large = (draft(BRAIN, "mri", CORES, {"patch_size": (edge,) * 3}) for edge in (16, 32))

    line = Line.through((small, Need(1.0, 2.0)), (large, Need(2.0, 1.0)), ALONE)

    assert line(small).memory_gib == pytest.approx(1.0)
    assert line(large).memory_gib == pytest.approx(2.0)
    assert line(small).step_s == line(large).step_s == 1.0


def test_small_is_two_cores_and_four_gib_however_large_the_machine(monkeypatch):
    monkeypatch.setattr(means_module, "available_gib", lambda: 64.0)
    monkeypatch.setattr(means_module, "usable_cores", lambda: 32)
    monkeypatch.setattr(means_module, "_gpu_gib", lambda _: None)

    assert find_means("small") == Means("small", False, 4.0, 3.0, 2, ALONE, "memory")
    assert find_means("auto") == Means("auto", False, 32.0, 3.0, 32, ALONE, "memory")
    assert find_means("auto", Shares(4, here=2)).memory_gib == 16.0  # two of them elsewhere
    assert find_means("small", Shares(2, here=2)).memory_gib == 2.0
    assert find_means("large") == Means("large", True, 24.0, None, 32, ALONE, "a large GPU")


def test_a_gpu_is_counted_on_but_for_its_rest(monkeypatch):
    monkeypatch.setattr(means_module, "_gpu_gib", lambda _: 10.0)

    assert find_means("auto").memory_gib == find_means("large").memory_gib == 8.5
    assert not find_means("small").gpu
    monkeypatch.setattr(means_module, "_gpu_gib", lambda _: 140.0)
    assert find_means("auto").memory_gib == 40.0


def test_the_smallest_gpu_that_is_used_counts(monkeypatch):
    gib = [80, 24, 8]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(
        torch.cuda,
        "get_device_properties",
        lambda number: SimpleNamespace(total_memory=gib[number] * 2**30),
    )

    assert find_means("auto").memory_gib == 40.0
    assert find_means("auto", Shares(4, here=2)).memory_gib == 0.85 * 24


def test_on_a_gpu_memory_alone_counts_and_is_measured(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    here = Means("auto", True, 20.0, None, 2, ALONE, "the GPU")

    def need(plan):  # more than a line through small steps says
        voxels = voxels_of(plan, ALONE)
        gib = 1.0 + 3e-6 * voxels + 1e-6 * max(0, voxels - 2 * 96**3)
        return Need(gib, 60.0) if gib < 24 else None

    plan, tried = planned(need, here)

    assert need(tried[2]) is None
    assert need(plan).memory_gib <= 20.0
    assert tried[-1] == plan
    assert plan.reasons["batch_size"].endswith("of 20.0 GiB and 60 s, measured")


def test_memory_is_that_of_a_part_and_time_that_of_all():
    parts = Shares(processes=2, here=2, parts=3)
    means = Means("small", False, 4.0, 3.0, 2, parts, "memory")

    def need(plan):
        assert plan.batch_size % 6 == 0
        held, share = voxels_at_once(plan, parts), voxels_of(plan, parts)
        assert share == 3 * held
        return Need(0.6 + 3e-6 * held, 1e-6 * share)

    plan, _ = planned(need, means)

    assert need(plan).fits(means)
    assert plan.batch_size == 6  # of one sample at a time
    assert plan.norm == "instance"
    # 1e-6 s x 3 samples of 100^3 are 3 s, for which 0.6 + 3 GiB are room enough.
    assert 0.7 * 100**3 < math.prod(plan.patch_size) <= 100**3
    assert "a step in 3 parts takes" in plan.reasons["batch_size"]


@pytest.mark.parametrize("shares", [Shares(2, here=2), Shares(2, here=1)])
def test_a_trial_takes_a_process_share_and_the_cores_that_it_has(monkeypatch, ball_volumes, shares):
    sizes = []

    def submit(function, config, manifest, gpu):
        sizes.append((config.data.batch_size, config.data.accumulate))
        return SimpleNamespace(result=lambda: Trial(1.0, 4.0, 1.0, 0.0))

    pool = SimpleNamespace(submit=submit, shutdown=lambda cancel_futures: None)
    monkeypatch.setattr(trials_module, "ProcessPoolExecutor", lambda *_, **__: pool)
    config = TrainConfig(ball_volumes, Path("none"), data=DataConfig(accumulate=2))
    means = replace(CORES, shares=replace(shares, parts=2))

    with Trials(config, Manifest.load(ball_volumes), means) as trials:
        need = trials.try_step(draft(BRAIN, "mri", means, {"batch_size": 8}))

    assert sizes == [(4, 2)]
    assert need.step_s == 4.0 * shares.here / 2  # core seconds of those here, on two cores


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
