"""Saving: when a run's state goes to disk, and what a full disk does not do."""

from collections.abc import Callable

from safetensors import SafetensorError

from inspire_med.errors import InputError
from inspire_med.training.checkpoint import save_best, save_checkpoint
from inspire_med.training.experiment import Experiment
from inspire_med.training.journal import Diary


class Saver:
    """Writes the checkpoints of a run from rank 0; the other ranks' calls do nothing.

    A checkpoint that cannot be written leaves the one before it whole. The run goes on and tries
    again; only the last one must succeed.

    Args:
        experiment: The run.
        journal: Hears of a failure.
    """

    def __init__(self, experiment: Experiment, journal: Diary) -> None:
        self._experiment = experiment
        self._journal = journal
        self._note()

    def save_if_due(self) -> None:
        """Write `last` if the minutes or steps between checkpoints are over."""
        config, progress = self._experiment.config, self._experiment.progress
        late = progress.elapsed_s - self._at_s > 60 * config.save_every
        steps = progress.step - self._at_step
        if late or (config.save_every_steps and steps >= config.save_every_steps):
            self.save()

    def save(self, *, last: bool = False) -> None:
        """Write `last`.

        Raises:
            InputError: If it is the run's last checkpoint and cannot be written.
        """
        self._note()
        self._write(save_checkpoint, must=last)

    def save_best(self) -> None:
        """Write `best`."""
        self._write(save_best, must=False)

    def _note(self) -> None:
        self._at_s = self._experiment.progress.elapsed_s
        self._at_step = self._experiment.progress.step

    def _write(self, write: Callable[..., None], *, must: bool) -> None:
        if not self._experiment.fabric.is_global_zero:
            return
        folder = self._experiment.config.run / "checkpoints"
        try:
            self._journal.keep()
            write(folder, self._experiment.trained, self._experiment.progress)
        except (OSError, SafetensorError) as error:
            message = (
                f"{folder}: step {self._experiment.progress.step} could not be saved ({error}); "
                "the checkpoint before it is whole; make room there"
            )
            if must:
                raise InputError(f"{message} and give the same command again.") from None
            self._journal.say(f"{message}.")
