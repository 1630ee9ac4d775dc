"""Curves: how a training run went, from its log."""

import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from inspire_med.viz import paint


def training_figure(log: Path) -> Figure:
    """Loss by step beside validation Dice by step and region, from a run's `log.jsonl`.

    Args:
        log: One JSON object a line, of kind `step` (`step`, `loss`) or `validation` (`step`,
            `dice` by region). A half line at the end, of a run that is still writing, is left out.
    """
    records = [record for line in log.read_text().splitlines() if (record := _parsed(line))]
    steps = [record for record in records if record.get("kind") == "step"]
    validations = [record for record in records if record.get("kind") == "validation"]
    figure = Figure(figsize=(9, 3), layout="constrained", dpi=110)
    left, right = figure.subplots(1, 2)
    left.plot([record["step"] for record in steps], [record["loss"] for record in steps], lw=0.8)
    left.set(xlabel="step", ylabel="training loss")
    regions = list(validations[0]["dice"]) if validations else []
    for region, colour in zip(regions, paint.colours_for(len(regions)), strict=True):
        right.plot(
            [record["step"] for record in validations],
            [record["dice"][region] for record in validations],
            color=paint.hex_colour(colour),
            marker="o",
            markersize=3,
            label=region,
        )
    right.set(xlabel="step", ylabel="validation Dice", ylim=(0, 1))
    if regions:
        right.legend(fontsize=8, frameon=False)
    return figure


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None
