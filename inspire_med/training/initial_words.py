"""Initial, in words: what of a trained model a run begins with, and what is not as it was."""

from collections.abc import Sequence
from dataclasses import asdict

from inspire_med.inference.model import ModelCard
from inspire_med.training.transfer import Axes, Transferred
from inspire_med.wording import counted, listed


def on_tensors(found: Transferred, axes: Axes, before: ModelCard, card: ModelCard) -> list[str]:
    """What was taken, and what starts untrained, a line each.

    Args:
        found: What became of the tensors.
        axes: Of the run's network.
        before: Of the model.
        card: Of the run.
    """
    regions = tuple(before.regions), tuple(card.regions)
    said = set(axes.regions) if not set(regions[0]) & set(regions[1]) else set[str]()
    fresh = [name for name in found.fresh if name not in said]
    left = [name for name in found.left if name not in said]
    lines = [
        f"{len(found.taken)} of {counted(len(found.taken) + len(found.fresh), 'tensor')} taken"
    ]
    if before.channels != card.channels and set(axes.channels) & set(found.taken):
        lines.append(_on_channels(before.channels, card.channels))
    if regions[0] != regions[1]:
        lines.append(_on_regions(*regions))
    if fresh:
        lines.append(f"{counted(len(fresh), 'tensor')} untrained: {listed(fresh, 2)}")
    if left:
        lines.append(f"{counted(len(left), 'tensor')} of the model left out: {listed(left, 2)}")
    return lines


def on_preparation(before: ModelCard, card: ModelCard) -> list[str]:
    """Where cases come to the network otherwise than they did to the model, a line each."""
    old, new = asdict(before.preparation), asdict(card.preparation)
    kinds = {
        "spacing_mm": ("spacing", " mm"),
        "image_size": ("pictures", " pixels"),
        "orientation": ("axes", ""),
        "intensity": ("intensity", ""),
        "crop_to_foreground": ("cropping", ""),
        "register": ("registration", ""),
    }
    lines = [
        f"{words}: the model was trained at {_written(old[name], unit)}, "
        f"this run at {_written(new[name], unit)}"
        for name, (words, unit) in kinds.items()
        if old[name] != new[name]
    ]
    same_scheme = old["intensity"] == new["intensity"]
    if same_scheme and old["intensity_statistics"] != new["intensity_statistics"]:
        lines.append("intensity: scaled by this run's own training cases, not by the model's")
    return lines


def _on_channels(old: Sequence[str], new: Sequence[str]) -> str:
    return "channels: " + _by_name(old, new, f"from the mean of {', '.join(old)}")


def _on_regions(old: Sequence[str], new: Sequence[str]) -> str:
    return "regions: " + _by_name(old, new, f"untrained (the model has {', '.join(old)})")


def _by_name(old: Sequence[str], new: Sequence[str], otherwise: str) -> str:
    """Which names the model knows, and what becomes of the others."""
    known = [name for name in new if name in old]
    others = [name for name in new if name not in old]
    parts = [f"{', '.join(known)} by name"] if known else []
    return "; ".join([*parts, f"{', '.join(others)} {otherwise}"] if others else parts)


def _written(value: object, unit: str) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "each case's own"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " x ".join(f"{each:g}" for each in value) + unit
    return str(value)
