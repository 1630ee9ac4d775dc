from types import SimpleNamespace

import pytest
import torch

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
