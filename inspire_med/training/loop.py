"""Loop: a run as one page of verbs, and what surrounds its steps: clock, validations, log."""

import math
import statistics
import time
from collections import deque
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from inspire_med.errors import InputError
from inspire_med.training.budget import budget_of
from inspire_med.training.checkpoint import Saver
from inspire_med.training.experiment import Experiment, training_loader
from inspire_med.training.loader import BatchLoader
from inspire_med.training.log import Log
from inspire_med.training.network import compile_if_it_works
from inspire_med.training.optimizer import learning_rate, set_learning_rate
from inspire_med.training.ranks import AgreedError, highest_over_ranks
from inspire_med.training.state import Progress
from inspire_med.training.step import out_of_memory, train_step
from inspire_med.training.stopping import Signals, take_extension, take_stop
from inspire_med.training.validation import validate
from inspire_med.wording import counted


def train(experiment: Experiment, log: Log, signals: Signals) -> Progress:
    """Train until the budget is spent or somebody stops it, from where the last checkpoint left it.

    Raises:
        InputError: If too many losses in a row are not finite, a case cannot be read, a data worker
            is killed, memory runs out, or the last checkpoint cannot be written; says which of
            these and what to do.
    """
    fabric, trained = experiment.fabric, experiment.trained
    parts = experiment.config.data.accumulate
    images = [
        experiment.on_device(torch.zeros(math.ceil(samples / parts), *shape))
        for samples, *shape in experiment.image_shapes
    ]
    supervised = compile_if_it_works(
        trained.supervised,
        images,
        trained.card.precision,
        switch=experiment.config.compile,
        say=log.say,
    )
    # What was tried is what runs: the compiled network inside of DDP, not DDP compiled.
    model, optimizer = fabric.setup(supervised, trained.optimizer, _reapply_compile=False)
    loader = training_loader(experiment)
    saver = Saver(
        experiment.config, trained, experiment.progress, log, writes=fabric.is_global_zero
    )
    try:
        take_steps(Session(experiment, log, signals, saver), model, optimizer, loader)
    except RuntimeError as error:
        if (clear := _explained(error, experiment, loader)) is None:
            raise
        raise clear from error
    finally:
        loader.close()
    saver.save(last=True)
    return experiment.progress


def take_steps(
    session: "Session", model: nn.Module, optimizer: Optimizer, loader: BatchLoader
) -> None:
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
            session.begin_passes_if_due(spent)
            record = train_step(experiment, model, optimizer, loader)
            progress.step += 1
            stopped = session.listen()
            session.note_step({"step": progress.step, "lr": lr, **record})
        else:
            break
        if not stopped:  # the end saves anyway
            session.saver.save_if_due()


class Session:
    """One process's time with a run, from its last checkpoint to the next one's end.

    Args:
        experiment: The run.
        log: Its log.
        signals: What the system sends.
        saver: Its checkpoints.
    """

    def __init__(self, experiment: Experiment, log: Log, signals: Signals, saver: Saver) -> None:
        self.experiment = experiment
        self.saver = saver
        self._log = log
        self._signals = signals
        self._started = time.monotonic() - experiment.progress.elapsed_s
        self._steps_s = deque[float](maxlen=100)

    def listen(self) -> bool:
        """Agree with the other ranks on the time and on what signals and files ask for.

        The progress takes it up; the answer is whether to stop here.
        """
        fabric, progress = self.experiment.fabric, self.experiment.progress
        main, run = fabric.is_global_zero, self.experiment.config.run
        budget = budget_of(self.experiment.config)
        steps, seconds = take_extension(run, budget, self._log.say) if main else (0, 0.0)
        stop = main and take_stop(run)
        signalled = self._signals.received is not None
        elapsed_s = time.monotonic() - self._started
        elapsed_s, signalled, stop, steps, seconds = highest_over_ranks(
            [elapsed_s, signalled, stop, steps, seconds], fabric.device
        )
        progress.elapsed_s = elapsed_s
        progress.signalled = bool(signalled)
        progress.extra_steps += int(steps)
        progress.extra_s += seconds
        if steps or seconds:
            more = f"{seconds:.0f} s" if seconds else counted(int(steps), "step")
            self._log.say(f"extended by {more}")
            self.saver.save()  # its file is gone, so the checkpoint must know
        return bool(signalled or stop)

    def begin_passes_if_due(self, spent: float) -> None:
        """Let the further passes join, once the share of the budget before them is spent."""
        experiment, waiting = self.experiment, self.experiment.trained.waiting
        if not waiting or spent < experiment.config.network.second_pass_from:
            return
        for network in waiting:
            network.begin_passes()
        self._log.say(f"step {experiment.progress.step}  {waiting[0].steps} passes from here on")

    def note_step(self, record: dict[str, Any]) -> None:
        """Log a step; count skipped ones in a row.

        Raises:
            AgreedError: If there are more of them than the options allow.
        """
        progress, most = self.experiment.progress, self.experiment.config.max_nonfinite
        self._steps_s.append(record["step_s"])
        left_s = self.experiment.left_s(statistics.fmean(self._steps_s))
        self._log.step(record, self.experiment.spent(), left_s)
        if "skipped" not in record:
            progress.nonfinite = 0
            return
        progress.nonfinite += 1
        where = ", ".join(f"{s['id']} at {s['start']}" for s in record["skipped"])
        self._log.say(f"step {progress.step}  skipped, not finite on {where}")
        if progress.nonfinite > most:
            raise AgreedError(
                f"--optimizer.lr: the loss or its gradient was not finite {progress.nonfinite} "
                f"times in a row, last at step {progress.step} on {where}; lower it, or give "
                "--precision 32-true, and another --run."
            )

    def validate(self) -> bool:
        """Validate; keep the checkpoint as `best` if no earlier one scored as high.

        A signal breaks the validation off, and it is made again after a resume. Answers as
        `listen`.
        """
        experiment, progress = self.experiment, self.experiment.progress
        began_s = progress.elapsed_s
        record = validate(experiment, self._log, progress.step, self._interrupted)
        stopped = self.listen()
        if record is None:
            return stopped
        seconds = progress.elapsed_s - began_s  # as agreed: the budget depends on it
        self._log.validation({**record, "seconds": seconds})
        progress.validations = experiment.validations_due()
        progress.validation_s = max(progress.validation_s, seconds)
        progress.validated_step = progress.step
        if progress.best_score is None or record["mean_dice"] > progress.best_score:
            progress.best_score = record["mean_dice"]
            self.saver.save_best()
        return stopped

    def _interrupted(self) -> bool:
        """Has any rank had a signal? All ranks ask together."""
        received = self._signals.received is not None
        return any(highest_over_ranks([received], self.experiment.fabric.device))


def _explained(
    error: RuntimeError, experiment: Experiment, loader: BatchLoader
) -> InputError | None:
    """The error in clear words, if it is one that is known."""
    if isinstance(error, torch.OutOfMemoryError):
        return out_of_memory(experiment)
    return loader.explain(error)
