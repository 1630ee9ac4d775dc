import numpy as np
import pytest
import torch

from inspire_med.inference import memory as memory_module
from inspire_med.inference.memory import MemoryPlan, Room, find_room, plan_memory
from inspire_med.inference.windows import Windows

GIB = 2**30
BOX = (141, 175, 137)


def plan(room, *, shape=BOX, regions=3, answers=1, largest=True, per_voxel=430):
    return plan_memory(
        shape,
        (96, 96, 96),
        overlap=0.5,
        largest=largest,
        regions=regions,
        answers=answers,
        needs=lambda size: per_voxel * np.prod(size),
        room=room,
    )


def test_with_room_enough_the_case_is_seen_at_once():
    found = plan(Room(8 * GIB, 8 * GIB))

    assert str(found) == "141 x 175 x 137 at once, gathered in memory"
    assert found.shape == (3, *BOX)


def test_with_less_room_it_is_seen_in_windows():
    found = plan(Room(GIB, 8 * GIB))

    assert 1 < len(found.windows) < 12
    assert 1.3 * 430 * np.prod(found.windows.size) <= GIB


def test_windows_of_the_training_need_not_be_asked_for_memory():
    found = plan(Room(8 * GIB, 8 * GIB), largest=False)

    assert found.windows == Windows.over(BOX, (96, 96, 96), 0.5)
    assert str(found) == "12 windows of 96 x 96 x 96, gathered in memory"


def test_an_answer_that_memory_does_not_hold_gathers_in_a_file():
    answer = 2 * 3 * np.prod(BOX)

    assert not plan(Room(GIB, answer)).on_disk
    assert plan(Room(GIB, answer - 1)).on_disk
    assert not plan(Room(GIB, 2 * answer), answers=2).on_disk
    assert plan(Room(GIB, 2 * answer - 1), answers=2).on_disk
    assert str(plan(Room(GIB, 0))).endswith(", gathered in a temporary file")


@pytest.mark.parametrize("on_disk", [False, True])
def test_the_answer_is_an_array_of_zeros_wherever_it_gathers(on_disk, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(memory_module.tempfile, "tempdir", None)
    answer = MemoryPlan(Windows((4,), ((0,),)), (2, 4), on_disk=on_disk).gather()

    answer[1] = [1, 2, 65535, 4]

    assert answer.tolist() == [[0, 0, 0, 0], [1, 2, 65535, 4]]
    assert isinstance(answer, np.memmap) == on_disk
    assert list(tmp_path.iterdir()) == []  # the file has no name that could be left behind


def test_a_limit_is_kept(monkeypatch):
    room = find_room(torch.device("cpu"), 6 * GIB)
    assert room.device + room.host <= 6 * GIB

    monkeypatch.setattr(memory_module, "available_gib", lambda: 10.0)
    room = find_room(torch.device("cpu"), None)
    assert 0 < room.device + room.host < 10 * GIB


def test_a_gpu_has_room_of_its_own(monkeypatch):
    monkeypatch.setattr(memory_module, "available_gib", lambda: 10.0)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (8 * GIB, 16 * GIB))

    free = find_room(torch.device("cuda"), None)
    limited = find_room(torch.device("cuda"), 2 * GIB)

    assert 6 * GIB < free.device < 8 * GIB
    assert free.host == 6 * GIB
    assert (limited.device, limited.host) == (2 * GIB, 2 * GIB)
