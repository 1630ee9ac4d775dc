"""Find: the task that a word on the command line stands for."""

from pathlib import Path

from inspire_med.errors import InputError, did_you_mean
from inspire_med.tasks.brats import BRATS
from inspire_med.tasks.isles import ISLES
from inspire_med.tasks.polyp import POLYP
from inspire_med.tasks.task import Task

TASKS = {task.name: task for task in (BRATS, ISLES, POLYP)}


def refuse_other_task(word: str | None, task: Task, manifest: Path) -> None:
    """Where a task is named beside a manifest, both must be of the same one.

    Args:
        word: What was named, if anything.
        task: The manifest's.
        manifest: Its file, for the message.

    Raises:
        InputError: If another one is named.
    """
    if word is not None and word != task.name and task_named(word) != task:
        raise InputError(
            f"{manifest}: is for task {task.name}, not {word}; pass --task {task.name}, or leave "
            "it out."
        )


def task_named(word: str) -> Task:
    """The task of that name.

    Raises:
        InputError: If there is none.
    """
    if word not in TASKS:
        hint = did_you_mean(word, TASKS, f"choose one of {', '.join(TASKS)}.")
        raise InputError(f"task {word}: unknown; {hint}")
    return TASKS[word]
