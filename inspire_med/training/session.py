"""Session: what surrounds the steps: the clock, the outside world, validations, the log."""

import time
from typing import Any

from inspire_med.training.control import Signals, take_extension, take_stop
from inspire_med.training.distributed import highest_over_ranks
from inspire_med.training.experiment import Experiment
from inspire_med.training.failures import AgreedError
from inspire_med.training.journal import Diary
from inspire_med.training.request import budget_of
from inspire_med.training.saving import Saver
from inspire_med.training.validation import validate


class Session:
    """One process's time with a run, from its last checkpoint to the next one's end.

    Args:
        experiment: The run.
        journal: Its log.
        signals: What the system sends.
        saver: Its checkpoints.
    """

    def __init__(
        self, experiment: Experiment, journal: Diary, signals: Signals, saver: Saver
    ) -> None:
        self.experiment = experiment
        self.saver = saver
        self._journal = journal
        self._signals = signals
        self._started = time.monotonic() - experiment.progress.elapsed_s

    def listen(self) -> bool:
        """Agree with the other ranks on the time and on what signals and files ask for.

        The progress takes it up; the answer is whether to stop here.
        """
        fabric, progress = self.experiment.fabric, self.experiment.progress
        main, run = fabric.is_global_zero, self.experiment.config.run
        budget = budget_of(self.experiment.config)
        steps, seconds = take_extension(run, budget, self._journal.say) if main else (0, 0.0)
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
            self._journal.say(
                f"extended by {f'{seconds:.0f} s' if seconds else f'{steps:.0f} steps'}"
            )
            self.saver.save()  # its file is gone, so the checkpoint must know
        return bool(signalled or stop)

    def note_step(self, record: dict[str, Any]) -> None:
        """Log a step; count skipped ones in a row.

        Raises:
            AgreedError: If there are more of them than the options allow.
        """
        progress, most = self.experiment.progress, self.experiment.config.max_nonfinite
        self._journal.step(record, self.experiment.spent(), progress.elapsed_s)
        if "skipped" not in record:
            progress.nonfinite = 0
            return
        progress.nonfinite += 1
        where = ", ".join(f"{s['id']} at {s['start']}" for s in record["skipped"])
        self._journal.say(f"step {progress.step}  skipped, not finite on {where}")
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
        record = validate(experiment, self._journal, progress.step, self._interrupted)
        stopped = self.listen()
        if record is None:
            return stopped
        seconds = progress.elapsed_s - began_s  # as agreed: the budget depends on it
        self._journal.validation({**record, "seconds": seconds})
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
