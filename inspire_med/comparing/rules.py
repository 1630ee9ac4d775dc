"""Rules: the protocol that scores what a task's networks predict."""

from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import (
    PROTOCOLS,
    MaskProtocol,
    PictureProtocol,
    Protocol,
    protocol,
)
from inspire_med.tasks.task import Task


def rules_for(task: Task, name: str | None = None) -> Protocol:
    """The rules of this name, or the task's own.

    Raises:
        InputError: If there are none of this name, or they are for other predictions.
    """
    rules = protocol(name or task.protocol)
    if not _fits(rules, task.spatial_dims):
        others = [other.name for other in PROTOCOLS.values() if _fits(other, task.spatial_dims)]
        raise InputError(
            f"protocol {rules.name} does not score what networks for {task.name} predict; choose "
            f"from {', '.join(others)}."
        )
    return rules


def _fits(rules: Protocol, spatial_dims: int) -> bool:
    if isinstance(rules, MaskProtocol):
        return spatial_dims in rules.spatial_dims
    return isinstance(rules, PictureProtocol) and spatial_dims == 2
