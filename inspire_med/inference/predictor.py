"""Predictor: a trained run and a case's files in, masks on the case's own grid out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from inspire_med.data.case import Case
from inspire_med.data.check import Expectation, check_case
from inspire_med.data.layouts.found import FoundCase
from inspire_med.data.preprocess import Prepared
from inspire_med.data.restore import labels_from_regions, restore
from inspire_med.errors import InputError
from inspire_med.inference.model import CARD, ModelCard, read_model
from inspire_med.inference.precision import choose_precision
from inspire_med.inference.sliding_window import region_probabilities


@dataclass(frozen=True)
class Prediction:
    """What the network says of one case, on the case's own grid.

    Args:
        probabilities: `(regions, *spatial)` float32 in [0, 1]; zero outside the prepared crop.
        labels: `(*spatial)` uint8, in the data set's own label values.
        record: What `data.restore.write_mask` needs to write them as the input was.
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]
    record: dict[str, Any]


class Predictor:
    """Holds a network ready; safe to keep in a server, since it writes no file and prints nothing.

    Args:
        card: What the network is.
        network: The network.
        device: Where it runs.
        precision: Fabric's name of the precision.
        flips: Average over mirrored views (test-time augmentation).

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
    ):
        self.card = card
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
    ) -> "Predictor":
        """Load a run folder (its best checkpoint, else its last) or a single model folder.

        Raises:
            InputError: If there is no model in `folder`, or if it is damaged.
        """
        card, network = read_model(_model_folder(Path(folder)))
        name = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        place = torch.device(name)
        if precision == "auto":
            precision = choose_precision(len(card.patch_size), place).name
        return cls(card, network, device=place, precision=precision, flips=flips)

    def predict(
        self,
        images: Mapping[str, str | Path] | Mapping[str, NDArray[Any]],
        spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> Prediction:
        """Predict one case from its files, or from arrays on one grid.

        Args:
            images: Channel name to file (several channels may come from one, as the colours of a
                picture do), or to array: `(i, j, k)`, or `(height, width)` of 0-255.
            spacing_mm: Voxel size of arrays; files bring their own.

        Raises:
            InputError: If a channel is missing, if a file is at fault, if the shapes of arrays
                differ, or if a voxel is not finite.
        """
        self._check_channels(images)
        arrays = {name: item for name, item in images.items() if isinstance(item, np.ndarray)}
        if arrays:
            preprocessor = self.card.preprocessor()
            prepared = preprocessor.prepare_arrays(arrays, self.card.channels, spacing_mm)
            return self.predict_prepared(prepared)
        files = {name: Path(str(item)) for name, item in images.items()}
        several = len(set(files.values())) < len(files)
        components = {name: i for i, name in enumerate(self.card.channels)} if several else {}
        return self.predict_found(FoundCase("case", "case", files, components=components))

    def predict_found(self, found: FoundCase) -> Prediction:
        """Predict one case that a layout's reader found, after checking its files.

        Raises:
            InputError: If a channel is missing, or if a file is at fault.
        """
        self._check_channels(found.images)
        expected = Expectation(
            self.card.channels, values=(), grids_differ=self.card.preprocessor().grids_differ
        )
        verdict = check_case(replace(found, label=None), expected)
        if verdict.case is None:
            raise InputError(verdict.problems[0])
        return self.predict_case(verdict.case)

    def predict_case(self, case: Case) -> Prediction:
        """Predict one case of a manifest; its label is not looked at.

        Raises:
            InputError: If a channel is missing, or if a file is at fault.
        """
        self._check_channels(dict.fromkeys((*case.images, *case.filled)))
        prepared = self.card.preprocessor().prepare(
            replace(case, label=None), self.card.channels, {}
        )
        return self.predict_prepared(prepared)

    def predict_prepared(self, prepared: Prepared) -> Prediction:
        """Predict one prepared case."""
        probabilities = region_probabilities(
            self._network,
            prepared.image_tensor(),
            self.card.patch_size,
            precision=self._precision,
            flips=self._flips,
        )
        own = restore(probabilities.cpu().numpy(), prepared.record)
        return Prediction(own, labels_from_regions(own > 0.5, self.card.regions), prepared.record)

    def _check_channels(self, images: Mapping[str, Any]) -> None:
        wanted = self.card.channels
        missing = [name for name in wanted if name not in images]
        if missing:
            raise InputError(
                f"channel {missing[0]}: missing; the model needs {', '.join(wanted)} "
                f"and was given {', '.join(images) or 'none'}."
            )


def _model_folder(folder: Path) -> Path:
    for candidate in (folder, folder / "checkpoints" / "best", folder / "checkpoints" / "last"):
        if (candidate / CARD).is_file():
            return candidate
    raise InputError(
        f"{folder}: no trained model in it; pass a run folder of the train command, "
        f"or a folder with {CARD}."
    )
