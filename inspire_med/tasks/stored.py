"""Stored: a task as manifests and model cards keep it, by its name or, if it is new, whole."""

from collections.abc import Mapping
from typing import Any

import msgspec

from inspire_med.tasks.find import TASKS, task_named
from inspire_med.tasks.task import Task


def as_stored(task: Task) -> dict[str, Any]:
    """The name, and for a task that is not built in the whole `definition`, in JSON's types."""
    if TASKS.get(task.name) == task:
        return {"task": task.name}
    return {"task": task.name, "definition": msgspec.to_builtins(task)}


def from_stored(content: Mapping[str, Any]) -> Task:
    """The task that `as_stored` gave.

    Raises:
        InputError: If it is named only, and not built in.
        msgspec.ValidationError: If its definition is none.
    """
    if "definition" in content:
        return msgspec.convert(content["definition"], Task)
    return task_named(str(content["task"]))
