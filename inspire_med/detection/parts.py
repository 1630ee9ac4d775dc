"""Parts: importing this registers everything that a config of this project names.

custom_imports = dict(imports=["inspire_med.detection.parts"])
"""

from inspire_med.detection import (
    canvas,
    coco_metric,
    crop,
    efficientnet_lite,
    feedback,
    instance_tta,
    neck,
    panoptic,
    panoptic_quality,
    sparseinst,
    spinenet,
)

__all__ = [
    "canvas",
    "coco_metric",
    "crop",
    "efficientnet_lite",
    "feedback",
    "instance_tta",
    "neck",
    "panoptic",
    "panoptic_quality",
    "sparseinst",
    "spinenet",
]
