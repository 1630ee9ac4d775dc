"""Presets: the numbers of networks and trainings, by the shape of what they see."""

from typing import Any

from inspire_med.tasks.task import Shape

# Of a task that brings none of its own, where no plan is made. Small enough for small data; a case
# smaller than the patch is padded.
TRAINING: dict[Shape, dict[str, Any]] = {
    "volume": {"max_steps": 10_000, "data": {"patch_size": [64, 64, 64], "batch_size": 2}},
    "picture": {
        "max_steps": 10_000,
        "data": {"patch_size": None, "batch_size": 8, "image_size": [256, 256]},
    },
}

# Widths are chosen for two cores: about 3 million parameters for images, a quarter of that for
# volumes. Batch norm learns faster than instance norm in runs of some hundred steps of two patches;
# with a batch of one, take instance norm. A polyp's edge is smooth: half the grid is fine enough,
# and a step costs about a quarter.
PRESETS: dict[Shape, dict[str, Any]] = {
    "volume": {"spatial_dims": 3, "widths": [16, 32, 64, 128], "norm": "batch"},
    "picture": {
        "spatial_dims": 2,
        "widths": [24, 48, 96, 192, 256],
        "stem_stride": 2,
        "norm": "batch",
    },
}
