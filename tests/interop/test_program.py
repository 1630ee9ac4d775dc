"""Exported networks answer as the trained ones do, at sizes that they have not seen."""

import pytest
import torch

from inspire_med.inference.model import ModelCard
from inspire_med.interop.program import CLOSE, export_program, greatest_difference
from inspire_med.networks import build_network
from inspire_med.tasks.find import task_named


def card_of(dims: int, patch: int = 32, **network) -> ModelCard:
    task = task_named("polyp" if dims == 2 else "brats")
    known = {"spatial_dims": dims, "in_channels": 2, "out_channels": 2, "widths": [4, 8, 8]}
    regions = {"whole": (1, 2), "core": (2,)}
    return ModelCard(
        task, ("a", "b"), regions, known | network, task.preparation, (patch,) * dims, "32-true"
    )


def shaken(card: ModelCard) -> torch.nn.Module:
    """Random weights everywhere, where some begin as zero."""
    network = build_network(card.network).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.05 * torch.randn_like(weight)
    return network


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dims", "network"),
    [
        (2, {"skip": "inspire", "steps": 2, "norm": "instance", "widths": [4, 8]}),
        (3, {"skip": "ise+isa", "steps": 1, "widths": [4, 8]}),
        (3, {"skip": "ise+isa+ssba-light", "steps": 2, "widths": [4, 8]}),
    ],
    ids=["inspire", "one pass", "light feedback"],
)
def test_a_program_answers_as_its_network_at_any_size(dims, network):
    card = card_of(dims, **network)
    trained = shaken(card)

    program = export_program(trained, card)

    assert program.size is None
    assert max(program.least) <= 5
    for batch, size in ((1, (16, 16, 16)), (2, (17, 20, 9)), (1, (5, 33, 8))):
        image = torch.randn(batch, 2, *size[:dims])
        assert greatest_difference(program, trained, image) <= CLOSE


@pytest.mark.slow
def test_a_network_of_monais_takes_the_patch_size_alone():
    card = card_of(2, monai="SegResNet")
    trained = shaken(card)

    program = export_program(trained, card)

    assert program.size == program.least == (32, 32)
    assert greatest_difference(program, trained, torch.randn(3, 2, 32, 32)) <= CLOSE


def test_grid_means_of_an_exported_network_are_those_of_the_trained_one(monkeypatch):
    from inspire_med.blocks.resize import grid_means

    for size in ((9, 7), (4, 11), (5, 6, 7), (3, 17, 4), (1, 1, 2)):
        image = torch.randn(2, 3, *size)
        expected = grid_means(image, 4)
        with monkeypatch.context() as patched:
            patched.setattr(torch.compiler, "is_exporting", lambda: True)
            torch.testing.assert_close(grid_means(image, 4), expected)
