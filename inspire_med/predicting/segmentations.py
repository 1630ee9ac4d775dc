"""Segmentations: masks as DICOM, of cases that came as DICOM, in a folder of their own."""

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from inspire_med.cases.align import reference_channel
from inspire_med.cases.case import Case
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.errors import InputError
from inspire_med.imaging.dicom.known import claims_dicom
from inspire_med.inference.prediction import Prediction
from inspire_med.inference.predictor import Predictor

_NEEDED = ("pydicom", "highdicom")
FOLDER = "dicom_seg"  # beside the masks, among which evaluate takes every volume for a case
_DIGEST = 16  # characters of a sha256 that name the weights


class Segmentations:
    """Writes `<case id>.dcm` a case, over the series whose grid is the case's own.

    Args:
        folder: Of the predictions.
        predictor: What predicts.
        cases: All that will be predicted.

    Raises:
        InputError: If one is not from DICOM, or the package that writes it is missing.
    """

    def __init__(
        self, folder: Path, predictor: Predictor, cases: Sequence[Case | FoundCase]
    ) -> None:
        if any(find_spec(name) is None for name in _NEEDED):
            raise InputError(
                f"--dicom_seg: needs {' and '.join(_NEEDED)}; pip install 'inspire-med[dicom]'."
            )
        self._folder = folder / FOLDER
        self._task = predictor.card.task
        self._sources = {case.id: _grid_file(case, predictor) for case in cases}
        for case, file in self._sources.items():
            if not claims_dicom(file):
                raise InputError(
                    f"--dicom_seg: case {case} is of {file}, which is no DICOM series to lay a "
                    "segmentation over; give the series, or leave the option out."
                )
        one, *others = predictor.weights_sha256
        known = hashlib.sha256(" ".join([one, *others]).encode()).hexdigest() if others else one
        self._author = f"inspire_med {self._task.name}", known[:_DIGEST]

    def take(self, case: str, prediction: Prediction) -> None:
        """Write a case's.

        Raises:
            InputError: As `write_segmentation`.
        """
        from inspire_med.imaging.dicom.series import series_of
        from inspire_med.interop.dicom_seg import Author, write_segmentation

        affine = prediction.placement.affine
        if affine is None:
            raise InputError(f"--dicom_seg: case {case} is a picture; leave the option out.")
        write_segmentation(
            self._folder / f"{case}.dcm",
            prediction.labels,
            affine,
            prediction.regions,
            series_of(self._sources[case]),
            Author(*self._author),
            self._task.codes,
            self._task.words,
        )


def remove_segmentations(folder: Path, cases: Sequence[Case | FoundCase]) -> None:
    """Remove those of an earlier request, before the first of these cases' masks is replaced.

    A viewer would show what is no longer the mask of the case.
    """
    for case in cases:
        (folder / FOLDER / f"{case.id}.dcm").unlink(missing_ok=True)


def _grid_file(case: Case | FoundCase, predictor: Predictor) -> Path:
    """The file of the channel whose grid is the case's own."""
    card = predictor.card
    return case.images[reference_channel(case.images, card.channels, card.preparation)]
