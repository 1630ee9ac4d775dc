import errno

import numpy as np
import pytest
import torch

from inspire_med.errors import InputError
from inspire_med.inference import memory as memory_module
from inspire_med.inference.memory import MemoryPlan, Room, bytes_in_work, find_room
from inspire_med.inference.windows import Windows

GIB = 2**30
BOX = (141, 175, 137)


@pytest.mark.parametrize("answers", [1, 2])
def test_an_answer_that_memory_does_not_hold_gathers_in_a_file(answers):
    windows, shape = Windows.over(BOX, (96, 96, 96), 0.5), (3, *BOX)
    size = answers * 2 * 3 * 141 * 175 * 137

    enough = MemoryPlan.within(Room(0, size), windows, shape, answers)
    little = MemoryPlan.within(Room(0, size - 1), windows, shape, answers)

    assert str(enough) == "12 windows of 96 x 96 x 96, gathered in memory"
    assert str(little) == "12 windows of 96 x 96 x 96, gathered in a temporary file"


def test_windows_take_what_the_network_needs_and_the_planes_in_work():
    # 4 numbers of 4 bytes for each of 3 regions in 10 planes of 40 x 50
    planes = 10 * 40 * 50 * 3 * 4 * 4

    assert bytes_in_work((10, 20, 20), (3, 30, 40, 50), 0) == planes
    assert bytes_in_work((10, 20, 20), (3, 30, 40, 50), 1000) > planes + 1000


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


@pytest.fixture
def usual(tmp_path, monkeypatch):
    """The folder of temporary files."""
    monkeypatch.setattr(memory_module.tempfile, "tempdir", str(tmp_path))
    return tmp_path


def on_disk(shape):
    return MemoryPlan(Windows((4,), ((0,),)), shape, on_disk=True).gather()


def test_a_disk_without_room_for_the_answer_is_named_before_the_network_works(usual, monkeypatch):
    def full(descriptor, offset, size):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(memory_module.os, "posix_fallocate", full)

    with pytest.raises(InputError) as caught:
        on_disk((2, 2**29))

    assert str(caught.value) == (
        f"{usual}: no temporary file of 2.00 GiB (No space left on device); make room, set TMPDIR "
        "to another folder, or give more --memory."
    )
    assert list(usual.iterdir()) == []


def test_the_file_has_all_of_its_room_from_the_start(usual, monkeypatch):
    """A hole that the disk cannot fill ends a process that writes into it."""
    sizes = []
    monkeypatch.setattr(
        memory_module.np, "memmap", lambda file, *_, **__: sizes.append(taken(file))
    )

    on_disk((2, 2**20))

    assert sizes[0] >= 2 * 2 * 2**20


def taken(file):
    return 512 * memory_module.os.fstat(file.fileno()).st_blocks


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_folder_that_is_memory_itself_is_not_taken(tmp_path, usual, monkeypatch, in_memory):
    (tmp_path / "disk").mkdir()
    places = []
    monkeypatch.setattr(memory_module, "_ON_DISK", tmp_path / "disk")
    monkeypatch.setattr(memory_module, "is_in_memory", lambda folder: in_memory)
    real = memory_module.tempfile.TemporaryFile

    def opened(**where):
        places.append(where["dir"])
        return real(**where)

    monkeypatch.setattr(memory_module.tempfile, "TemporaryFile", opened)

    on_disk((1, 4))

    assert places == [tmp_path / "disk" if in_memory else tmp_path]
