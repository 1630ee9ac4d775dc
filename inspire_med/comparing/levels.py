"""Levels: variants with more or fewer levels than the plan of sizes has."""

import math
from collections.abc import Collection
from typing import Any

from inspire_med.cases.planning.plan import Plan
from inspire_med.cases.planning.topology import topology
from inspire_med.comparing.variants import Variant
from inspire_med.config import TrainConfig
from inspire_med.errors import InputError

_SUPERVISION = "network.deep_supervision"


def at_own_levels(
    variant: Variant, config: TrainConfig, sizes: Plan, asked: Collection[str]
) -> Variant:
    """The variant with strides and kernels for its own number of levels, by the plan's rule.

    What it asks for itself stays. A variant of as many levels as the plan's, and one whose encoder
    or network has its own, is as it was.

    Args:
        variant: One of those compared.
        config: Options of all, by the plan.
        sizes: The plan.
        asked: Names of the options that were asked for, for all variants.

    Raises:
        InputError: If strides or kernels that were asked for are those of another number of levels.
    """
    own = variant.of(config)
    levels = len(own.network.widths)
    free = own.network.monai is None and own.network.encoder is None
    if not free or levels == len(sizes.widths):
        return variant
    size = own.data.patch_size or own.data.image_size
    assert size is not None  # a request without either is refused
    voxel = own.data.spacing_mm or (1.0,) * len(size)
    found = topology(voxel, [math.ceil(edge / own.network.stem_stride) for edge in size], levels)
    filled: dict[str, Any] = {
        "network.strides": found.strides,
        "network.kernel_sizes": found.kernel_sizes,
    }
    for name in filled:
        if name in asked and name not in variant.options:
            raise InputError(
                f"network.widths has {levels} levels, and --{name}, which is asked for all "
                f"variants, goes with {len(sizes.widths)}; give the variant its own {name}."
            )
    if _SUPERVISION not in asked:
        filled[_SUPERVISION] = min(config.network.deep_supervision, levels)
    return Variant(variant.name, {**filled, **variant.options}, variant.file)
