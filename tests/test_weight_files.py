import os

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from inspire_med.errors import InputError
from inspire_med.weight_files import further_layers, read_tensors

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.ones(2)}


def assert_same(found):
    assert set(found) == set(TENSORS)
    assert all(torch.equal(found[name], value) for name, value in TENSORS.items())


def test_reads_safetensors(tmp_path):
    save_file(TENSORS, tmp_path / "w.safetensors")

    assert_same(read_tensors(tmp_path / "w.safetensors"))


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("key", [None, "state_dict", "model"])
@pytest.mark.parametrize("wrapper", ["", "module."])
def test_reads_what_torch_saved(tmp_path, key, zipped, wrapper):
    named = {f"{wrapper}{name}": value for name, value in TENSORS.items()}
    content = named if key is None else {key: named, "epoch": 3}
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)

    assert_same(read_tensors(tmp_path / "w.pth"))


class Loud:
    """An object that leaves a mark when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (self.mark,)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_refuses_a_file_that_would_run_code_and_does_not_run_it(tmp_path, zipped):
    content = {**TENSORS, "x": Loud(tmp_path / "ran")}
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)

    with pytest.raises(InputError, match=r"w\.pth: refused, because .* would call posix\.mkdir"):
        read_tensors(tmp_path / "w.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [[torch.ones(1)], {"a": 1}, {1: torch.ones(1)}, torch.ones(2)])
def test_refuses_what_is_no_dictionary_of_tensors(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")

    with pytest.raises(InputError, match="does not hold tensors by name; give a state dict"):
        read_tensors(tmp_path / "w.pth")


DAMAGED = "but damaged or of another kind; fetch it again."
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
NO_CHECKPOINTS = {
    "empty": (b"", DAMAGED),
    "text": (b"nothing at all", DAMAGED),
    "cut zip": (b"PK\x03\x04 cut off", DAMAGED),
    "random": (np.random.default_rng(0).bytes(2000), DAMAGED),
    "cut pickle": (b"\x80\x02}q\x00(X\x08", DAMAGED),
    "pointer": (POINTER, "but Git LFS's pointer to one; get the file itself by `git lfs pull`."),
    "page": (b"\n<!DOCTYPE html><html>", "but a web page; fetch the file that it offers."),
    "bare page": (b"<html><body>404", "but a web page; fetch the file that it offers."),
}


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("kind", NO_CHECKPOINTS)
def test_says_what_a_file_is_that_is_no_checkpoint(tmp_path, kind, suffix):
    content, words = NO_CHECKPOINTS[kind]
    file = tmp_path / f"w.{suffix}"
    file.write_bytes(content)

    with pytest.raises(InputError) as got:
        read_tensors(file)

    assert str(got.value) == f"{file}: not a readable checkpoint, {words}"


def test_refuses_half_a_file(tmp_path):
    torch.save(TENSORS, tmp_path / "w.pth")
    whole = (tmp_path / "w.pth").read_bytes()
    (tmp_path / "w.pth").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(InputError, match="not a readable checkpoint, but damaged"):
        read_tensors(tmp_path / "w.pth")


def test_layers_further_are_those_in_rows_of_blocks_that_a_network_has_some_of():
    own = ["stem.weight", "row.0.conv.weight", "row.1.conv.weight", "a.row.0.0.weight"]
    more = ["row.1.gate.weight", "row.2.conv.weight", "a.row.1.0.weight"]
    else_ = ["stem.bias", "fc.0.weight", "rows.0.weight", "row.weight"]

    assert further_layers([*own, *more, *else_], own) == more


def test_names_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.pth: no such file; check the path"):
        read_tensors(tmp_path / "none.pth")
