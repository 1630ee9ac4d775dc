"""What `evaluation.py` times: this project, and the peers, each computing what it can.

Each tool takes a case and returns the run to be timed, from label maps in memory to numbers; a run
answers with the HD95 of each region, to lay beside each other's. Peers are imported by their tool.
"""

import contextlib
import importlib
import io
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Run = Callable[[], dict[str, float]]


@dataclass(frozen=True)
class Case:
    """A reference and a prediction as label maps `(*spatial)` with their regions."""

    reference: NDArray[np.uint8]
    prediction: NDArray[np.uint8]
    spacing_mm: tuple[float, float, float]
    regions: dict[str, tuple[int, ...]]

    def masks(self) -> dict[str, list[NDArray[np.bool_]]]:
        """Reference and prediction of each region."""
        return {
            region: [
                np.logical_or.reduce([labels == value for value in values])
                for labels in (self.reference, self.prediction)
            ]
            for region, values in self.regions.items()
        }


def ours(protocol: str, case: Case) -> Run:
    from inspire_med.evaluation.case import score_maps
    from inspire_med.evaluation.protocols import protocol as named
    from inspire_med.imaging.labels import label_map_of

    maps = [
        label_map_of(labels, case.spacing_mm, "case")
        for labels in (case.reference, case.prediction)
    ]

    def run() -> dict[str, float]:
        found = score_maps(*maps, named(protocol), regions=case.regions)
        return {region: result.measures["hd95_mm"] for region, result in found.items()}

    return run


def deepmind(case: Case) -> Run:
    _restore_removed_names()
    import surface_distance as sd

    def of(reference: Any, prediction: Any) -> float:
        sd.compute_dice_coefficient(reference, prediction)
        distances = sd.compute_surface_distances(reference, prediction, case.spacing_mm)
        sd.compute_average_surface_distance(distances)
        for tolerance in (1.0, 2.0):
            sd.compute_surface_dice_at_tolerance(distances, tolerance)
        return sd.compute_robust_hausdorff(distances, 95)

    return lambda: {region: of(*pair) for region, pair in case.masks().items()}


def monai(case: Case) -> Run:
    import torch
    from monai import metrics

    torch.set_num_threads(1)

    def run() -> dict[str, float]:
        pairs = case.masks().values()
        reference, prediction = (
            torch.from_numpy(np.stack([pair[side] for pair in pairs])[None].astype(np.float32))
            for side in (0, 1)
        )
        spacing = {"include_background": True, "spacing": case.spacing_mm}
        metrics.compute_dice(prediction, reference)
        metrics.compute_average_surface_distance(prediction, reference, symmetric=True, **spacing)
        for tolerance in (1.0, 2.0):
            metrics.compute_surface_dice(prediction, reference, [tolerance] * len(pairs), **spacing)
        found = metrics.compute_hausdorff_distance(prediction, reference, percentile=95, **spacing)
        return dict(zip(case.regions, found[0].tolist(), strict=True))

    return run


def medpy(case: Case) -> Run:
    from medpy.metric import binary

    def of(reference: Any, prediction: Any) -> float:
        binary.dc(prediction, reference)
        binary.assd(prediction, reference, case.spacing_mm)
        return binary.hd95(prediction, reference, case.spacing_mm)

    return lambda: {region: of(*pair) for region, pair in case.masks().items()}


def panoptica(case: Case) -> Run:
    from panoptica import InputType, Metric, Panoptica_Evaluator, disable_citation_reminder

    disable_citation_reminder()
    evaluator = Panoptica_Evaluator(
        expected_input=InputType.MATCHED_INSTANCE,
        instance_metrics=[Metric.DSC, Metric.HD95, Metric.ASSD, Metric.NSD],
        global_metrics=[],
    )

    def of(*pair: Any) -> float:
        reference, prediction = (mask.astype(np.uint8) for mask in pair)
        found = evaluator.evaluate(prediction, reference, voxelspacing=case.spacing_mm)
        return found["ungrouped"].sq_hd95

    return lambda: {region: of(*pair) for region, pair in case.masks().items()}


def seg_metrics(names: tuple[str, ...], case: Case) -> Run:
    from seg_metrics.seg_metrics import write_metrics

    def of(*pair: Any) -> float:
        reference, prediction = (mask.astype(np.uint8) for mask in pair)
        found = write_metrics(
            labels=[1],
            gdth_img=reference,
            pred_img=prediction,
            spacing=case.spacing_mm,
            metrics=list(names),
        )
        return found[0]["hd95"][0]

    return lambda: {region: of(*pair) for region, pair in case.masks().items()}


def official(clone: Path, case: Case) -> Run:
    """The script of a clone of BraTS-2023-Metrics; it reads files, here without compression.

    As it is, but for names that numpy and pandas have dropped, and for a column of arrays among
    which newer numpy cannot look for an infinite number.
    """
    _restore_removed_names()
    import nibabel as nib
    import pandas as pd

    replace = pd.DataFrame.replace

    def replace_in_numbers(frame: Any, old: Any, new: Any, inplace: bool = False) -> Any:
        if inplace:
            return replace(frame, old, new, inplace=True)
        return frame.apply(
            lambda column: column.replace(old, new) if column.dtype != "O" else column
        )

    pd.DataFrame.replace = replace_in_numbers
    sys.path.insert(0, str(clone))  # the script brings its own surface_distance
    script = importlib.import_module("metrics")
    folder = tempfile.TemporaryDirectory()
    paths = [Path(folder.name) / name for name in ("prediction.nii", "reference.nii")]
    for path, labels in zip(paths, (case.prediction, case.reference), strict=True):
        nib.save(nib.Nifti1Image(labels, np.diag([*case.spacing_mm, 1.0])), path)

    def run() -> dict[str, float]:
        assert folder  # kept as long as the run
        with contextlib.redirect_stdout(io.StringIO()):
            table = script.get_LesionWiseResults(*map(str, paths), "BraTS-GLI")
        return dict(zip(table["Labels"], table["Legacy_HD95"].astype(float), strict=True))

    return run


def tools(clone: Path | None) -> dict[str, tuple[str, Callable[[Case], Run]]]:
    """What each tool computes, and the tool; the first is what the others are compared with."""
    found: dict[str, tuple[str, Callable[[Case], Run]]] = {
        "inspire_med, brats2023-gli": (
            "10 whole-region measures with Dice, HD95, ASSD, NSD at 2 tolerances; lesion-wise",
            partial(ours, "brats2023-gli"),
        ),
        "inspire_med, segmentation": ("the same without lesions", partial(ours, "segmentation")),
        "surface-distance": ("Dice, HD95, ASD, NSD at 2 tolerances", deepmind),
        "MONAI": ("Dice, HD95, ASSD, NSD at 2 tolerances", monai),
        "MedPy": ("Dice, HD95, ASSD", medpy),
        "panoptica": ("Dice, HD95, ASSD, NSD at 1 tolerance", panoptica),
        "seg_metrics, HD95 alone": ("HD95", partial(seg_metrics, ("hd95",))),
        "seg_metrics": ("Dice, HD95, mean distance", partial(seg_metrics, ("dice", "hd95", "msd"))),
    }
    if clone is not None:
        computes = "Dice, HD95, sensitivity, specificity; lesion-wise; reads files"
        found["official BraTS 2023"] = (computes, partial(official, clone))
    return found


def _restore_removed_names() -> None:
    """Names that old scripts use and newer packages lack, in this process alone."""
    import scipy.ndimage

    removed: list[tuple[Any, str, Any]] = [
        (np, "Inf", np.inf),
        (scipy.ndimage, "filters", scipy.ndimage),
        (scipy.ndimage, "morphology", scipy.ndimage),
    ]
    with contextlib.suppress(ImportError):
        import pandas as pd

        removed.append((pd.DataFrame, "append", lambda self, other: pd.concat([self, other])))
    for owner, name, value in removed:
        if not hasattr(owner, name):
            setattr(owner, name, value)
