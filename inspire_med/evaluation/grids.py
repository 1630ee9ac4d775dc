"""Grids: that two masks, or a mask and a map, lie on one."""

from inspire_med.errors import InputError
from inspire_med.imaging.grid import corner_distance_mm, same_grid, tolerance_mm
from inspire_med.imaging.labels import LabelMap


def check_grids(reference: LabelMap, prediction: LabelMap, *, ignore_affine: bool) -> None:
    """Refuse two masks that are not on one grid.

    Raises:
        InputError: If shapes differ, or corners lie more than `tolerance_mm` apart.
    """
    if reference.labels.shape != prediction.labels.shape:
        raise InputError(
            f"{prediction.name}: shape {prediction.labels.shape}, but its reference "
            f"{reference.name} has {reference.labels.shape}; write it on the case's own grid."
        )
    own, other = reference.grid, prediction.grid
    if ignore_affine or own is None or other is None:
        return
    if not same_grid(own, other):
        distance, most = corner_distance_mm(own, other), tolerance_mm(own, other)
        raise InputError(
            f"{prediction.name}: its affine differs: it lies up to {distance:.2g} mm away from "
            f"{reference.name}, more than the {most:.2g} mm that are put up with; write it on the "
            "case's own grid, or pass --ignore_affine to compare voxel by voxel."
        )
