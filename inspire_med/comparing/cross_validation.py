"""Cross-validation: each fold is predicted by the training that left it out; all are scored once.

In the folder, `fold0` and so on hold run, predictions and scores of a fold. Beside them,
`predictions` and `scores` are those of all cases.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.cli.planned import NONE
from inspire_med.comparing.exam import Exam, refuse_absent_files
from inspire_med.comparing.job import (
    Job,
    JobError,
    is_predicted,
    is_scored,
    is_trained,
    remove,
    score,
)
from inspire_med.comparing.notes import notes_on
from inspire_med.comparing.process import Child
from inspire_med.comparing.progress import work_through
from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import Protocol
from inspire_med.files import atomic_folder, link_or_copy, read_json, write_json
from inspire_med.training.first_weights import check_first_weights
from inspire_med.training.initial import Initial, initial_of
from inspire_med.training.initial_checks import check_initial
from inspire_med.training.stopping import Signals
from inspire_med.wording import counted


@dataclass(frozen=True)
class CrossValidation:
    """A training a fold, each predicting the cases that it has not seen.

    Attributes:
        config: Options of every training; `run` is the folder of all of them.
        manifest: The data set.
        protocol: What the predictions are scored by.
    """

    config: TrainConfig
    manifest: Manifest
    protocol: Protocol

    def jobs(self) -> list[Job]:
        """A training and its exam for each fold."""
        folder = self.config.run
        return [
            self._job(Exam("", self.config.manifest, self.manifest, fold), folder / f"fold{fold}")
            for fold in self.manifest.folds
        ]

    def whole(self) -> Job:
        """All folds' cases; nothing is trained for them, and their masks are those of the folds."""
        held = tuple(case for case in self.manifest.cases if case.fold is not None)
        exam = Exam("", self.config.manifest, replace(self.manifest, cases=held), None)
        return self._job(exam, self.config.run)

    @property
    def initial(self) -> Initial | None:
        """The model that a fold is still to begin with; None if none is.

        Raises:
            InputError: As `find_initial`.
        """
        return next(filter(None, (initial_of(job.config) for job in self.jobs())), None)

    @property
    def never_held_out(self) -> tuple[Case, ...]:
        """Labelled cases of no fold, which every network is trained on."""
        return tuple(c for c in self.manifest.cases if c.label is not None and c.fold is None)

    def _job(self, exam: Exam, folder: Path) -> Job:
        fold = "each" if exam.fold is None else exam.fold
        own = replace(self.config, run=folder / "run", fold=fold, resume="auto", plan=NONE)
        return Job("", own.seed, fold, folder, own, exam, self.protocol, probabilities=True)


def check(validation: CrossValidation) -> None:
    """Refuse what can be seen to be wrong before anything is planned or trained.

    Raises:
        InputError: If there are no folds to leave out, files of cases are not here, or the first
            weights or a model to begin with will not do.
    """
    config, manifest = validation.config, validation.manifest
    if config.only_prepare:
        raise InputError(
            "option --only_prepare: --fold each predicts and scores cases by their own files, so a "
            "store alone does not do; leave it out, or prepare for one fold after the other."
        )
    if not manifest.folds:
        raise InputError(
            f"{config.manifest}: no labelled case has a fold, so there is none to leave out; run "
            "prepare with --folds, or train on all cases by --fold none."
        )
    for job in validation.jobs():
        refuse_absent_files(job.cases)
        check_initial(job.config, manifest)
    check_first_weights(config.network, manifest)


def cross_validate(
    validation: CrossValidation, signals: Signals, say: Callable[[str], None]
) -> None:
    """Train, predict and score what is not done yet; a failing fold does not keep the others.

    Args:
        validation: What is to be done.
        signals: What this process is sent.
        say: Hears how it goes.

    Raises:
        InputError: If a fold fails, or the scoring of all.
        StoppedError: If a signal came; what is done is kept.
    """
    jobs, whole = validation.jobs(), validation.whole()
    if not all(is_trained(job) and is_predicted(job) for job in jobs):
        remove(whole.predictions, whole.scores)
    for job in jobs:
        job.folder.mkdir(exist_ok=True)  # who predicts with all folds misses one that lacks a model
    failed = work_through(jobs, signals, say)
    if failed:
        raise InputError(
            f"{len(failed)} of {counted(len(jobs), 'fold')} failed, and cases are scored together "
            f"once all are done; first {failed[0].sentence}; the same command tries again."
        )
    if not is_predicted(whole):
        remove(whole.predictions, whole.scores)
        _gather(jobs, whole)
    if not is_scored(whole):
        _score_whole(validation, Child(signals, lambda text: say(f"  {text}")), say)
    for note in notes_on(jobs):
        say(note)
    if (count := validation.config.validations) > 1:
        say(
            f"each network is the best of {count} checkpoints by Dice on the very cases that are "
            "scored: a little too good; with --validations 1 it is the last"
        )
    say(
        f"done: {counted(len(whole.cases), 'case')}, each predicted by the one of "
        f"{counted(len(jobs), 'network')} that was not trained on it; scores in {whole.scores}"
    )


def _gather(jobs: Sequence[Job], whole: Job) -> None:
    """Put every fold's files into one folder, which takes no more room, with one record."""
    with atomic_folder(whole.predictions) as folder:
        for job in jobs:
            for name in job.files:
                link_or_copy(job.predictions / name, folder / name)
        write_json(folder / whole.record.name, _record(jobs, whole.folder))


def _record(jobs: Sequence[Job], folder: Path) -> dict[str, Any]:
    """What `predict` says beside its masks, of all folds, and of each case its fold."""
    records = [read_json(job.record) for job in jobs]
    commits = {
        name: ", ".join(dict.fromkeys(each[name] for each in records if each[name])) or None
        for name in ("trained_by", "predicted_by")
    }
    return {
        **records[0],
        **commits,
        "run": str(folder),
        "checkpoints": [place for each in records for place in each["checkpoints"]],
        "cases": {
            case: {**own, "fold": job.fold}
            for job, each in zip(jobs, records, strict=True)
            for case, own in each["cases"].items()
        },
    }


def _score_whole(validation: CrossValidation, child: Child, say: Callable[[str], None]) -> None:
    left_out = validation.never_held_out
    if left_out:
        say(f"{counted(len(left_out), 'case')} of no fold trained every network: not scored")
    try:
        score(validation.whole(), child, *(["--allow_missing"] if left_out else []), aloud=True)
    except JobError as error:
        raise InputError(f"{error}; mend the cause and give the same command again.") from None
