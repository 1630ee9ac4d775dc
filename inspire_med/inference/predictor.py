"""Predictor: a trained run and a case's files in, masks on the case's own grid out."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from inspire_med.cases.align import header_problems
from inspire_med.cases.case import Case
from inspire_med.cases.checking.case import check_case
from inspire_med.cases.checking.verdict import Expectation
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.cases.layouts.recognise import named_files
from inspire_med.cases.prepare import Prepared, prepare_arrays, prepare_case
from inspire_med.errors import InputError
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.masks import labels_from_regions
from inspire_med.imaging.output import write_mask
from inspire_med.imaging.picture import is_picture
from inspire_med.imaging.placement import Placement
from inspire_med.inference.model import CARD, ModelCard, read_model
from inspire_med.inference.precision import choose_precision
from inspire_med.inference.sliding_window import region_probabilities

Watch = Callable[[int, int], None]
_OVERLAP = 0.5  # share of a window that its neighbour covers as well


@dataclass(frozen=True, repr=False)
class Prediction:
    """What the network says of one case, on the case's own grid.

    Args:
        probabilities: `(regions, *spatial)` float32 in [0, 1]; zero outside the prepared crop.
        labels: `(*spatial)` uint8, in the data set's own label values.
        placement: The way back to the input's file.
        regions: Region name to label values, in the order of `probabilities`.
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]
    placement: Placement
    regions: Mapping[str, Sequence[int]]

    def __repr__(self) -> str:
        values, counts = np.unique(self.labels, return_counts=True)
        found = ", ".join(f"{v}: {n:,}" for v, n in zip(values, counts, strict=True))
        size, affine = " x ".join(map(str, self.labels.shape)), self.placement.affine
        of = "pixels"
        if affine is not None:
            spacing = Grid(self.placement.shape, affine).spacing_mm
            of = f"voxels of {' x '.join(f'{mm:.3g}' for mm in spacing)} mm"
        return f"Prediction({size} {of}; regions {', '.join(self.regions)}; labels {{{found}}})"

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the mask on the input's own grid: .nii.gz or .nii for a volume, .png for a picture.

        Raises:
            InputError: If the name ends otherwise, or if there is something by that name already.
        """
        path = Path(path)
        endings = (".png",) if self.placement.affine is None else (".nii.gz", ".nii")
        if not path.name.endswith(endings):
            raise InputError(f"{path}: this mask is no such file; end it with {endings[0]}.")
        if path.exists() and not overwrite:
            raise InputError(f"{path}: exists already; choose another or pass overwrite=True.")
        write_mask(path, self.labels, self.placement, self.regions)


class Predictor:
    """Holds a network ready; safe to keep in a server, since it writes no file and prints nothing.

    Args:
        card: What the network is.
        network: The network.
        device: Where it runs.
        precision: Fabric's name of the precision.
        flips: Average over mirrored views (test-time augmentation).
        fill_missing: Predict a case that lacks some channels; they are zero to the network.

    Example:
        >>> predictor = Predictor.load("runs/isles")                              # doctest: +SKIP
        >>> predictor.predict({"dwi": "a_dwi.nii.gz", "adc": "a_adc.nii.gz"})     # doctest: +SKIP
    """

    def __init__(
        self,
        card: ModelCard,
        network: nn.Module,
        *,
        device: torch.device,
        precision: str,
        flips: bool = False,
        fill_missing: bool = False,
    ):
        self.card = card
        self._fill_missing = fill_missing
        self._precision = precision
        self._flips = flips
        layout = torch.channels_last if len(card.patch_size) == 2 else torch.channels_last_3d
        network = network.to(device).eval()
        self._network = network.to(memory_format=layout)  # pyright: ignore[reportCallIssue]

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        device: str = "auto",
        precision: str = "auto",
        flips: bool = False,
        fill_missing: bool = False,
    ) -> "Predictor":
        """Load a run folder (its best checkpoint, else its last) or a single model folder.

        Raises:
            InputError: If there is no model in `folder`, if it is damaged, or if there is no such
                device.
        """
        card, network = read_model(model_folder(Path(folder)))
        name = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        if name != "cpu" and not (name.startswith("cuda") and torch.cuda.is_available()):
            raise InputError(f"--device: there is no {name} here; give cpu or auto.")
        place = torch.device(name)
        if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
            raise InputError(f"--device: there is no {name} here; give cpu or auto.")
        if precision == "auto":
            precision = choose_precision(len(card.patch_size), place).name
        return cls(
            card,
            network,
            device=place,
            precision=precision,
            flips=flips,
            fill_missing=fill_missing,
        )

    @property
    def settings(self) -> dict[str, str | float | bool]:
        """How it predicts: precision, overlap of windows, mirrored views."""
        return {"precision": self._precision, "overlap": _OVERLAP, "flips": self._flips}

    def paint_as(self, regions: Mapping[str, Sequence[int]], source: Path) -> None:
        """Write masks in a data set's own label values, where they are not those of the training.

        Args:
            regions: Region name to label values, of the data set.
            source: Where they come from, for the message.

        Raises:
            InputError: If the regions are others than the model's.
        """
        if regions.keys() != self.card.regions.keys():
            raise InputError(
                f"{source}: has the regions {', '.join(regions)}, but the model gives "
                f"{', '.join(self.card.regions)}; choose another --run."
            )
        values = {name: tuple(regions[name]) for name in self.card.regions}  # in output order
        self.card = replace(self.card, regions=values)

    def predict(
        self,
        images: Mapping[str, str | Path] | Mapping[str, NDArray[Any]],
        spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
        affine: NDArray[np.float64] | None = None,
    ) -> Prediction:
        """Predict one case from its files, or from arrays on one grid.

        Args:
            images: Channel name to file (several channels may come from one, as the colours of a
                picture do), or to array: `(i, j, k)`, or `(height, width)` of 0-255.
            spacing_mm: Voxel size of arrays whose axes run as RAS+; files bring their own.
            affine: In its place, of arrays whose axes run otherwise: from voxel to RAS+ mm.

        Raises:
            InputError: If a channel is missing, if a file is at fault, if the shapes of arrays
                differ, or if a voxel is not finite.
        """
        arrays = {name: item for name, item in images.items() if isinstance(item, np.ndarray)}
        if arrays:
            _refuse_missing(self.card.channels, arrays, "arrays")
            given = np.diag([*spacing_mm, 1.0]) if affine is None else affine
            prepared = prepare_arrays(arrays, self.card.channels, given, self.card.preparation)
            return self.predict_prepared(prepared)
        files = {name: Path(str(item)) for name, item in images.items()}
        return self.predict_case(named_files(self.card.task, files))

    def predict_case(self, case: Case | FoundCase, watch: Watch | None = None) -> Prediction:
        """Predict one case of a manifest, or one that a layout's reader found; no label is read.

        Args:
            case: The case.
            watch: Hears after each window how many of how many are done.

        Raises:
            InputError: If a channel is missing, or if a file is at fault.
        """
        self._check_channels(case)
        bare = replace(case, label=None)
        if isinstance(bare, FoundCase):
            expected = Expectation(
                self.card.channels,
                values=(),
                preparation=self.card.preparation,
                fill_missing=self._fill_missing,
            )
            verdict = check_case(bare, expected)
            if verdict.case is None:
                raise InputError(verdict.problems[0])
            bare = verdict.case
        bare = replace(bare, filled=self.missing(bare))
        prepared = prepare_case(bare, self.card.channels, {}, self.card.preparation)
        return self.predict_prepared(prepared, watch)

    def missing(self, case: Case | FoundCase) -> tuple[str, ...]:
        """Channels of the model that a case has no file of."""
        return tuple(name for name in self.card.channels if name not in case.images)

    def problems(self, case: Case | FoundCase) -> list[str]:
        """What keeps a case from being predicted, as far as its headers show; quick.

        Args:
            case: Of a manifest, or as a layout's reader found it.
        """
        try:
            self._check_channels(case)
        except InputError as error:
            return [str(error)]
        return header_problems(case, self.card.channels, self.card.preparation)

    def predict_prepared(self, prepared: Prepared, watch: Watch | None = None) -> Prediction:
        """Predict one prepared case; `watch` as for `predict_case`."""
        probabilities = region_probabilities(
            self._network,
            prepared.image_tensor(),
            self.card.patch_size,
            precision=self._precision,
            overlap=_OVERLAP,
            flips=self._flips,
            watch=watch,
        )
        own = prepared.placement.back(probabilities.cpu().numpy())
        labels = labels_from_regions(own > 0.5, self.card.regions)
        return Prediction(own, labels, prepared.placement, self.card.regions)

    def _check_channels(self, case: Case | FoundCase) -> None:
        filled = case.filled if isinstance(case, Case) else ()
        if self._fill_missing and len(missing := self.missing(case)) < len(self.card.channels):
            filled = missing
        files = [*case.images.values(), *([] if case.label is None else [case.label])]
        place = f"{files[0].parent}: case {case.id}" if files else f"case {case.id}"
        _refuse_missing(self.card.channels, (*case.images, *filled), place)
        dims = self.card.task.spatial_dims
        if is_picture(case.images) != (dims == 2):
            wanted = "pictures" if dims == 2 else "volumes"
            raise InputError(f"{files[0]}: the model is for {wanted}; choose another --run.")


def _refuse_missing(wanted: Sequence[str], given: Collection[str], place: str) -> None:
    missing = [name for name in wanted if name not in given]
    if missing:
        raise InputError(
            f"{place}: channel {missing[0]} is missing; the model needs {', '.join(wanted)} and "
            f"was given {', '.join(given) or 'none'}; add it, or pass --fill_missing."
        )


def model_folder(folder: Path) -> Path:
    """Find the model in a run folder, the best checkpoint or else the last, or in a model folder.

    Raises:
        InputError: If there is none.
    """
    for candidate in (folder, folder / "checkpoints" / "best", folder / "checkpoints" / "last"):
        if (candidate / CARD).is_file():
            return candidate
    raise InputError(
        f"{folder}: no trained model in it; pass a run folder of the train command, "
        f"or a folder with {CARD}."
    )
