"""Predictor: a trained run and a case in, masks on the case's own grid out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from numpy.typing import NDArray

from inspire_med.cases.align import header_problems, reference_channel
from inspire_med.cases.case import Case
from inspire_med.cases.checking.case import check_case
from inspire_med.cases.checking.scan import read_scan
from inspire_med.cases.checking.verdict import Expectation
from inspire_med.cases.in_memory import prepare_arrays, prepare_images
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.cases.layouts.recognise import named_files
from inspire_med.cases.prepare import prepare_case
from inspire_med.errors import InputError
from inspire_med.imaging.picture import is_picture
from inspire_med.imaging.volume import Volume, read_grid
from inspire_med.inference.doubt import FILE, Doubt, read_doubt
from inspire_med.inference.ensemble import Ensemble, Prepare
from inspire_med.inference.members import Member, read_members
from inspire_med.inference.packed import by_archive, unpacked
from inspire_med.inference.postprocess import Postprocessing, find_postprocessing
from inspire_med.inference.precision import Precision
from inspire_med.inference.prediction import Prediction
from inspire_med.inference.settings import Settings, WindowChoice, find_device, find_precision
from inspire_med.inference.sliding_window import Watch


class Predictor:
    """Holds networks ready; safe to keep in a server and to ask from several threads.

    One case at a time is with the networks, for memory is planned for one; others are read and
    painted meanwhile. It writes no file but the temporary one of an answer that memory does not
    hold, and prints nothing.

    Args:
        members: Models that predict together.
        settings: How they predict.
        rules: What is done to the masks; None is nothing.
        doubt: What is known of how sure they are; None is nothing.
        fill_missing: Predict a case that lacks some channels; they are zero to the network.

    Example:
        >>> predictor = Predictor.load("runs/isles")                              # doctest: +SKIP
        >>> predictor.predict({"dwi": "a_dwi.nii.gz", "adc": "a_adc.nii.gz"})     # doctest: +SKIP
    """

    def __init__(
        self,
        members: Sequence[Member],
        settings: Settings,
        rules: Postprocessing | None = None,
        doubt: Doubt | None = None,
        *,
        fill_missing: bool = False,
    ):
        self.card = members[0].card
        self.folders = [member.folder for member in members]
        self.weights_sha256 = [member.sha256 for member in members]
        self.rules = rules or Postprocessing()
        self.doubt = doubt or Doubt()
        self._settings = settings
        self._ensemble = Ensemble(members, settings)
        self._fill_missing = fill_missing

    @classmethod
    def load(
        cls,
        folders: str | Path | Sequence[str | Path],
        *,
        device: str = "auto",
        precision: Precision | Literal["auto"] = "auto",
        flips: bool = False,
        fill_missing: bool = False,
        memory: int | None = None,
        windows: WindowChoice = "training",
        postprocess: str | Path = "stored",
    ) -> "Predictor":
        """Load a run (its best checkpoint, else its last), a model's folder, or several.

        Args:
            folders: One or more; a cross-validation's folder stands for the runs of all its folds.
                A model that `export` packed is read from its .zip as it is.
            device: `auto`, `cpu` or `cuda`.
            precision: `auto` measures which is right and fast here.
            flips: As in `Settings`.
            fill_missing: As for the class.
            memory: As in `Settings`.
            windows: As in `Settings`.
            postprocess: `off`, `stored` (those that were found for the run or cross-validation, if
                there are any), or a file of rules.

        Raises:
            InputError: If there is no model in one of the folders, if it is damaged, if two do not
                belong together, or if there is no such device.
        """
        one = isinstance(folders, (str, Path))
        given = [Path(folder) for folder in ([folders] if one else folders)]
        with unpacked(given) as places:
            members = by_archive(read_members(places), places, given)
            rules = find_postprocessing(postprocess, places, members[0].card.regions)
            stored = places[0] / FILE
            known = len(places) == 1 and stored.is_file()
            doubt = read_doubt(stored) if known else None
        card, where = members[0].card, find_device(device)
        settings = Settings(
            where,
            find_precision(precision, card.task.spatial_dims, where),
            flips=flips,
            windows=windows,
            memory=memory,
        )
        return cls(members, settings, rules, doubt, fill_missing=fill_missing)

    @property
    def settings(self) -> dict[str, Any]:
        """All that changes a mask, JSON-able."""
        return {**self._settings.recorded(), "postprocess": self.rules.to_yaml()["regions"]}

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
        images: Mapping[str, str | Path] | Mapping[str, NDArray[Any]] | Mapping[str, sitk.Image],
        spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
        affine: NDArray[np.float64] | None = None,
    ) -> Prediction:
        """Predict one case from its files, from arrays on one grid, or from SimpleITK's images.

        Args:
            images: Channel name to file (several channels may come from one, as the colours of a
                picture do), to array (`(i, j, k)`, or `(height, width)` of 0-255), or to image,
                which says itself where it lies.
            spacing_mm: Voxel size of arrays whose axes run as RAS+; files bring their own.
            affine: In its place, of arrays whose axes run otherwise: from voxel to RAS+ mm.

        Raises:
            InputError: If a channel is missing, if a file is at fault, if arrays or images are
                empty, of another dimension than the model or of different shapes or grids, if an
                image holds vectors, or if a voxel is not finite.
        """
        kind = _kind_of(images)
        folders = [str(Path(str(item)).parent) for item in images.values() if kind == "file"]
        place = next(iter(folders), f"{kind}s")
        self._refuse_missing(images, place, "load the model with fill_missing=True")
        channels, dims = self.card.channels, self.card.task.spatial_dims
        if kind == "file":
            files = {name: Path(str(item)) for name, item in images.items()}
            return self.predict_case(named_files(self.card.task, files))
        if kind == "image":
            pictures = {name: item for name, item in images.items() if isinstance(item, sitk.Image)}
            _refuse_other_dims(kind, {n: image.GetSize() for n, image in pictures.items()}, dims)
            return self.predict_prepared(lambda how: prepare_images(pictures, channels, how))
        arrays = {name: np.asarray(item) for name, item in images.items()}
        _refuse_other_dims(kind, {n: array.shape for n, array in arrays.items()}, dims)
        given = np.diag([*spacing_mm, 1.0]) if affine is None else affine
        return self.predict_prepared(lambda how: prepare_arrays(arrays, channels, given, how))

    def predict_case(self, case: Case | FoundCase, watch: Watch | None = None) -> Prediction:
        """Predict one case of a manifest, or one that a layout's reader found; no label is read.

        Args:
            case: The case.
            watch: Hears after each window how many of how many are done.

        Raises:
            InputError: If a channel is missing, or if a file is at fault.
        """
        return self.predict_prepared(self.preparing(case), watch)

    def preparing(self, case: Case | FoundCase) -> Prepare:
        """What brings a case to a network; it reads volumes once.

        Raises:
            InputError: As `predict_case`, of what shows before they are read.
        """
        self._check_channels(case)
        bare = replace(case, label=None)
        ready = self._unchecked(bare) if isinstance(bare, FoundCase) else bare
        ready = replace(ready, filled=self.missing(ready))

        def read(channel: str) -> Volume:
            return read_scan(channel, ready.images[channel], ready.components.get(channel))

        return lambda how: prepare_case(ready, self.card.channels, {}, how, read)

    def _unchecked(self, found: FoundCase) -> Case:
        """A case that no check has seen; what is wrong with a volume shows when it is prepared."""
        channels, how = self.card.channels, self.card.preparation
        if is_picture(found.images):
            expected = Expectation(channels, (), self._fill_missing, how)
            verdict = check_case(found, expected)
            if verdict.case is None:
                raise InputError(verdict.problems[0])
            return verdict.case
        name = reference_channel(found.images, channels, how)
        grid = read_grid(found.images[name], found.components.get(name))
        parts = found.components
        return Case(
            found.id, found.patient, found.images, grid.shape, grid.spacing_mm, components=parts
        )

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

    def predict_prepared(self, prepare: Prepare, watch: Watch | None = None) -> Prediction:
        """Predict one case by what prepares it for a network; `watch` as for `predict_case`."""
        shares, placement, plan = self._ensemble(prepare, watch)
        return Prediction.painted(shares, placement, self.card.regions, self.rules, str(plan))

    def _check_channels(self, case: Case | FoundCase) -> None:
        files = [*case.images.values(), *([] if case.label is None else [case.label])]
        place = f"{files[0].parent}: case {case.id}" if files else f"case {case.id}"
        filled = case.filled if isinstance(case, Case) else ()
        self._refuse_missing((*case.images, *filled), place, "pass --fill_missing")
        dims = self.card.task.spatial_dims
        if is_picture(case.images) != (dims == 2):
            wanted = "pictures" if dims == 2 else "volumes"
            raise InputError(f"{files[0]}: the model is for {wanted}; choose another --run.")

    def _refuse_missing(self, given: Collection[str], place: str, remedy: str) -> None:
        """Refuse a case that lacks a channel, or all of them where some may be filled."""
        wanted = self.card.channels
        missing = [name for name in wanted if name not in given]
        if missing and (not self._fill_missing or len(missing) == len(wanted)):
            raise InputError(
                f"{place}: channel {missing[0]} is missing; the model needs {', '.join(wanted)} "
                f"and was given {', '.join(given) or 'none'}; add it, or {remedy}."
            )


def _kind_of(images: Mapping[str, Any]) -> str:
    """What the channels of a case are given as, each alike: `file`, `array` or `image`."""
    kinds = {_kind(item) for item in images.values()}
    if len(kinds) > 1:
        raise InputError(
            f"{', '.join(images)}: given as {' and as '.join(sorted(kinds))}; give all channels of "
            "a case as one of these."
        )
    return next(iter(kinds), "file")


def _kind(item: Any) -> str:
    if isinstance(item, sitk.Image):
        return "image"
    return "file" if isinstance(item, (str, Path)) else "array"


def _refuse_other_dims(kind: str, shapes: Mapping[str, Sequence[int]], dims: int) -> None:
    wanted = "pictures (height, width)" if dims == 2 else "volumes (i, j, k)"
    for name, shape in shapes.items():
        if len(shape) != dims or 0 in shape:
            raise InputError(
                f"{kind} {name}: of shape {tuple(shape)}, but the model is for {wanted}; give one "
                "with a voxel or more along each axis."
            )
