"""Bundle metadata: `metadata.json`, what a network is, in the keys of MONAI's schema."""

from typing import Any

import monai
import numpy as np
import torch

import inspire_med
from inspire_med.inference.model import ModelCard

SCHEMA = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/"
    "meta_schema_20240725.json"
)
_VERSION = "1.0.0"
_MODALITIES = {"mri": "MR", "ct": "CT"}


def metadata(card: ModelCard, packages: dict[str, str], sha256s: dict[str, str]) -> dict[str, Any]:
    """All that the schema asks for, JSON-able.

    Args:
        card: Of the model.
        packages: What is needed besides MONAI, PyTorch and NumPy, with versions.
        sha256s: Of the bundle's files, by their place in it.
    """
    inside = "volumes" if card.task.spatial_dims == 3 else "pictures"
    regions, channels = ", ".join(card.regions), ", ".join(card.channels)
    return {
        "schema": SCHEMA,
        "version": _VERSION,
        "changelog": {_VERSION: f"exported by inspire_med {inspire_med.__version__}"},
        "monai_version": monai.__version__,
        "pytorch_version": torch.__version__.partition("+")[0],
        "numpy_version": np.__version__,
        "required_packages_version": packages,
        "name": f"{card.task.name} segmentation",
        "task": f"Segmentation of {regions} in {inside} ({channels})",
        "description": f"A network that finds {regions} in {inside}; see docs/README.md.",
        "authors": "those who trained it; inspire_med stores no names",
        "copyright": "theirs; see LICENSE",
        "data_source": f"data set {card.manifest_hash or 'without a hash'} of task "
        f"{card.task.name}; see docs/README.md",
        "data_type": "nibabel" if card.task.spatial_dims == 3 else "png",
        "image_classes": f"{len(card.channels)} channels: {channels}",
        "label_classes": _painted(card),
        "pred_classes": f"{len(card.regions)} channels of logits, one a region: {regions}",
        "eval_metrics": {},
        "intended_use": "Research. Not a medical device, and not for diagnosis or treatment.",
        "references": [],
        "network_data_format": {
            "inputs": {"image": _image(card)},
            "outputs": {"pred": _pred(card)},
        },
        "sha256": sha256s,
    }


def _image(card: ModelCard) -> dict[str, Any]:
    intensity = card.preparation.intensity
    return {
        "type": "image",
        "format": "hounsfield" if intensity == "ct" else "magnitude",
        "modality": _MODALITIES.get(intensity, "n/a"),
        **_shape(card, card.channels),
    }


def _pred(card: ModelCard) -> dict[str, Any]:
    return {"type": "image", "format": "classes", **_shape(card, tuple(card.regions))}


def _shape(card: ModelCard, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "num_channels": len(names),
        "spatial_shape": list(card.patch_size),
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": True,
        "channel_def": {str(place): name for place, name in enumerate(names)},
    }


def _painted(card: ModelCard) -> str:
    """Label values of each region, in words."""
    each = [f"{name}: {' or '.join(map(str, values))}" for name, values in card.regions.items()]
    return "; ".join(each)
