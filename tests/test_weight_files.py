from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from inspire_med.errors import InputError
from inspire_med.weight_files import read_tensors

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.ones(2)}


def assert_same(found):
    assert set(found) == set(TENSORS)
    assert all(torch.equal(found[name], value) for name, value in TENSORS.items())


def test_reads_safetensors(tmp_path):
    save_file(TENSORS, tmp_path / "w.safetensors")

    assert_same(read_tensors(tmp_path / "w.safetensors"))


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("key", [None, "state_dict", "model"])
def test_reads_what_torch_saved(tmp_path, key, zipped):
    content = TENSORS if key is None else {key: TENSORS, "epoch": 3}
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)

    assert_same(read_tensors(tmp_path / "w.pth"))


class Loud:
    """An object that leaves a mark when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_refuses_a_file_that_would_run_code_and_does_not_run_it(tmp_path, zipped):
    content = {**TENSORS, "x": Loud(tmp_path / "ran")}
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)

    with pytest.raises(InputError, match=r"w\.pth: holds more than plain tensors, which could run"):
        read_tensors(tmp_path / "w.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [[torch.ones(1)], {"a": 1}, {1: torch.ones(1)}, torch.ones(2)])
def test_refuses_what_is_no_dictionary_of_tensors(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")

    with pytest.raises(InputError, match="does not hold tensors by name; give a state dict"):
        read_tensors(tmp_path / "w.pth")


@pytest.mark.parametrize("damage", [b"", b"nothing at all", b"PK\x03\x04 cut off"])
def test_refuses_a_damaged_file(tmp_path, damage):
    (tmp_path / "w.pth").write_bytes(damage)

    with pytest.raises(InputError, match=r"w\.pth: (not a readable file|holds more than plain)"):
        read_tensors(tmp_path / "w.pth")


def test_refuses_half_a_file(tmp_path):
    torch.save(TENSORS, tmp_path / "w.pth")
    whole = (tmp_path / "w.pth").read_bytes()
    (tmp_path / "w.pth").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(InputError, match="not a readable file of weights"):
        read_tensors(tmp_path / "w.pth")


def test_names_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.pth: no such file; check the path"):
        read_tensors(tmp_path / "none.pth")
