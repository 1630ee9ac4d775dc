"""Difference: the first thing in which what was trained is not what is asked for."""

import json
from pathlib import Path
from typing import Any

from inspire_med.errors import InputError


def refuse_difference(folder: Path, written: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Name the first thing in which what was trained is not what is asked for.

    Args:
        folder: Where it lies, for the message.
        written: Options by name, nested, of what was trained.
        wanted: Options of what is asked for.

    Raises:
        InputError: If there is one.
    """
    before = _flat(written)
    for key, value in _flat(json.loads(json.dumps(wanted))).items():
        if before.get(key) != value:
            raise InputError(
                f"{folder}: was trained with {key} = {before.get(key)}, but {value} is asked for; "
                "use the same options or another --run."
            )


def _flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys as `outer.inner`."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= (
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return flat
