"""Settings: how networks predict, and where."""

from dataclasses import dataclass
from typing import Any, Literal

import torch

from inspire_med.errors import InputError
from inspire_med.inference.precision import Precision, choose_precision

WindowChoice = Literal["largest", "training"]
OVERLAP = 0.5  # share of a training patch that two neighbouring windows both see


@dataclass(frozen=True)
class Settings:
    """How networks predict.

    Args:
        device: Where they run.
        precision: Of their arithmetic.
        flips: Average over mirrored views (test-time augmentation).
        windows: `largest` that memory holds, or those of the `training`.
        memory: Bytes that a case's windows and answer may take; None is a share of what is free.
    """

    device: torch.device
    precision: Precision
    flips: bool = False
    windows: WindowChoice = "training"
    memory: int | None = None

    def recorded(self) -> dict[str, Any]:
        """What changes a mask, JSON-able."""
        return {
            "precision": self.precision,
            "overlap": OVERLAP,
            "windows": self.windows,
            "flips": self.flips,
        }


def find_device(name: str) -> torch.device:
    """The device of a name; `auto` is a GPU where there is one.

    Raises:
        InputError: If there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    absent = name != "cpu" and not (name.startswith("cuda") and torch.cuda.is_available())
    device = torch.device("cpu") if absent else torch.device(name)
    if absent or (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()):
        raise InputError(f"--device: there is no {name} here; give cpu or auto.")
    return device


def find_precision(
    asked: Precision | Literal["auto"], spatial_dims: int, device: torch.device
) -> Precision:
    """The precision that is asked for; `auto` measures which is right and fast on the device."""
    return choose_precision(spatial_dims, device).name if asked == "auto" else asked
