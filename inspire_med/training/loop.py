"""Loop: a run as one page of verbs."""

import math
import time
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from inspire_med.training.checkpoint import Progress
from inspire_med.training.compiling import compile_if_it_works
from inspire_med.training.control import Signals
from inspire_med.training.experiment import Experiment, training_feed
from inspire_med.training.failures import explained
from inspire_med.training.feeding import Feed
from inspire_med.training.journal import Diary
from inspire_med.training.optimizer import learning_rate, set_learning_rate
from inspire_med.training.saving import Saver
from inspire_med.training.session import Session


def train(experiment: Experiment, journal: Diary, signals: Signals) -> Progress:
    """Train until the budget is spent or somebody stops it, from where the last checkpoint left it.

    Raises:
        InputError: If too many losses in a row are not finite, a case cannot be read, a data worker
            is killed, memory runs out, or the last checkpoint cannot be written; says which of
            these and what to do.
    """
    fabric, trained = experiment.fabric, experiment.trained
    samples, *shape = experiment.image_shape
    parts = experiment.config.data.accumulate
    supervised = compile_if_it_works(
        trained.supervised,
        experiment.on_device(torch.zeros(math.ceil(samples / parts), *shape)),
        trained.card.precision,
        switch=experiment.config.compile,
        say=journal.say,
    )
    # What was tried is what runs: the compiled network inside of DDP, not DDP compiled.
    model, optimizer = fabric.setup(supervised, trained.optimizer, _reapply_compile=False)
    feed = training_feed(experiment)
    saver = Saver(experiment, journal)
    try:
        take_steps(Session(experiment, journal, signals, saver), model, optimizer, feed)
    except RuntimeError as error:
        if (clear := explained(error, experiment, feed)) is None:
            raise
        raise clear from error
    finally:
        feed.close()
    saver.save(last=True)
    return experiment.progress


def take_steps(session: Session, model: nn.Module, optimizer: Optimizer, feed: Feed) -> None:
    """The steps of this session, with the validations and checkpoints between them."""
    experiment, progress = session.experiment, session.experiment.progress
    stopped = session.listen()
    # A budget that was enlarged since has room for validations again.
    progress.validations = min(progress.validations, experiment.validations_due())
    while not stopped:
        spent = experiment.spent()
        if experiment.validations_due() > progress.validations:
            stopped = session.validate()
        elif spent < 1:
            lr = learning_rate(experiment.optimizer, spent)
            set_learning_rate(experiment.trained.optimizer, lr)
            record = train_step(experiment, model, optimizer, feed)
            progress.step += 1
            stopped = session.listen()
            session.note_step({"step": progress.step, "lr": lr, **record})
        else:
            break
        if not stopped:  # the end saves anyway
            session.saver.save_if_due()


def train_step(
    experiment: Experiment, model: nn.Module, optimizer: Optimizer, feed: Feed
) -> dict[str, Any]:
    """One optimizer step; answers with the loss and where the time went, in seconds.

    A step whose loss or gradient is not finite changes nothing, running statistics included; its
    record names its samples as "skipped". All ranks have the same loss and decide alike.
    """
    started = time.perf_counter()
    batch = feed.next()
    waited_s = time.perf_counter() - started
    trained, fabric = experiment.trained, experiment.fabric
    before = [buffer.clone() for buffer in trained.network.buffers()]

    optimizer.zero_grad()
    loss, norm = compute_gradients(experiment, model, batch), math.nan
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


def compute_gradients(experiment: Experiment, model: nn.Module, batch: dict[str, Any]) -> float:
    """Fill the gradients with those of the batch's loss, part by part; answers with the loss.

    A loss that is not finite ends it at once: no rank goes backward then.
    """
    fabric, parts = experiment.fabric, experiment.config.data.accumulate
    images = experiment.on_device(batch["image"]).tensor_split(parts)
    targets = experiment.on_device(batch["target"]).tensor_split(parts)
    value = 0.0
    for index, (image, target) in enumerate(zip(images, targets, strict=True), start=1):
        # Fabric names its own wrapper, which `model` is, and keeps its class private.
        with fabric.no_backward_sync(model, enabled=index < parts):  # pyright: ignore[reportArgumentType]
            loss = experiment.criterion(model(image), target) / parts
            value += float(loss.detach())
            if not math.isfinite(value):
                return value
            fabric.backward(loss)
    return value


def _finite(value: float) -> float | None:
    """The value, or None, which JSON knows, where it is not finite."""
    return value if math.isfinite(value) else None
