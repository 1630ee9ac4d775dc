import errno
import multiprocessing
import os
import signal
import threading
import time

import pytest
import torch
from torch.utils.data import get_worker_info

from inspire_med.cases.manifest import Manifest
from inspire_med.cases.patches import Sampling, TrainingSamples
from inspire_med.cases.store import Store
from inspire_med.errors import InputError
from inspire_med.tasks.task import Preparation
from inspire_med.training.loader import BatchLoader
from inspire_med.workers import refusal


@pytest.fixture
def samples(disc_images, tmp_path):
    manifest = Manifest.load(disc_images)
    preparation = Preparation(image_size=(16, 16), intensity="rgb")
    store = Store(tmp_path / "store", preparation, manifest.channels, manifest.regions)
    return TrainingSamples(store, manifest.cases, sampling=Sampling(None), seed=0, length=10**9)


@pytest.fixture
def make_loader(samples):
    """Loaders that are closed in the end."""
    loaders = []

    def make(**options) -> BatchLoader:
        loaders.append(BatchLoader(samples, **options))
        return loaders[-1]

    yield make
    for loader in loaders:
        loader.close()


def numbers(loader: BatchLoader, steps: int) -> list[list[int]]:
    return [loader.next()["k"].tolist() for _ in range(steps)]


def test_a_step_sees_consecutive_samples(make_loader):
    loader = make_loader(batch_size=3, first_step=2, workers=0)
    assert numbers(loader, 2) == [[6, 7, 8], [9, 10, 11]]


@pytest.mark.parametrize("world", [2, 3])
def test_ranks_share_a_step(make_loader, world):
    steps = [
        numbers(make_loader(batch_size=5, first_step=1, workers=0, rank=r, world=world), 2)
        for r in range(world)
    ]
    for step, expected in enumerate(([5, 6, 7, 8, 9], [10, 11, 12, 13, 14])):
        assert sorted(k for rank in steps for k in rank[step]) == expected


def test_a_broken_file_is_one_sentence_from_a_worker_too(samples, make_loader):
    honest = samples.store.arrays

    def broken(case):
        if case.id == samples.case(1).id:
            raise InputError(f"{case.id}: half a file; fetch it again.")
        return honest(case)

    samples.store.arrays = broken
    for workers in (0, 1):
        loader = make_loader(batch_size=2, first_step=0, workers=workers)
        with pytest.raises(InputError) as caught:
            loader.next()
        assert str(caught.value) == f"{samples.case(1).id}: half a file; fetch it again."
        assert multiprocessing.active_children() == []


def test_another_error_in_a_worker_names_the_case(samples, make_loader):
    def broken(case):
        raise ZeroDivisionError("odd")

    samples.store.arrays = broken
    with pytest.raises(RuntimeError, match=f"case {samples.case(0).id}, sample 0: odd"):
        make_loader(batch_size=1, first_step=0, workers=1).next()


def test_a_killed_worker_names_its_case(samples, make_loader):
    def slow(case):
        time.sleep(30)

    samples.store.arrays = slow
    loader = make_loader(batch_size=1, first_step=0, workers=1)

    def kill_when_at_work():
        while not loader._board[0, 0]:
            time.sleep(0.05)
        time.sleep(0.2)
        os.kill(int(loader._board[0, 0]), signal.SIGKILL)

    threading.Thread(target=kill_when_at_work).start()
    with pytest.raises(RuntimeError) as caught:
        loader.next()

    assert multiprocessing.active_children() == []
    explained = loader.explain(caught.value)
    assert str(explained).startswith(f"{samples.case(0).id}: the process that prepared this case")
    assert "lower --data.workers or --data.patch_size" in str(explained)
    assert loader.explain(RuntimeError("something else")) is None


def test_shared_memory_that_is_too_small_is_called_so(make_loader):
    error = RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error. It is possible")

    explained = str(make_loader(batch_size=1, first_step=0, workers=1).explain(error))

    assert "as happens when shared memory is too small; enlarge it" in explained
    assert "pass --data.workers 0" in explained


def test_a_worker_that_is_refused_takes_those_before_it_along(make_loader, monkeypatch):
    honest, calls = os.fork, []

    def refused_at_the_second():
        calls.append(1)
        if len(calls) == 2:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return honest()

    monkeypatch.setattr(os, "fork", refused_at_the_second)
    with pytest.raises(BlockingIOError):
        make_loader(batch_size=1, first_step=0, workers=3)

    assert multiprocessing.active_children() == []


def test_a_lack_of_shared_memory_reaches_who_waits_for_the_batch(make_loader, monkeypatch):
    honest = torch.Tensor.share_memory_

    def full(self):
        if get_worker_info() is None:
            return honest(self)
        raise RuntimeError("unable to allocate shared memory(shm) for file </torch_1>: No space")

    monkeypatch.setattr(torch.Tensor, "share_memory_", full)
    with pytest.raises(RuntimeError) as caught:
        make_loader(batch_size=1, first_step=0, workers=1).next()

    assert "shared memory is full" in (refusal(caught.value) or "")
    assert multiprocessing.active_children() == []


def test_a_worker_without_a_thread_ends_without_a_word(make_loader, monkeypatch, capfd):
    honest, parent = threading.Thread.start, os.getpid()

    def refused(self):
        if os.getpid() != parent:
            raise RuntimeError("can't start new thread")
        honest(self)

    monkeypatch.setattr(threading.Thread, "start", refused)
    loader = make_loader(batch_size=1, first_step=0, workers=1)
    with pytest.raises(RuntimeError) as caught:
        loader.next()

    assert "the system refuses another process; lower --data.workers" in str(
        loader.explain(caught.value)
    )
    assert capfd.readouterr().err == ""


def test_a_worker_lives_through_the_signals_of_the_job(make_loader):
    loader = make_loader(batch_size=1, first_step=0, workers=1)
    loader.next()
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
        os.kill(int(loader._board[0, 0]), number)

    assert torch.isfinite(loader.next()["image"]).all()
