"""Measures: what each name in a scores file means to a reader."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Measure:
    """How a measure is written.

    Attributes:
        title: Its name in a table.
        unit: `mm`, `voxels`, `px`, `ml`, `count`, or empty for a ratio between 0 and 1.
        better: Where good values lie.
    """

    title: str
    unit: Literal["", "mm", "voxels", "px", "ml", "count"]
    better: Literal["high", "low", "zero"]

    @property
    def is_ratio(self) -> bool:
        """Whether values lie between 0 and 1."""
        return self.unit == ""

    def written(self, value: float | None) -> str:
        """A value with the digits that mean something; a dash where it is undefined."""
        if value is None or not np.isfinite(value):
            return "–"
        digits = 3 if self.is_ratio else 2
        rounded = round(value, digits) + 0.0  # no minus sign before zero
        return f"{rounded:.{digits}f}".replace("-", "−")


MEASURES: dict[str, Measure] = {
    "dice": Measure("Dice", "", "high"),
    "iou": Measure("IoU", "", "high"),
    "precision": Measure("Precision", "", "high"),
    "recall": Measure("Recall", "", "high"),
    "specificity": Measure("Specificity", "", "high"),
    "hd95_mm": Measure("HD95", "mm", "low"),
    "assd_mm": Measure("ASSD", "mm", "low"),
    "nsd@1mm": Measure("NSD @ 1 mm", "", "high"),
    "nsd@2mm": Measure("NSD @ 2 mm", "", "high"),
    "volume_difference_ml": Measure("Volume difference", "ml", "zero"),
}

CALIBRATION: dict[str, Measure] = {
    "ece": Measure("Calibration error", "", "low"),
    "brier": Measure("Brier score", "", "low"),
}

CALIBRATION_POLICY = (
    "ece, brier: of the region's probabilities against its mask, over all voxels of the volume; "
    "a large background is easy, so compare them within one data set alone",
)


def in_pixels(measures: dict[str, Measure]) -> dict[str, Measure]:
    """The same measures as they read for flat images, whose pixels have no size in mm."""
    return {
        name: replace(
            measure,
            title=measure.title.replace(" mm", " px"),
            unit="px" if measure.unit == "mm" else measure.unit,
        )
        for name, measure in measures.items()
    }
