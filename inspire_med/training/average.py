"""Average: the moving average of a network's weights, warmed up."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.optim.swa_utils import PARAM_LIST, AveragedModel, get_ema_multi_avg_fn

# Of one device and type, the average's and the network's; and how many updates there were.
Update = Callable[[PARAM_LIST, PARAM_LIST, Tensor | int], None]


def moving_average(network: nn.Module, decay: float) -> AveragedModel:
    """A copy of a network that follows it by `update_parameters`, running statistics included.

    After t updates the old average counts for min(decay, (1 + t) / (10 + t)): about the last tenth
    of what there was, until that is as long as the decay asks for. A run of some hundred steps
    would else end with the weights that it began with, 0.999 forgetting half in 693 steps.

    Batch norm's statistics are averaged along with the weights: those of the network as it is now
    belong to other weights than the averaged ones.

    References:
        The warm-up as in TensorFlow's `ExponentialMovingAverage(num_updates=...)`.
    """
    return AveragedModel(network, multi_avg_fn=_update(decay), use_buffers=True)


def _update(decay: float) -> Update:
    """What torch calls with the tensors of one type."""

    def update(average: PARAM_LIST, network: PARAM_LIST, count: Tensor | int) -> None:
        done = int(count)
        get_ema_multi_avg_fn(min(decay, (1 + done) / (10 + done)))(average, network, count)

    return update
