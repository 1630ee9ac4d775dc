"""Result: what scoring one case yields."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Score(NamedTuple):
    """One measure of one region; NaN or infinite where it is undefined."""

    region: str
    measure: str
    value: float


@dataclass(frozen=True)
class Lesion:
    """One lesion of the reference, or one found where the reference has none.

    Attributes:
        kind: `matched` and `missed` are lesions of the reference, `spurious` ones of the
            prediction.
        size: Its own volume in mm3 (area in px for images).
        centre: Mean voxel position in the whole volume.
        dice: Overlap with what was predicted for it; NaN for a spurious one.
        hd95_mm: Distance to what was predicted for it; NaN for a spurious one.
        counted: False where the protocol's size threshold leaves it out of its numbers.
    """

    kind: Literal["matched", "missed", "spurious"]
    size: float
    centre: tuple[float, ...]
    dice: float = float("nan")
    hd95_mm: float = float("nan")
    counted: bool = True


@dataclass(frozen=True)
class RegionResult:
    """One region of one case under a protocol.

    Attributes:
        measures: Value by name; NaN or infinite where undefined.
        lesions: Those of the reference, then the spurious ones; empty where a protocol has none.
        curves: Values over a protocol's thresholds by name, for curves of the whole set.
        sizes: Of reference and prediction in ml; in px for images.
    """

    measures: Mapping[str, float]
    lesions: tuple[Lesion, ...] = ()
    curves: Mapping[str, NDArray[np.float64]] = field(default_factory=dict[str, NDArray[Any]])
    sizes: tuple[float, float] = (float("nan"), float("nan"))


@dataclass(frozen=True)
class CaseScores:
    """The results of one case.

    Attributes:
        case: Its id.
        regions: By name.
        notes: What its readers had to decide, a sentence each.
        thresholded: Whether its map holds two values alone, as a mask does.
    """

    case: str
    regions: Mapping[str, RegionResult]
    notes: tuple[str, ...] = ()
    thresholded: bool = False

    @property
    def scores(self) -> Iterator[Score]:
        """Every measure of every region, in the order of both."""
        for region, result in self.regions.items():
            for measure, value in result.measures.items():
                yield Score(region, measure, value)
