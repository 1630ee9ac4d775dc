"""Find: the task that a word on the command line stands for."""

from inspire_med.errors import InputError, did_you_mean
from inspire_med.tasks.brats import BRATS
from inspire_med.tasks.isles import ISLES
from inspire_med.tasks.polyp import POLYP
from inspire_med.tasks.task import Task

TASKS = {task.name: task for task in (BRATS, ISLES, POLYP)}


def task_named(word: str) -> Task:
    """The task of that name.

    Raises:
        InputError: If there is none.
    """
    if word not in TASKS:
        hint = did_you_mean(word, TASKS, f"choose one of {', '.join(TASKS)}.")
        raise InputError(f"task {word}: unknown; {hint}")
    return TASKS[word]
