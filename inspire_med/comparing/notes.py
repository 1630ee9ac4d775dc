"""Notes: in what one training is not like the others, or better off than on strangers."""

from collections.abc import Sequence

from inspire_med.comparing.job import Job, progress_of
from inspire_med.training.initial import begun_with, has_seen


def notes_on(jobs: Sequence[Job]) -> list[str]:
    """What trainings have had that others lack or that flatters them, a sentence each."""
    notes: list[str] = []
    for job in jobs:
        progress, model = progress_of(job), begun_with(job.run)
        if progress is not None and (progress.extra_steps or progress.extra_s):
            notes.append(f"{job.name} was extended: its budget is larger than the others'.")
        if model is not None and has_seen(model, job.exam.manifest.hash, job.exam.fold):
            notes.append(
                f"A leak, allowed by name: {job.name} began with {model['model']}, which has "
                "learned from cases that are scored here; strangers may be harder."
            )
    return notes
