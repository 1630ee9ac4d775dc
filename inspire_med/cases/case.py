"""Case: the files of one study, read where they lie."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One study: its image files by channel name, and its label file.

    Args:
        id: Unique in the manifest; the prediction's file name.
        patient: Whom it is of; where that is not known, the sequence, or else the case itself.
        images: Channel name to file. Several channels may come from one file (RGB, 4-D volumes).
        shape: Size of the case's own grid: (i, j, k) of the file, or (height, width).
        spacing_mm: Voxel size on that grid; images have no unit and get 1.0.
        label: The expert's mask, None where there is none.
        site: Subgroup of the set that folds are balanced over: centre, grade or sub-collection.
        fold: Fold in which the case is validated; None is never.
        components: Channel name to its index in a file that holds several channels.
        filled: Channels that the case lacks and that are filled with zeros by request.
        sequence: The video that it is a frame of; empty where it is of none.
    """

    id: str
    patient: str
    images: Mapping[str, Path]
    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    label: Path | None = None
    site: str = ""
    fold: int | None = None
    components: Mapping[str, int] = field(default_factory=dict)
    filled: tuple[str, ...] = ()
    sequence: str = ""

    def missing_file(self) -> Path | None:
        """The first of the case's files that is not there, if any."""
        files = [*self.images.values(), *([] if self.label is None else [self.label])]
        return next((file for file in files if not os.access(file, os.F_OK)), None)
