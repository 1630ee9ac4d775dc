from types import SimpleNamespace

import pytest
import torch

from inspire_med.detection import finite
from inspire_med.detection.finite import StopAtNotFinite
from inspire_med.errors import InputError

NAN, INF = float("nan"), float("inf")
BATCH = {"data_samples": [SimpleNamespace(metainfo={"img_path": "/data/7.jpg"})]}


def after(losses, weight=1.0):
    model = torch.nn.Linear(2, 1)
    torch.nn.init.constant_(model.weight, weight)
    hub = SimpleNamespace(runtime_info={})
    runner = SimpleNamespace(model=model, iter=9, work_dir="run", message_hub=hub)
    StopAtNotFinite().after_train_iter(runner, 0, BATCH, losses)


def test_finite_losses_pass_and_other_numbers_are_not_looked_at():
    after({"loss": torch.tensor(1e30), "loss_rpn": [torch.tensor(2.0)], "acc": torch.tensor(NAN)})
    after(None)


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_the_loss_the_iteration_and_the_images_are_named(value):
    message = r"run: loss_box, loss is not finite after iteration 10 \(images 7.jpg\), .* no chec"
    with pytest.raises(InputError, match=message):
        after({"loss_box": torch.tensor(value), "loss_cls": torch.ones(1), "loss": value})


@pytest.mark.parametrize("value", [NAN, INF])
def test_weights_spoiled_by_a_gradient_are_seen_before_the_next_loss(value):
    with pytest.raises(InputError, match="run: the weights are not finite after iteration 10"):
        after({"loss": torch.tensor(1.0)}, weight=value)


@pytest.fixture
def beside(monkeypatch):
    """Be one of four ranks, of whom another has the lowest claim."""

    def stand(rank: int, claim: int) -> None:
        monkeypatch.setattr(finite, "get_dist_info", lambda: (rank, 4))
        monkeypatch.setattr(finite, "all_reduce", lambda own, op: own.clamp_(max=claim))

    return stand


@pytest.mark.parametrize(
    ("rank", "others", "says"),
    [
        (1, 3, True),  # rank 3 has such a loss, too
        (3, 1, False),
        (2, 4 + 0, True),  # rank 0 has weights alone that are not finite
        (0, 4 * 2 + 1, True),  # with mixed precision the others may well be sound
    ],
)
def test_of_several_ranks_the_first_with_such_a_loss_says_so(beside, rank, others, says):
    beside(rank, others)
    with pytest.raises(InputError if says else SystemExit) as end:
        after({"loss": torch.tensor(NAN)})
    assert says or end.value.code == 2


def test_a_rank_that_is_sound_ends_with_another_that_is_not(beside):
    beside(1, 4 + 2)
    with pytest.raises(SystemExit, match="2"):
        after({"loss": torch.tensor(1.0)})
    beside(1, 4 * 2 + 0)
    after({"loss": torch.tensor(1.0)})


def test_where_weights_alone_are_spoiled_the_first_rank_says_so(beside):
    beside(0, 4 + 1)
    with pytest.raises(InputError, match="the weights are not finite"):
        after({"loss": torch.tensor(1.0)}, weight=NAN)
    beside(1, 4 + 0)
    with pytest.raises(SystemExit, match="2"):
        after({"loss": torch.tensor(1.0)}, weight=NAN)
