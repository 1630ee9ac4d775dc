"""Step: one optimizer step, and a trial of a few: the time and the memory that a run will take."""

import math
import time
from dataclasses import dataclass
from statistics import mean
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from inspire_med.errors import InputError
from inspire_med.training.experiment import Experiment
from inspire_med.training.loader import BatchLoader
from inspire_med.training.log import peak_memory_gib

_TRIED = 3  # at each scale; the first is slower than any other and does not count


def train_step(
    experiment: Experiment, model: nn.Module, optimizer: Optimizer, loader: BatchLoader
) -> dict[str, Any]:
    """One optimizer step; answers with the loss and where the time went, in seconds.

    A step whose loss or gradient is not finite changes nothing, running statistics included; its
    record names its samples as "skipped". All ranks have the same loss and decide alike.
    """
    started = time.perf_counter()
    batch = loader.next()
    waited_s = time.perf_counter() - started
    trained, fabric = experiment.trained, experiment.fabric
    before = [buffer.clone() for buffer in trained.network.buffers()]

    optimizer.zero_grad()
    image, target = (experiment.scaled(batch[name]) for name in ("image", "target"))
    loss, norm = compute_gradients(experiment, model, image, target), math.nan
    if math.isfinite(loss):
        clip = experiment.config.optimizer.clip_norm
        norm = fabric.clip_gradients(model, optimizer, max_norm=clip, error_if_nonfinite=False)
        norm = math.nan if norm is None else float(norm)
    record: dict[str, Any] = {"loss": _finite(loss), "gradient_norm": _finite(norm)}
    scale = trained.scaling.state_dict().get("scale", 0)
    if math.isfinite(norm) or (math.isfinite(loss) and scale):
        optimizer.step()  # in fp16 the scaler leaves a step out itself, and lowers its scale
    if math.isfinite(norm):
        if trained.average is not None:
            trained.average.update_parameters(trained.network)
    elif not (math.isfinite(loss) and scale > 1):  # an overflow is how the scaler finds its scale
        for buffer, value in zip(trained.network.buffers(), before, strict=True):
            buffer.copy_(value)
        record["skipped"] = experiment.describe_step()
    return {**record, "step_s": time.perf_counter() - started, "data_wait_s": waited_s}


def compute_gradients(
    experiment: Experiment, model: nn.Module, image: Tensor, target: Tensor
) -> float:
    """Fill the gradients with those of the batch's loss, part by part; answers with the loss.

    Image and target are on the device.

    A loss that is not finite ends it at once: no rank goes backward then.
    """
    fabric, parts = experiment.fabric, experiment.config.data.accumulate
    images, targets = image.tensor_split(parts), target.tensor_split(parts)
    value = 0.0
    for index, (some, wanted) in enumerate(zip(images, targets, strict=True), start=1):
        # Fabric names its own wrapper, which `model` is, and keeps its class private.
        with fabric.no_backward_sync(model, enabled=index < parts):  # pyright: ignore[reportArgumentType]
            loss = experiment.criterion(model(some), wanted) / parts
            value += float(loss.detach())
            if not math.isfinite(value):
                return value
            fabric.backward(loss)
    return value


@dataclass(frozen=True)
class Trial:
    """What a run needs.

    Args:
        step_s: Seconds of a step, the mean over the scales, without waiting for data.
        core_s: The seconds of that which all cores together worked.
        memory_gib: Peak memory of the training process: of the GPU where there is one, else
            resident.
        left_s: Seconds to the end of the run, by its steps or its time, whichever ends first.
    """

    step_s: float
    core_s: float
    memory_gib: float
    left_s: float


def try_steps(experiment: Experiment) -> Trial:
    """Measure a few training steps on noise of the run's own shapes; what they teach is of no use.

    Passes that join late in a run take part: its memory must hold them.
    """
    for network in experiment.trained.waiting:
        network.begin_passes()
    trained = experiment.trained
    model, optimizer = experiment.fabric.setup(trained.supervised, trained.optimizer)
    tried = [_tried_s(experiment, model, optimizer, each) for each in experiment.image_shapes]
    step_s, core_s = (mean(seconds) for seconds in zip(*tried, strict=True))
    return Trial(step_s, core_s, peak_memory_gib(), experiment.left_s(step_s))


def _tried_s(
    experiment: Experiment, model: nn.Module, optimizer: Optimizer, shape: tuple[int, ...]
) -> tuple[float, float]:
    """Seconds of a step on images of that shape, by the clock and of the cores."""
    image = experiment.on_device(torch.rand(shape))
    card = experiment.trained.card
    maps = len(card.regions) + len(card.preparation.ignored)  # one more says what was judged
    target = experiment.on_device((image[:, :1] > 0.9).float().expand(-1, maps, *shape[2:]))
    seconds: list[tuple[float, float]] = []
    for _ in range(_TRIED):
        started = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        compute_gradients(experiment, model, image, target)
        optimizer.step()
        seconds.append((time.perf_counter() - started[0], time.process_time() - started[1]))
    by_clock, of_cores = zip(*seconds[1:], strict=True)
    return min(by_clock), min(of_cores)


def out_of_memory(experiment: Experiment) -> InputError:
    """What to lower, with what was measured up to here."""
    data, fabric = experiment.config.data, experiment.fabric
    device, parts = fabric.device, 2 * data.accumulate
    total = torch.cuda.get_device_properties(device).total_memory / 2**30
    peak = torch.cuda.max_memory_allocated(device) / 2**30
    size = " x ".join(map(str, max(experiment.image_shapes, key=math.prod)))
    whole = data.batch_size % (parts * fabric.world_size) == 0
    smaller = f"--data.accumulate {parts} or " if whole else ""
    lower = "it, --data.patch_size or the largest of --data.scales"
    if max(data.scales) <= 1:
        lower = "it or --data.patch_size"
    return InputError(
        f"--data.batch_size: {size} found no room on the GPU ({peak:.1f} of {total:.1f} GiB were "
        f"in use); lower {lower}, or give {smaller}--network.recompute true."
    )


def _finite(value: float) -> float | None:
    """The value, or None, which JSON knows, where it is not finite."""
    return value if math.isfinite(value) else None
