"""Shown set: the cases that a person leafs through: scans, and masks that were predicted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inspire_med.cases.case import Case
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.cases.layouts.recognise import find_inputs
from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.evaluation.pairs import find_masks
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.picture import is_picture
from inspire_med.imaging.volume import read_grid
from inspire_med.inference.members import model_folders
from inspire_med.inference.model import read_card
from inspire_med.reports.case_view import CaseView, view_case
from inspire_med.viz.planes import Upright, upright


@dataclass(frozen=True)
class ShownSet:
    """Cases that have a mask.

    Attributes:
        cases: By id.
        masks: The predicted ones, likewise.
        regions: Name to label values.
        ignore: The set's label value of voxels that nobody has judged.
    """

    cases: Mapping[str, Case]
    masks: Mapping[str, Path]
    regions: Mapping[str, Sequence[int]]
    ignore: int | None = None

    def channels(self, case: str) -> list[str]:
        """Channels of a volume that lie on its mask's grid; none of a picture."""
        own = self.cases[case]
        if is_picture(own.images):
            return []
        parts = own.components
        return [
            name
            for name, path in own.images.items()
            if read_grid(path, parts.get(name)).shape == own.shape
        ]

    def view(self, case: str, channel: str | None = None) -> CaseView:
        """Read a case with its mask; errors are those of `view_case`."""
        return view_case(
            self.cases[case], self.regions, self.masks[case], channel, ignore=self.ignore
        )

    def upright(self, case: str, channel: str | None = None) -> Upright:
        """Read a case with its masks turned for the eye; errors are those of `view_case`."""
        view = self.view(case, channel)
        masks = {"reference": view.reference, "prediction": view.prediction}
        return upright(view.image, masks, view.spacing_mm, view.affine)


def shown_set(source: Path, folders: Sequence[Path], run: Path | None = None) -> ShownSet:
    """Find the cases whose masks lie in these folders.

    Args:
        source: A manifest; or, with a run, whatever `predict --input` takes.
        folders: Of masks, each by case id; of a case in several the first one's is shown.
        run: Of a source that is no manifest: whose task says how its files are named, and which
            labels are which region. A run's folder or a model's.

    Raises:
        InputError: If a folder holds no masks, the source cannot be read, or none of its cases has
            a mask.
    """
    masks: dict[str, Path] = {}
    for folder in folders:
        masks = {**find_masks(folder), **masks}
    if source.suffix == ".json":
        manifest = Manifest.load(source)
        cases = {case.id: case for case in manifest.cases if case.id in masks}
        found = ShownSet(cases, masks, manifest.regions, manifest.task.preparation.ignore)
    elif run is None:
        raise InputError(f"{source}: no manifest, so a run must say what is in it; give one.")
    else:
        card = read_card(model_folders(run)[0])
        inputs = find_inputs(card.task, source).cases
        cases = {case.id: _under(case, masks[case.id]) for case in inputs if case.id in masks}
        found = ShownSet(cases, masks, card.regions, card.task.preparation.ignore)
    if not found.cases:
        raise InputError(
            f"{folders[0]}: holds no mask of a case of {source}; give the folder that these cases "
            "were predicted into."
        )
    return found


def _under(found: FoundCase, mask: Path) -> Case:
    """A case that no check has seen, on the grid of its mask."""
    labels = read_labels(mask)
    return Case(
        found.id,
        found.patient,
        found.images,
        labels.labels.shape,
        labels.spacing_mm,
        found.label,
        components=found.components,
    )
