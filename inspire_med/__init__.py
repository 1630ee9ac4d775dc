"""inspire_med: medical image segmentation with INSPIRE blocks on MONAI."""

import importlib
from types import ModuleType

__version__ = "0.1.0"

_ROOMS = (
    *("blocks", "cases", "detection", "evaluation", "imaging", "inference", "losses"),
    *("interop", "metric", "networks", "reports", "tasks", "training", "viz"),
)


def __getattr__(name: str) -> ModuleType:
    """Import a room when it is first asked for: `import inspire_med` alone stays quick."""
    if name in _ROOMS:
        return importlib.import_module(f"inspire_med.{name}")
    raise AttributeError(f"module 'inspire_med' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})
