"""Kinds: protocols by masks, by pictures and grey maps, or by a whole data set at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.imaging.grey_map import BLACK_UP_TO
from inspire_med.imaging.masks import ANY_LABEL, Regions

# From a region's mask in the whole volume and its probabilities, `(*spatial)`, to measures by name.
MapScores = Callable[[NDArray[np.bool_], NDArray[Any]], Mapping[str, float]]


def regions_in_words(regions: Regions) -> str:
    """One line that says which labels make up which region."""
    parts = [
        f"{name} = any label but 0" if values == ANY_LABEL else f"{name} = {_listed(values)}"
        for name, values in regions.items()
    ]
    return f"regions by label: {'; '.join(parts)}"


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))


@dataclass(frozen=True)
class RegionPair:
    """One region of one case, cropped to where there is any foreground.

    Attributes:
        reference: Boolean `(*spatial)`.
        prediction: Likewise.
        spacing_mm: Voxel size along each axis.
        shape: Of the whole volume; what lies outside the crop is background.
        origin: Where in the whole volume the crop begins.
        name: Of the region.
        tissues: The regions its protocol scores it beside, by name, on the same crop.
        unjudged: Voxels of the whole volume that nobody has judged; both masks are empty there.
    """

    reference: NDArray[np.bool_]
    prediction: NDArray[np.bool_]
    spacing_mm: tuple[float, ...]
    shape: tuple[int, ...]
    origin: tuple[int, ...]
    name: str = ""
    tissues: "Mapping[str, RegionPair]" = field(default_factory=dict[str, "RegionPair"])
    unjudged: int = 0

    @cached_property
    def size(self) -> int:
        """Voxels of the whole volume that count."""
        return prod(self.shape) - self.unjudged


def _none(cases: Sequence[CaseScores], sites: Mapping[str, str]) -> list[str]:
    return []


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What every protocol says of itself.

    Attributes:
        name: As on the command line.
        title: What it is, for the report.
        policy: The rules, a line each, printed with every score.
        measures: How each of its measures is written, in order.
        ranked_by: Those that a ranking of methods counts, each of them once.
        remarks: What a set says beside its means, a sentence each: from its cases and the sites of
            those that have one.
        of_videos: Whether a case is a video: its frames are predicted, their mean is its score.
    """

    name: str
    title: str
    policy: tuple[str, ...]
    measures: Mapping[str, Measure]
    ranked_by: tuple[str, ...]
    of_videos: bool = False
    remarks: Callable[[Sequence[CaseScores], Mapping[str, str]], list[str]] = _none

    @property
    def scores_maps(self) -> bool:
        """Whether it scores predictions that were not thresholded.

        `predict` writes them for its tasks, and `evaluate` and `compare` ask for them.
        """
        return False


@dataclass(frozen=True, kw_only=True)
class MaskProtocol(Protocol):
    """Scores a predicted mask against a reference mask, region by region.

    Attributes:
        score: From a region of a case to its result.
        regions: Its own regions by label values; None takes those of the data set. Where the data
            set names a region alike, the data set's label values count.
        spatial_dims: What it can score: images (2), volumes (3).
        tissues: Regions by label values that every region is scored beside.
        score_map: Of protocols that score the probabilities beside the mask, too.
    """

    score: Callable[[RegionPair], RegionResult]
    regions: Regions | None = None
    spatial_dims: tuple[int, ...] = (2, 3)
    tissues: Regions = field(default_factory=dict[str, Sequence[int]])
    score_map: MapScores | None = None

    @property
    def scores_maps(self) -> bool:
        """Whether it scores the probabilities, too."""
        return self.score_map is not None


@dataclass(frozen=True, kw_only=True)
class PictureProtocol(Protocol):
    """Scores a picture of a mask against a reference mask, both by the grey that is foreground.

    Attributes:
        score: From a boolean mask and a map in [0, 1] of its shape, (height, width), to the result.
        region: The name of what the picture shows.
        white_above: The grey of 8 bits above which a mask is foreground.
    """

    score: Callable[[NDArray[np.bool_], NDArray[np.float64]], RegionResult]
    region: str
    white_above: int = BLACK_UP_TO


class OfMeanCurve(NamedTuple):
    """A value of the whole set: a statistic of the curve averaged over all cases.

    Attributes:
        curve: The name among a result's `curves`.
        statistic: From mean curves, `(..., thresholds)`, to the value of each, `(...)`.
    """

    curve: str
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class MapProtocol(PictureProtocol):
    """Scores a grey map, not thresholded, against a reference mask.

    Attributes:
        whole_set: Summary values by measure that a mean over cases does not give, and how the
            whole set does.
    """

    whole_set: Mapping[str, OfMeanCurve]

    @property
    def scores_maps(self) -> bool:
        """Always."""
        return True


@dataclass(frozen=True, kw_only=True)
class SetProtocol(Protocol):
    """Scores a file of predictions for a whole data set against a file of references.

    Attributes:
        score: From reference and prediction file to the results; a category is a region.
    """

    score: Callable[[Path, Path], CaseScores]
