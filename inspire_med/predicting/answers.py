"""Answers: masks, maps and doubt of case after case, and the record of them."""

from pathlib import Path
from typing import Any

from inspire_med.imaging.output import file_names, write_mask, write_probabilities
from inspire_med.inference.prediction import Prediction
from inspire_med.inference.predictor import Predictor
from inspire_med.inference.summary import summary_of
from inspire_med.predicting.doubt_files import FOLDER, doubt_of, write_tables
from inspire_med.predicting.summary import write_summary
from inspire_med.reports.doubt_page import CaseDoubt


class Answers:
    """What a folder of predictions gets.

    Args:
        folder: The folder.
        predictor: What predicts.
        with_maps: Write probabilities beside the masks.
        with_doubt: Write doubt into a folder of its own.
    """

    def __init__(
        self, folder: Path, predictor: Predictor, *, with_maps: bool, with_doubt: bool
    ) -> None:
        self.cases: dict[str, dict[str, Any]] = {}
        self.files: list[Path] = []
        self._folder = folder
        self._predictor = predictor
        self._with_maps = with_maps
        self._doubt_folder = folder / FOLDER if with_doubt else None
        self._doubts: list[CaseDoubt] = []
        self._summaries: dict[str, dict[str, dict[str, Any]]] = {}
        self._limit = predictor.doubt.limit_under(predictor.rules)

    def take(self, case: str, prediction: Prediction, own: dict[str, Any]) -> None:
        """Write what a case gets.

        Args:
            case: Its id.
            prediction: Of it.
            own: What the record says of it besides.
        """
        names = file_names(case, is_picture=prediction.placement.affine is None)
        mask, maps = (self._folder / name for name in names)
        write_mask(mask, prediction.labels, prediction.placement, prediction.regions)
        self.files.append(mask)
        if self._with_maps:
            write_probabilities(maps, prediction.maps, prediction.placement)
            self.files.append(maps)
        self.cases[case] = {**own, "seen_as": prediction.seen_as}
        self._summaries[case] = summary_of(prediction)
        if self._doubt_folder is not None or self._limit is not None:
            calibration = self._predictor.doubt.calibration
            found = doubt_of(case, prediction, calibration, self._doubt_folder)
            self.cases[case]["confidence"] = found.confidence
            self._doubts.append(found)

    def finish(self) -> None:
        """Write the summary of all; the page and tables of doubt, where they were asked for."""
        write_summary(self._folder, self._summaries)
        if self._doubt_folder is not None:
            unit = "ml" if self._predictor.card.task.spatial_dims == 3 else "%"
            write_tables(self._doubt_folder, self._doubts, self._predictor.doubt, self._limit, unit)

    @property
    def to_look_at(self) -> list[str]:
        """Cases that a person should look at, as far as a limit is known."""
        return [own.case for own in self._doubts if own.refers(self._limit) == "yes"]

    @property
    def has_lost_limit(self) -> bool:
        """Whether a limit was found, but for masks that are made by other rules."""
        return self._limit is None and self._predictor.doubt.refer_below is not None
