"""Example: a case predicted by a network that has not trained on it, with its reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.evaluation.origin import RECORD
from inspire_med.evaluation.pairs import find_probabilities
from inspire_med.files import read_json
from inspire_med.imaging.grid import same_grid
from inspire_med.imaging.labels import LabelMap, read_labels
from inspire_med.imaging.masks import (
    Regions,
    among,
    bounding_box,
    labels_from_regions,
    region_masks,
    values_of,
)
from inspire_med.imaging.probabilities import read_probabilities
from inspire_med.imaging.resample import in_order_of
from inspire_med.inference.doubt import EIGHT_BITS, FINE
from inspire_med.inference.postprocess import RegionRules, size_of_voxel
from inspire_med.wording import listed


@dataclass(frozen=True)
class Example:
    """A case and its prediction.

    Args:
        id: Of the case.
        fold: The fold whose network predicted it.
        label: Its reference.
        probabilities: What was predicted.
        ignore: Label value of voxels that nobody has judged.
    """

    id: str
    fold: int
    label: Path
    probabilities: Path
    ignore: int | None = None

    def open(self, regions: Regions) -> "OpenExample":
        """Read both.

        Raises:
            InputError: If a file is broken, or the two lie on different grids.
        """
        reference = read_labels(self.label, {0, *values_of(regions)}, self.ignore)
        judged = reference.judged
        read = read_probabilities(self.probabilities, list(regions))
        return OpenExample(
            {name: among(reference.labels, values) for name, values in regions.items()},
            {name: self._beside(reference, own, read.affine) for name, own in read.maps.items()},
            reference.spacing_mm,
            size_of_voxel(reference.labels.shape, read.affine),
            FINE if read.affine is not None else EIGHT_BITS,
            np.ones(reference.labels.shape, bool) if judged is None else judged,
        )

    def _beside(
        self,
        reference: LabelMap,
        chances: NDArray[np.float32],
        affine: NDArray[np.float64] | None,
    ) -> NDArray[np.float32]:
        """Probabilities with their axes in the order of the reference's."""
        own = LabelMap(chances, reference.spacing_mm, affine, str(self.probabilities))
        own = in_order_of(reference.grid, own)
        there, here = own.grid, reference.grid
        same = own.labels.shape == reference.labels.shape
        if there is not None and here is not None:
            same = same_grid(there, here)
        if not same:
            raise InputError(
                f"{self.probabilities}: is not on the grid of {self.label}; predict the case "
                "again from the files of the manifest."
            )
        return own.labels


@dataclass(frozen=True)
class OpenExample:
    """What was read.

    Args:
        references: By region, `(*spatial)`.
        maps: Probabilities by region, `(*spatial)`.
        spacing_mm: Voxel size along each axis.
        voxel: Size of a voxel in ml, of a pixel in per cent of the picture.
        least: How near to 0 and 1 what is stored as such may be, at most.
        judged: `(*spatial)`, where the references say something; elsewhere nothing is scored.
    """

    references: dict[str, NDArray[np.bool_]]
    maps: dict[str, NDArray[np.float32]]
    spacing_mm: tuple[float, ...]
    voxel: float
    least: float
    judged: NDArray[np.bool_]

    def around(self, lowest: Mapping[str, float]) -> "OpenExample":
        """The box that holds all references and all voxels above a region's lowest threshold."""
        seen = [self.references[name] | (self.maps[name] > low) for name, low in lowest.items()]
        whole = np.logical_or.reduce(seen)
        box = bounding_box(whole) or (slice(0, 1),) * whole.ndim
        return replace(
            self,
            references={n: np.ascontiguousarray(own[box]) for n, own in self.references.items()},
            maps={n: np.ascontiguousarray(own[box]) for n, own in self.maps.items()},
            judged=np.ascontiguousarray(self.judged[box]),
        )

    def mask(self, region: str, rules: RegionRules) -> NDArray[np.bool_]:
        """Where a region is by its rules, before regions are painted over one another."""
        return rules(self.maps[region] > rules.threshold, self.voxel)


def read_back(masks: Sequence[NDArray[np.bool_]], regions: Regions) -> NDArray[np.bool_]:
    """Masks of regions as who opens a written mask finds them, `(regions, *spatial)` as given."""
    return region_masks(labels_from_regions(masks, regions), regions)


def find_examples(manifest: Manifest, folder: Path) -> list[Example]:
    """Pair a manifest's labelled cases with their out-of-fold probabilities.

    Args:
        manifest: With folds.
        folder: Holds `<case id>_prob.nii.gz` or `.png`; each case predicted by the network of the
            fold that left it out.

    Raises:
        InputError: If fewer than two cases have a fold, one has no probabilities, or the record
            beside them says that they are of another data set, or of networks that may have seen
            their cases.
    """
    found = find_probabilities(folder)
    cases = [case for case in manifest.cases if case.label is not None and case.fold is not None]
    if not cases:
        raise InputError(f"{folder}: no labelled case of the manifest has a fold; prepare folds.")
    if len(cases) == 1:
        raise InputError(
            f"{folder}: {cases[0].id} is the manifest's one labelled case of a fold, and what is "
            "chosen must be tried on another; prepare more cases."
        )
    missing = [case.id for case in cases if case.id not in found]
    if missing:
        raise InputError(
            f"{folder}: has no probabilities of {listed(missing)}; predict every fold's cases with "
            "--probabilities."
        )
    if (record := folder / RECORD).is_file():
        _refuse_seen(record, manifest, {case.id: case.fold for case in cases})
    return [_example(case, found[case.id], manifest.task.preparation.ignore) for case in cases]


def _refuse_seen(record: Path, manifest: Manifest, folds: Mapping[str, int | None]) -> None:
    """Refuse what `predict` or `train --fold each` says is not out of fold."""
    content = read_json(record)
    trained_on = content.get("trained_on")
    if trained_on not in (None, manifest.hash):
        raise InputError(
            f"{record}: says networks of the data set {trained_on[:12]}, but the manifest is "
            f"{manifest.hash[:12]}; give the manifest of the trainings."
        )
    said = {case: own.get("fold") for case, own in content.get("cases", {}).items()}
    for case, fold in folds.items():
        if said.get(case) != fold:
            raise InputError(
                f"{record}: does not say that case {case} was predicted by the network of fold "
                f"{fold}, which left it out; give the predictions of train --fold each."
            )


def _example(case: Case, probabilities: Path, ignore: int | None) -> Example:
    assert case.fold is not None
    assert case.label is not None
    return Example(case.id, case.fold, case.label, probabilities, ignore)


def groups_of(examples: Sequence[Example]) -> NDArray[np.int64]:
    """What is left out together when a choice is tried: folds, or each case where there is one."""
    folds = np.array([example.fold for example in examples])
    return folds if len(np.unique(folds)) > 1 else np.arange(len(examples))
