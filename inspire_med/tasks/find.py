"""Find: the task that a word on the command line, or what a file keeps, stands for."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from inspire_med.errors import InputError, did_you_mean
from inspire_med.tasks.brats import BRATS, MENINGIOMA_RT
from inspire_med.tasks.custom import task_of_yaml
from inspire_med.tasks.isles import ISLES, ISLES_2015, ISLES_2017, ISLES_2024, ISLES_2026
from inspire_med.tasks.polyp import POLYP
from inspire_med.tasks.task import Layout, Task

TASKS = {task.name: task for task in (BRATS, ISLES, POLYP)}
# Editions of a task that show other channels; each is a task of its own.
EDITIONS = {
    BRATS.name: (MENINGIOMA_RT,),
    ISLES.name: (ISLES_2015, ISLES_2017, ISLES_2024, ISLES_2026),
}
_BUILT_IN = TASKS | {each.name: each for editions in EDITIONS.values() for each in editions}
# The layout of a data set that describes its task itself.
_DESCRIBED: dict[str, Layout] = {"nnunet": "nnunet", "monai": "datalist"}
_YAML = (".yaml", ".yml")


def task_named(word: str, sources: Sequence[Path] = ()) -> Task:
    """The task that a word stands for.

    Args:
        word: Name of a built-in task, path of a task's YAML file, or `nnunet` or `monai` for what
            the sources describe.
        sources: Folders with a dataset.json, or datalists.

    Raises:
        InputError: If there is none, or the sources describe unlike ones.
    """
    if word in _BUILT_IN:
        return _BUILT_IN[word]
    if word in _DESCRIBED:
        found = _described(word, sources)
    elif word.endswith(_YAML):
        found = task_of_yaml(Path(word))
    else:
        known = (*TASKS, *_DESCRIBED)
        hint = did_you_mean(
            word, known, f"choose one of {', '.join(known)}, or give a task's YAML file."
        )
        raise InputError(f"task {word}: unknown; {hint}")
    if found.name in _BUILT_IN:
        raise InputError(f"task {word}: is named {found.name}, as a built-in task is; rename it.")
    return found


def refuse_other_task(word: str | None, task: Task, manifest: Path) -> None:
    """Where a task is named beside a manifest, both must be of the same one, or of its edition.

    Args:
        word: What was named, if anything.
        task: The manifest's.
        manifest: Its file, for the message.

    Raises:
        InputError: If another one is named.
    """
    if word is None or word == task.name or task in EDITIONS.get(word, ()):
        return
    same = _DESCRIBED[word] in task.layouts if word in _DESCRIBED else task_named(word) == task
    if not same:
        changed = word.endswith(_YAML) and task_named(word).name == task.name
        how = (
            "it was prepared with another state of that file; run prepare again"
            if changed
            else (f"pass --task {task.name}")
        )
        raise InputError(
            f"{manifest}: is for task {task.name}, not {word}; {how}, or leave --task out."
        )


def family_of(task: Task) -> tuple[Task, ...]:
    """A task and its editions, or an edition, its task and the others; alone where it has none."""
    families = [(TASKS[name], *editions) for name, editions in EDITIONS.items()]
    return next((family for family in families if task in family), (task,))


def as_stored(task: Task) -> dict[str, Any]:
    """What manifests and model cards keep: the name; of a task not built in its definition too."""
    if _BUILT_IN.get(task.name) == task:
        return {"task": task.name}
    definition = msgspec.to_builtins(task) | {"preparation": task.preparation.to_json()}
    for name in ("series", "codes"):  # hashes from before there were any hold
        if not definition[name]:
            del definition[name]
    return {"task": task.name, "definition": definition}


def from_stored(content: Mapping[str, Any]) -> Task:
    """The task that `as_stored` gave.

    Raises:
        InputError: If it is named only, and not built in.
        msgspec.ValidationError: If its definition is none.
    """
    if "definition" in content:
        return msgspec.convert(content["definition"], Task)
    return task_named(str(content["task"]))


def _asked(task: Task) -> tuple[Any, ...]:
    return task.channels, task.regions, task.preparation.ignore


def _described(word: str, sources: Sequence[Path]) -> Task:
    if not sources:
        raise InputError(f"task {word}: is what --source describes; give --source, or a manifest.")
    # These bring readers of images along, which the help of a command does not need.
    from inspire_med.tasks.datalist import task_of_datalist
    from inspire_med.tasks.dataset_json import task_of_dataset

    read = {"nnunet": task_of_dataset, "monai": task_of_datalist}[word]
    first, *others = (read(source) for source in sources)
    for source, other in zip(sources[1:], others, strict=True):
        if _asked(other) != _asked(first):
            raise InputError(
                f"{source}: has other channels or labels than {sources[0]}; prepare it by itself."
            )
    return first
