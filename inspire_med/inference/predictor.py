"""Predictor: a trained run and a case's files in, masks on the case's own grid out."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

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
from inspire_med.imaging.picture import is_picture
from inspire_med.inference.ensemble import Member, read_members
from inspire_med.inference.footprint import peak_bytes
from inspire_med.inference.memory import MemoryPlan, find_room, plan_memory
from inspire_med.inference.precision import choose_precision
from inspire_med.inference.prediction import Prediction
from inspire_med.inference.sliding_window import Watch, region_probabilities
from inspire_med.tasks.task import Preparation

WindowChoice = Literal["largest", "training"]
_OVERLAP = 0.5  # share of a training patch that two neighbouring windows both see


class Predictor:
    """Holds networks ready; safe to keep in a server and to ask from several threads.

    It writes no file but the temporary one of an answer that memory does not hold, and prints
    nothing.

    Args:
        members: Models that predict together; their probabilities are averaged.
        device: Where they run.
        precision: Fabric's name of the precision.
        flips: Average over mirrored views (test-time augmentation).
        fill_missing: Predict a case that lacks some channels; they are zero to the network.
        memory: Bytes that a case's windows and answer may take; None is what there is.
        windows: `largest` that memory holds, or those of the `training`.

    Example:
        >>> predictor = Predictor.load("runs/isles")                              # doctest: +SKIP
        >>> predictor.predict({"dwi": "a_dwi.nii.gz", "adc": "a_adc.nii.gz"})     # doctest: +SKIP
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        device: torch.device,
        precision: str,
        flips: bool = False,
        fill_missing: bool = False,
        memory: int | None = None,
        windows: WindowChoice = "training",
    ):
        self.card = members[0].card
        self.folders = [member.folder for member in members]
        self._fill_missing = fill_missing
        self._precision = precision
        self._flips = flips
        self._memory = memory
        self._largest = windows == "largest"
        self._device = device
        layout = torch.channels_last if len(self.card.patch_size) == 2 else torch.channels_last_3d
        self._networks = list[tuple[Preparation, nn.Module]]()
        for member in members:
            network = member.network.to(device).eval()
            network = network.to(memory_format=layout)  # pyright: ignore[reportCallIssue]
            self._networks.append((member.card.preparation, network))

    @classmethod
    def load(
        cls,
        folders: str | Path | Sequence[str | Path],
        *,
        device: str = "auto",
        precision: str = "auto",
        flips: bool = False,
        fill_missing: bool = False,
        memory: int | None = None,
        windows: WindowChoice = "training",
    ) -> "Predictor":
        """Load a run (its best checkpoint, else its last), a model's folder, or several.

        Args:
            folders: One or more; a cross-validation's folder stands for the runs of all its folds.
            device: `auto`, `cpu` or `cuda`.
            precision: `auto` measures which is right and fast here.
            flips: As for the class.
            fill_missing: As for the class.
            memory: As for the class.
            windows: As for the class.

        Raises:
            InputError: If there is no model in one of the folders, if it is damaged, if two do not
                belong together, or if there is no such device.
        """
        one = isinstance(folders, (str, Path))
        members = read_members([Path(folder) for folder in ([folders] if one else folders)])
        name = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        if name != "cpu" and not (name.startswith("cuda") and torch.cuda.is_available()):
            raise InputError(f"--device: there is no {name} here; give cpu or auto.")
        place = torch.device(name)
        if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
            raise InputError(f"--device: there is no {name} here; give cpu or auto.")
        if precision == "auto":
            dims = members[0].card.task.spatial_dims
            precision = choose_precision(dims, place).name
        return cls(
            members,
            device=place,
            precision=precision,
            flips=flips,
            fill_missing=fill_missing,
            memory=memory,
            windows=windows,
        )

    @property
    def settings(self) -> dict[str, str | float | bool]:
        """How it predicts: precision, overlap of windows, mirrored views."""
        return {
            "precision": self._precision,
            "overlap": _OVERLAP,
            "windows": "largest" if self._largest else "training",
            "flips": self._flips,
        }

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
            return self.predict_prepared(
                lambda how: prepare_arrays(arrays, self.card.channels, given, how)
            )
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
        ready = replace(bare, filled=self.missing(bare))
        return self.predict_prepared(
            lambda how: prepare_case(ready, self.card.channels, {}, how), watch
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

    def predict_prepared(
        self, prepare: Callable[[Preparation], Prepared], watch: Watch | None = None
    ) -> Prediction:
        """Predict one case by whatever prepares it; `watch` as for `predict_case`.

        The probabilities of several models are averaged, each alike.
        """
        prepared: Prepared | None = None
        plan: MemoryPlan | None = None
        answer: NDArray[np.uint16] | None = None
        before: Preparation | None = None
        for index, (preparation, network) in enumerate(self._networks):
            if prepared is None or preparation != before:
                prepared, before = prepare(preparation), preparation
            plan = plan or self.plan(prepared.placement.size)
            part = _part(watch, index, len(self._networks))
            own = self._answer(network, prepared, plan, part)
            answer = own if answer is None else _averaged(answer, own, index + 1)
        assert prepared is not None  # there is a member
        assert answer is not None
        return Prediction.painted(answer, prepared.placement, self.card.regions, str(plan))

    def plan(self, shape: Sequence[int]) -> MemoryPlan:
        """How a prepared case of that shape is predicted, with the memory that there is now."""
        return plan_memory(
            shape,
            self.card.patch_size,
            overlap=_OVERLAP,
            largest=self._largest,
            regions=len(self.card.regions),
            needs=lambda size: self._bytes_per_voxel * math.prod(size),
            room=find_room(self._device, self._memory),
        )

    def _answer(
        self, network: nn.Module, prepared: Prepared, plan: MemoryPlan, watch: Watch | None
    ) -> NDArray[np.uint16]:
        """One network's probabilities on the grid that it sees."""
        answer = plan.gather()
        region_probabilities(
            network,
            prepared.image_tensor(),
            plan.windows,
            answer,
            precision=self._precision,
            flips=self._flips,
            watch=watch,
        )
        return answer

    @cached_property
    def _bytes_per_voxel(self) -> float:
        """What a network needs at its peak; it grows with the window."""
        network, size = self._networks[0][1], self.card.patch_size
        shape = (1, len(self.card.channels), *size)
        return peak_bytes(network, shape, self._precision) / math.prod(size)

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


def _part(watch: Watch | None, index: int, count: int) -> Watch | None:
    """What hears of one network's windows among those of several."""
    if watch is None:
        return None
    return lambda done, total: watch(index * total + done, count * total)


def _averaged(
    mean: NDArray[np.uint16], other: NDArray[np.uint16], count: int
) -> NDArray[np.uint16]:
    """The mean of so many answers, from that of all but the last, plane by plane."""
    for region, new in zip(mean, other, strict=True):
        for plane, added in zip(region, new, strict=True):
            step = (added.astype(np.float32) - plane) / count
            plane[...] = np.rint(plane + step).astype(np.uint16)
    return mean
