"""Progress: jobs worked through, with what is left and how long it will take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inspire_med.comparing.job import (
    Job,
    JobError,
    do,
    inference_s,
    is_done,
    is_trained,
    progress_of,
)
from inspire_med.comparing.process import Child
from inspire_med.inference.precision import Precision
from inspire_med.training.budget import budget_of
from inspire_med.training.checkpoint import precision_of_run
from inspire_med.training.stopping import Signals
from inspire_med.wording import counted, duration


@dataclass(frozen=True)
class Failure:
    """A job that could not be done.

    Attributes:
        job: The job.
        sentence: What is wrong, for the user's eyes.
    """

    job: Job
    sentence: str

    def concerns(self, exam: str) -> bool:
        """Whether the exam of this name lacks what failed: its own step, or a training."""
        return self.job.exam.name == exam or not is_trained(self.job)


def work_through(
    jobs: Sequence[Job], signals: Signals, say: Callable[[str], None]
) -> list[Failure]:
    """Do every job that is not done; a failing one does not keep the others from being done.

    Args:
        jobs: Those of a comparison or a cross-validation.
        signals: What this process is sent.
        say: Hears how it goes.

    Returns:
        What failed.

    Raises:
        StoppedError: If a signal came; what is done is kept.
    """
    failed = list[Failure]()
    left = [job for job in jobs if not is_done(job)]
    if len(left) < len(jobs):
        say(f"{len(jobs) - len(left)} of {counted(len(jobs), 'job')} are done already")
    broken: set[Path] = set()
    while left:
        job = left[0]
        if job.run in broken:
            left.pop(0)
            continue
        place = len(jobs) - len(left) + 1
        say(f"[{place}/{len(jobs)}] {job.name}, {time_left(jobs, left)}")
        child = Child(signals, lambda text: say(f"  {text}"))
        try:
            do(job, child, _precision(jobs))
        except JobError as error:
            failed.append(Failure(job, str(error)))
            say(str(error))
            if not is_trained(job):
                broken.add(job.run)  # its other exams would only train again
        left.pop(0)
    return failed


def time_left(jobs: Sequence[Job], left: Sequence[Job]) -> str:
    """How long what is left will take, by what was measured so far."""
    names = {job.name for job in left}
    done = [(job.variant, _seconds(job)) for job in jobs if job.name not in names]
    total = 0.0
    for job in {job.run: job for job in left}.values():
        expected = _expected(job, done)
        if expected is None:
            return "time left: known after the first training"
        total += max(0.0, expected - _seconds(job))
    return f"time left: about {duration(total)}"


def _expected(job: Job, done: Sequence[tuple[str, float]]) -> float | None:
    """Seconds of a job, from those of the same network, or else from its budget or all others."""
    alike = [seconds for variant, seconds in done if variant == job.variant]
    limit = budget_of(job.config).max_time_s
    known = alike or ([seconds for _, seconds in done] if limit is None else [limit])
    return sum(known) / len(known) if known else None


def _seconds(job: Job) -> float:
    """Seconds of training and prediction so far."""
    progress = progress_of(job)
    predicted = sum(inference_s(job).values()) if job.record.is_file() else 0.0
    return (0.0 if progress is None else progress.elapsed_s) + predicted


def _precision(jobs: Sequence[Job]) -> Precision | None:
    """That of the first training: a trial's timing must not make networks differ in it."""
    for job in jobs:
        precision = precision_of_run(job.run / "checkpoints")
        if precision is not None:
            return precision
    return None
