import hashlib
import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from inspire_med.errors import InputError
from inspire_med.inference.model import (
    ModelCard,
    load_weights,
    read_card,
    read_model,
    save_tensors,
    sha256,
    weights_of,
    write_model,
)
from inspire_med.networks import build_network
from inspire_med.tasks.brats import BRATS

NETWORK = {
    "spatial_dims": 3,
    "in_channels": 4,
    "out_channels": 3,
    "widths": [4, 8],
    "skip": "inspire",
    "steps": 2,
}
CARD = ModelCard(
    task=BRATS,
    channels=("flair", "t1", "t1ce", "t2"),
    regions={"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)},
    network=NETWORK,
    preparation=replace(BRATS.preparation, spacing_mm=(1.0, 1.0, 2.0)),
    patch_size=(16, 16, 8),
    precision="bf16-mixed",
    manifest_hash="a1b2",
)


@pytest.fixture
def written(tmp_path):
    """A model folder and its network."""
    network = build_network(NETWORK)
    write_model(tmp_path, CARD, network)
    return tmp_path, network


def change(folder, **fields):
    content = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(content | fields))


def test_what_is_written_reads_back_as_card_and_network_that_predicts(written):
    folder, network = written
    image = torch.randn(1, 4, 16, 16, 8)

    card, read = read_model(folder)

    assert card == CARD
    assert not read.training
    assert torch.equal(read(image), network.eval()(image))


def test_an_older_card_leaves_volumes_as_they_are_stored(written):
    folder, _ = written
    content = json.loads((folder / "model.json").read_text())
    del content["preparation"], content["manifest_hash"]
    older = {"spacing_mm": [2.0, 2.0, 2.0]}
    (folder / "model.json").write_text(json.dumps(content | {"preprocess": older}))

    found = read_card(folder)

    assert found.manifest_hash == ""
    assert found.preparation == replace(
        BRATS.preparation, spacing_mm=(2.0, 2.0, 2.0), orientation=None
    )


@pytest.mark.parametrize(
    "wrong",
    [{"format": 2}, {"channels": None}, {"regions": []}, {"preparation": {"spacing_mm": 1}}],
)
def test_refuses_what_is_no_card(written, wrong):
    folder, _ = written
    change(folder, **wrong)

    with pytest.raises(InputError, match=r"model.json: not a model card"):
        read_card(folder)


def test_refuses_a_card_of_another_format_without_a_format(written):
    folder, _ = written
    (folder / "model.json").write_text("{}")

    with pytest.raises(InputError, match=r"model.json: not a model card \(KeyError"):
        read_card(folder)


def test_refuses_damaged_and_missing_weights(written):
    folder, _ = written
    weights = folder / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))

    with pytest.raises(InputError, match=r"weights.safetensors: damaged \(its sha256 differs\)"):
        read_model(folder)
    weights.unlink()
    with pytest.raises(InputError, match=r"weights.safetensors: missing"):
        read_model(folder)


def test_refuses_weights_that_no_card_vouches_for(written):
    folder, _ = written
    content = json.loads((folder / "model.json").read_text())
    del content["sha256"]
    (folder / "model.json").write_text(json.dumps(content))

    with pytest.raises(InputError, match="damaged"):
        read_model(folder)


def test_the_sum_is_that_of_the_whole_file(tmp_path):
    content = bytes(range(256)) * 9000  # more than the two megabytes read at a time
    (tmp_path / "file").write_bytes(content)

    assert sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_shared_tensors_are_kept_once_under_their_first_name():
    first = nn.Linear(2, 3)
    network = nn.ModuleDict({"a": first, "b": first, "c": nn.Linear(2, 3)})

    assert list(weights_of(network)) == ["a.weight", "a.bias", "c.weight", "c.bias"]
    assert not any(tensor.requires_grad for tensor in weights_of(network).values())


def test_weights_fill_a_network_that_shares_tensors(tmp_path):
    def network():
        first = nn.Linear(2, 3)
        return nn.ModuleDict({"a": first, "b": first})

    saved, filled = network(), network()
    save_tensors(tmp_path / "w", weights_of(saved))
    load_weights(filled, tmp_path / "w")

    assert torch.equal(filled["b"].weight, saved["a"].weight)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (nn.ModuleDict({"a": nn.Linear(2, 3), "z": nn.Linear(1, 1)}), "z.bias"),
        (nn.ModuleDict({}), "a.bias"),
        (nn.ModuleDict({"a": nn.Linear(5, 3)}), "a.weight"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, other, named):
    save_tensors(tmp_path / "w", weights_of(nn.ModuleDict({"a": nn.Linear(2, 3)})))

    with pytest.raises(InputError, match=rf"does not fit the network .*see {named}\)"):
        load_weights(other, tmp_path / "w")


def test_tensors_are_written_in_plain_order_even_where_they_share_memory(tmp_path):
    base = torch.arange(12.0).view(3, 4).requires_grad_()

    save_tensors(tmp_path / "t", {"turned": base.t(), "row": base[0]})

    read = load_file(tmp_path / "t")
    assert torch.equal(read["turned"], base.detach().t())
    assert torch.equal(read["row"], base.detach()[0])
