"""Checkpoint: when a run's state goes to disk, whole or not at all, and how it comes back.

A run's `checkpoints/` holds `last/`, the one before it as `previous/`, and `best/`. Each is a model
folder (see `inference.model`) with `training.safetensors` and `training.json` beside the model.
"""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError

from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.files import atomic_folder
from inspire_med.inference.model import CARD, ModelCard, read_card
from inspire_med.inference.precision import Precision
from inspire_med.training.log import Log
from inspire_med.training.state import (
    Progress,
    Trained,
    read_progress,
    restore_state,
    verify_state,
    write_state,
)

_logger = logging.getLogger(__name__)


class Saver:
    """Writes the checkpoints of a run from rank 0; the other ranks' calls do nothing.

    A checkpoint that cannot be written leaves the one before it whole. The run goes on and tries
    again; only the last one must succeed.

    Args:
        config: The run's options.
        trained: Its parts.
        progress: How far it is, at any time.
        log: Hears of a failure.
        writes: Whether this is rank 0.
    """

    def __init__(
        self, config: TrainConfig, trained: Trained, progress: Progress, log: Log, *, writes: bool
    ) -> None:
        self._config = config
        self._trained = trained
        self._progress = progress
        self._log = log
        self._writes = writes
        self._note()

    def save_if_due(self) -> None:
        """Write `last` if the minutes or steps between checkpoints are over."""
        config, progress = self._config, self._progress
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
        self._at_s = self._progress.elapsed_s
        self._at_step = self._progress.step

    def _write(self, write: Callable[..., None], *, must: bool) -> None:
        if not self._writes:
            return
        folder = self._config.run / "checkpoints"
        try:
            self._log.keep()
            write(folder, self._trained, self._progress)
        except (OSError, SafetensorError) as error:
            message = (
                f"{folder}: step {self._progress.step} could not be saved ({error}); "
                "the checkpoint before it is whole; make room there"
            )
            if must:
                raise InputError(f"{message} and give the same command again.") from None
            self._log.say(f"{message}.")


def save_checkpoint(folder: Path, trained: Trained, progress: Progress) -> None:
    """Write `last`; the checkpoint that was `last` becomes `previous`, unless it is damaged."""
    last, previous = folder / "last", folder / "previous"

    def keep_the_one_before() -> None:
        if not last.exists():
            return
        try:
            verify_state(last)
        except InputError:
            shutil.rmtree(last)
        else:
            shutil.rmtree(previous, ignore_errors=True)
            last.rename(previous)

    with atomic_folder(last, before_commit=keep_the_one_before) as temporary:
        write_state(temporary, trained, progress)


def save_best(folder: Path, trained: Trained, progress: Progress) -> None:
    """Replace `best`; the old one goes only when the new one is complete."""
    best, old = folder / "best", folder / ".old-best"

    def set_aside() -> None:
        shutil.rmtree(old, ignore_errors=True)
        if best.exists():
            best.rename(old)

    with atomic_folder(best, before_commit=set_aside) as temporary:
        write_state(temporary, trained, progress)
    shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(folder: Path, trained: Trained) -> Progress | None:
    """Restore the newest good checkpoint of a run into `trained`; None if there is none yet.

    Raises:
        InputError: If the checkpoint is of another data set or network, or if none is undamaged.
    """
    newest = _newest_whole(folder)
    return None if newest is None else restore_state(newest, trained)


def verified_progress(folder: Path) -> Progress | None:
    """How far the newest good checkpoint is; None if there is none yet.

    Raises:
        InputError: If none is undamaged.
    """
    newest = _newest_whole(folder)
    return None if newest is None else read_progress(newest)


def _newest_whole(folder: Path) -> Path | None:
    """The newest checkpoint whose files are what was written; a damaged one is named."""
    found = [folder / name for name in ("last", "previous") if (folder / name).is_dir()]
    for index, candidate in enumerate(found):
        try:
            verify_state(candidate)
        except InputError as error:
            if index == len(found) - 1:
                raise
            _logger.warning("%s The checkpoint before it is used.", error)
            continue
        return candidate
    return None


def precision_of_run(folder: Path) -> Precision | None:
    """The precision that a run was started in; None if it has no readable checkpoint yet."""
    card = card_of_run(folder)
    return None if card is None else card.precision


def card_of_run(folder: Path) -> ModelCard | None:
    """What a run's network was when it was started; None if it has no readable checkpoint yet."""
    for name in ("last", "previous"):
        if (folder / name / CARD).is_file():
            try:
                return read_card(folder / name)
            except InputError:
                continue  # loading names the damage
    return None
