"""Intensity: voxel values that mean the same from scanner to scanner, by the task's scheme."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
from monai.transforms.intensity.array import NormalizeIntensity
from numpy.typing import NDArray

from inspire_med.tasks.task import Intensity, Preparation

SAMPLED = 10_000  # foreground voxels a case that the statistics of CT are taken from
_WITHIN = NormalizeIntensity(nonzero=True)
_WHOLE = NormalizeIntensity()


def with_scheme(preparation: Preparation, intensity: Intensity | None) -> Preparation:
    """A task's preparation with another scheme; None, or its own, leaves it as it is.

    Volumes are cropped to what is not zero under `mri` alone.
    """
    if intensity in (None, preparation.intensity):
        return preparation
    volumes = preparation.orientation is not None
    crops = volumes and intensity == "mri"
    return replace(preparation, intensity=intensity, crop_to_foreground=crops)


def foreground_of(channels: Sequence[NDArray[Any]], preparation: Preparation) -> NDArray[np.bool_]:
    """Where a case shows something: under `mri`, what is not zero in some channel.

    Elsewhere zero says nothing (in CT it is water, and air is not zero), and all is foreground.
    """
    if preparation.intensity == "mri":
        return reduce(np.logical_or, (channel != 0 for channel in channels))
    return np.ones(channels[0].shape, bool)


def normalise(
    values: NDArray[Any],
    channels: Sequence[str],
    foreground: NDArray[np.bool_],
    preparation: Preparation,
) -> NDArray[np.float32]:
    """Bring (channels, *spatial) to what the network sees; see `Preparation.intensity`.

    Args:
        values: Any unit.
        channels: Their names.
        foreground: (*spatial), as `foreground_of` finds it.
        preparation: Has the scheme, and of `ct` and `fixed` the statistics.
    """
    pairs = zip(values, channels, strict=True)
    return np.stack([normalise_channel(*pair, foreground, preparation) for pair in pairs])


def normalise_channel(
    channel: NDArray[Any], name: str, foreground: NDArray[np.bool_], preparation: Preparation
) -> NDArray[np.float32]:
    """Bring one channel, (*spatial), to what the network sees; as `normalise` does it."""
    match preparation.intensity:
        case "mri":
            return z_score_within(channel, foreground)
        case "ct":
            return _windowed(channel, preparation.intensity_statistics[name])
        case "rgb":
            return np.asarray(_WHOLE(channel.astype(np.float32)))
        case "fixed":
            return _standardised(channel, preparation.intensity_statistics[name])
        case "none":
            return channel.astype(np.float32)


def z_score_within(volume: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(x - mean) / sd over the non-zero voxels inside of one channel; elsewhere exactly zero."""
    return np.asarray(_WITHIN(np.where(inside, volume, np.float32(0))))


def spread_sample(values: NDArray[Any], count: int = SAMPLED) -> NDArray[Any]:
    """At most `count` of the rows of an array, evenly spread; the same of the same."""
    if len(values) <= count:
        return values
    return values[np.linspace(0, len(values) - 1, count).round().astype(int)]


def statistics_of(samples: Iterable[Mapping[str, NDArray[Any]]]) -> dict[str, dict[str, float]]:
    """Statistics for `ct`: percentiles 0.5 and 99.5, mean and sd of each channel.

    Args:
        samples: Of each training case, by channel, values of its labelled voxels (Isensee et al.,
            Nature Methods 2021).
    """
    gathered: dict[str, list[NDArray[Any]]] = {}
    for sample in samples:
        for channel, values in sample.items():
            gathered.setdefault(channel, []).append(values)
    statistics: dict[str, dict[str, float]] = {}
    for channel, parts in gathered.items():
        values = np.concatenate(parts).astype(np.float64)
        low, high = np.percentile(values, (0.5, 99.5))
        found = {"low": low, "high": high, "mean": values.mean(), "sd": values.std()}
        statistics[channel] = {name: float(value) for name, value in found.items()}
    return statistics


def _windowed(channel: NDArray[Any], statistics: Mapping[str, float]) -> NDArray[np.float32]:
    """Clipped to the percentiles, then (x - mean) / sd."""
    return _standardised(np.clip(channel, statistics["low"], statistics["high"]), statistics)


def _standardised(channel: NDArray[Any], statistics: Mapping[str, float]) -> NDArray[np.float32]:
    """(x - mean) / sd; a constant is not divided by nothing."""
    values = channel - statistics["mean"]
    values /= statistics["sd"] or 1.0
    return values.astype(np.float32, copy=False)
