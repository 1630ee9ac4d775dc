"""Beside: what is written next to masks where it is asked for."""

from collections.abc import Sequence

from inspire_med.cases.case import Case
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.inference.prediction import Prediction
from inspire_med.inference.predictor import Predictor
from inspire_med.predicting.options import PredictOptions
from inspire_med.predicting.overlays import write_overlay
from inspire_med.predicting.segmentations import Segmentations, remove_segmentations
from inspire_med.predicting.views import Views


class Beside:
    """Segmentations as DICOM, pages and pictures to look at; each in a folder of its own.

    Args:
        options: What was asked for.
        predictor: What predicts.
        cases: All that will be predicted.

    Raises:
        InputError: As `Segmentations` and `Views`.
    """

    def __init__(
        self, options: PredictOptions, predictor: Predictor, cases: Sequence[Case | FoundCase]
    ) -> None:
        folder = options.output
        self._folder, self._card, self._cases = folder, predictor.card, cases
        self._segmentations = Segmentations(folder, predictor, cases) if options.dicom_seg else None
        self._views = Views(folder, predictor, with_doubt=options.doubt) if options.view else None
        self._overlays = options.overlays
        self.kinds = {
            name: bool(getattr(options, name))
            for name in ("doubt", "dicom_seg", "view", "overlays")
        }

    def remove_older(self) -> None:
        """Remove segmentations of an earlier request, whose masks are about to be replaced."""
        remove_segmentations(self._folder, self._cases)

    def take(self, case: Case | FoundCase, prediction: Prediction) -> None:
        """Write what a case gets.

        Raises:
            InputError: As `Segmentations.take` and `Views.take`.
        """
        if self._segmentations is not None:
            self._segmentations.take(case.id, prediction)
        if self._views is not None:
            self._views.take(case, prediction)
        if self._overlays:
            write_overlay(self._folder, case, prediction, self._card)
