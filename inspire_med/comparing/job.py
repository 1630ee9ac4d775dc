"""Job: one training and one exam of it, predictions and scores, each where it is not done yet."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from inspire_med.cases.case import Case
from inspire_med.comparing.exam import Exam
from inspire_med.comparing.process import Child
from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.evaluation.origin import RECORD
from inspire_med.evaluation.protocols import Protocol
from inspire_med.files import read_json, write_text
from inspire_med.imaging.output import file_names
from inspire_med.imaging.picture import is_picture
from inspire_med.inference.precision import Precision
from inspire_med.training.budget import budget_of
from inspire_med.training.checkpoint import precision_of_run, verified_progress
from inspire_med.training.state import Progress


@dataclass(frozen=True)
class Job:
    """One training, and an exam of it; jobs of several exams share their training.

    Attributes:
        variant: The network; empty where there is one alone.
        seed: The seed.
        fold: Fold that is not trained on; `none` where all are.
        folder: Holds predictions and scores.
        config: Options of the training.
        exam: Cases that are predicted and scored.
        protocol: What the predictions are scored by.
        probabilities: Keep them beside the masks, also where the protocol does not score them.
    """

    variant: str
    seed: int
    fold: int | str
    folder: Path
    config: TrainConfig
    exam: Exam
    protocol: Protocol
    probabilities: bool = False

    @property
    def name(self) -> str:
        """What people read, as in `ise+isa/seed0`, `ise+isa/seed0/kvasir` or `fold0`."""
        return "/".join(filter(None, (self.variant, self.run.parent.name, self.exam.name)))

    @property
    def cases(self) -> tuple[Case, ...]:
        """Cases of the exam."""
        return self.exam.cases

    @property
    def log(self) -> Path:
        """What its commands said."""
        return self.folder / "log.txt"

    @property
    def run(self) -> Path:
        """The run folder of its training."""
        return self.config.run

    @property
    def predictions(self) -> Path:
        """Folder of its masks."""
        return self.folder / "predictions"

    @property
    def record(self) -> Path:
        """What predict says of the masks, seconds among it; written once all are there."""
        return self.predictions / RECORD

    @property
    def files(self) -> list[str]:
        """Names of its masks, and of their probabilities where those are kept."""
        kept = slice(2 if self.probabilities or self.protocol.scores_maps else 1)
        return [
            name
            for case in self.cases
            for name in file_names(case.id, is_picture=is_picture(case.images))[kept]
        ]

    @property
    def scores(self) -> Path:
        """Folder of its scores."""
        return self.folder / "scores"


class JobError(Exception):
    """A step of a job failed; the message is for the user's eyes."""


def is_done(job: Job) -> bool:
    """Whether nothing of it is left to do."""
    return is_trained(job) and is_predicted(job) and is_scored(job)


def do(job: Job, child: Child, precision: Precision | None) -> None:
    """Do what is left of a job. What stands on a step that is done anew goes first.

    Args:
        job: The job.
        child: Runs the commands.
        precision: That of the comparison's first training, which all take; None if this is it.

    Raises:
        JobError: If a command fails.
        StoppedError: If a signal came; training keeps its checkpoint.
    """
    if not is_trained(job):
        remove(job.predictions, job.scores)
        _step(job, child, _train_words(job, precision), is_trained, aloud=True)
    if not is_predicted(job):
        remove(job.predictions, job.scores)
        _step(job, child, _predict_words(job), is_predicted)
    if not is_scored(job):
        score(job, child)


def score(job: Job, child: Child, *words: str, aloud: bool = False) -> None:
    """Score what a job has predicted.

    Args:
        job: The job.
        child: Runs the command.
        words: More of its options.
        aloud: Say what it says.

    Raises:
        JobError: If it fails.
        StoppedError: If a signal came.
    """
    _step(job, child, [*_evaluate_words(job), *words], is_scored, aloud=aloud)


def progress_of(job: Job) -> Progress | None:
    """How far its training is; None before the first checkpoint, or if there is none undamaged."""
    try:
        return verified_progress(job.run / "checkpoints")
    except InputError:
        return None


def is_trained(job: Job) -> bool:
    """Whether the budget is spent and the last validation made."""
    progress = progress_of(job)
    validations = 0 if job.config.fold == "none" else job.config.validations
    if progress is None or progress.validations < validations:
        return False
    budget = budget_of(job.config).extended(progress.extra_steps, progress.extra_s)
    return budget.spent(progress.step, progress.elapsed_s + progress.validation_s) >= 1


def is_predicted(job: Job) -> bool:
    """Whether the mask of every case is there; their record is written after the last."""
    return job.record.is_file() and all((job.predictions / name).is_file() for name in job.files)


def is_scored(job: Job) -> bool:
    """Whether the scores are there, by the protocol that is asked for."""
    if not all((job.scores / f"scores.{kind}").is_file() for kind in ("csv", "json")):
        return False
    return read_json(job.scores / "scores.json").get("protocol") == job.protocol.name


def inference_s(job: Job) -> dict[str, float]:
    """Seconds of each case's prediction, also of one that an earlier version recorded."""
    record = read_json(job.record)
    if record["format"] == 1:
        return {case: float(seconds) for case, seconds in record["seconds"].items()}
    return {case: float(own["seconds"]) for case, own in record["cases"].items()}


def _step(
    job: Job,
    child: Child,
    words: Sequence[str],
    is_done: Callable[[Job], bool],
    *,
    aloud: bool = False,
) -> None:
    status = child.run(words, job.log, aloud=aloud)
    if status == 0 and is_done(job):
        return
    command = words[0]
    if status == 0:
        why = "ended before it was done"
    elif status < 0:
        why = f"was killed by signal {-status}" + (" (out of memory?)" if status == -9 else "")
    else:
        why = f"failed with status {status}: {_last_line(job.log)}"
    raise JobError(f"{job.name}: {command} {why} (log: {job.log})")


def _train_words(job: Job, precision: Precision | None) -> list[str]:
    """The training's options go by a file, which is the run's own record of them too."""
    config = job.config
    if config.precision == "auto" and precision is not None:
        config = replace(config, precision=precision)
    options = job.run.parent / "train.yaml"
    write_text(options, yaml.safe_dump(config.to_json(), sort_keys=False))
    return ["train", "--config", str(options)]


def _predict_words(job: Job) -> list[str]:
    source = ["--input", str(job.exam.file), *job.exam.words]
    options = ["--precision", precision_of_run(job.run / "checkpoints") or "auto"]
    options += ["--threads", str(job.config.threads), "--overwrite"]
    options += ["--probabilities"] if job.probabilities or job.protocol.scores_maps else []
    return ["predict", "--run", str(job.run), "--output", str(job.predictions), *source, *options]


def _evaluate_words(job: Job) -> list[str]:
    reference = ["--reference", str(job.exam.file), *job.exam.words]
    options = ["--protocol", job.protocol.name, "--workers", str(job.config.threads), "--overwrite"]
    folders = ["--prediction", str(job.predictions), "--output", str(job.scores)]
    return ["evaluate", *folders, *reference, *options]


def remove(*paths: Path) -> None:
    """Remove files and folders of a job, where they are there."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"
