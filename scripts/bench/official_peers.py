"""The challenges' own scripts, as official.py runs them: pairs of label maps in, their values out.

Clones and packages stay as they are. In this process alone names that numpy, scipy and pandas have
lost since are put back, and panoptica 1.1 numbers lesions in 32 bits: in 8, which it takes where
each mask has 255 or fewer, those of both together wrap around, and lesions merge or are lost.
"""

import contextlib
import importlib.util
import io
import json
import os
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from made_pairs import Pair, probabilities
from numpy.typing import NDArray
from scipy import ndimage

from inspire_med.imaging.labels import LabelMap

Scores = dict[str, dict[str, float]]  # by region and measure

BRATS = {
    "dice": "Legacy_Dice",
    "recall": "Sensitivity",
    "specificity": "Specificity",
    "hd95_mm": "Legacy_HD95",
    "lesionwise_dice": "LesionWise_Score_Dice",
    "lesionwise_hd95_mm": "LesionWise_Score_HD95",
    "lesions_tp": "Num_TP",
    "lesions_fp": "Num_FP",
    "lesions_fn": "Num_FN",
    "nsd@0.5mm": "Legacy NSD @ 0.5",
    "nsd@1mm": "Legacy NSD @ 1.0",
    "lesionwise_nsd@0.5mm": "LesionWise_Score_NSD @ 0.5",
    "lesionwise_nsd@1mm": "LesionWise_Score_NSD @ 1.0",
}
# All scripts since 2024 but MEN's take these from numbered lesions instead of masks.
FROM_NUMBERS = ("recall", "specificity", "hd95_mm")

BRATS_2026 = {
    "dice": "global_dsc",
    "nsd": "global_nsd",
    "hd95": "global_hd95",
    "lesionwise_dice": "lesionwise_dsc_mean",
    "lesionwise_nsd": "lesionwise_nsd_mean",
    "lesionwise_hd95": "lesionwise_hd95_mean",
}
COUNTS_2026 = {
    "lesions_tp": "instance_tp",
    "lesions_fp": "instance_fp",
    "lesions_fn": "instance_fn",
    "lesion_precision": "instance_prec",
    "lesion_recall": "instance_rec",
    "lesion_f1": "instance_f1",
}
for size, prefix in (("all", ""), ("large", "large_"), ("small", "small_")):
    BRATS_2026 |= {f"{prefix}{ours}": f"{size}_{theirs}" for ours, theirs in COUNTS_2026.items()}


def brats(
    script: Path, challenge: str, left_out: Sequence[str], pairs: Sequence[Pair]
) -> Iterator[Scores]:
    """BraTS 2023 to 2025: the script's own table."""
    module = imported(script)
    for pair in pairs:
        with in_files(pair) as (reference, prediction):
            found = module.get_LesionWiseResults(str(prediction), str(reference), challenge)
        table = (found[0] if isinstance(found, tuple) else found).set_index("Labels")
        yield {
            region: {
                ours: float(table.loc[region, column])
                for ours, column in BRATS.items()
                if column in table.columns and ours not in left_out
            }
            for region in table.index
        }


def brats2026(config: str, pairs: Sequence[Pair]) -> Iterator[Scores]:
    """BraTS 2026: the package brats_evaluation, files to its table."""
    from brats_evaluation import config_path, evaluate_single_exam, metrics_parser
    from panoptica import Panoptica_Evaluator

    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = Panoptica_Evaluator.load_from_config(str(config_path(config)))
    found: list[dict[str, Any]] = []
    for pair in pairs:
        with in_files(pair) as (reference, prediction), contextlib.redirect_stdout(io.StringIO()):
            found.append(
                evaluate_single_exam(*map(str, (prediction, reference)), "made", evaluator)
            )
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        source, target = Path(folder) / "found.json", Path(folder) / "table.csv"
        source.write_text(json.dumps({"metrics": found, "missings": []}))
        if config == "mets":
            metrics_parser.parse_mets_results(source, 20.0, 0.1, target)
        else:
            metrics_parser.parse_seg_results(source, target)
        table = pd.read_csv(target)
    regions = [name for name in found[0] if name != "subject_name"]
    for _, row in table.head(len(pairs)).iterrows():
        yield {
            region.upper(): {
                ours: float(row[f"{column}_{region}"])
                for ours, column in BRATS_2026.items()
                if f"{column}_{region}" in table.columns
            }
            for region in regions
        }


def isles2022(script: Path, pairs: Sequence[Pair]) -> Iterator[Scores]:
    """ISLES'22, four functions of its script."""
    module = imported(script)
    for pair in pairs:
        masks, voxel_ml = in_arrays(pair)
        row = {
            "dice": module.compute_dice(*masks),
            "lesion_f1": module.compute_lesion_f1_score(*masks),
            "absolute_volume_difference_ml": module.compute_absolute_volume_difference(
                *masks, voxel_ml
            ),
            "absolute_lesion_count_difference": module.compute_absolute_lesion_difference(*masks),
        }
        yield {"lesion": {name: float(value) for name, value in row.items()}}


def isles2024(script: Path, pairs: Sequence[Pair]) -> Iterator[Scores]:
    """ISLES'24, two functions of its script, which drives panoptica 1.0 or 1.1."""
    module = imported(script)
    numbering = sys.modules["panoptica.instance_approximator"]
    numbering._get_smallest_fitting_uint = lambda _: np.uint32
    for pair in pairs:
        masks, voxel_ml = in_arrays(pair)
        with contextlib.redirect_stdout(io.StringIO()):
            f1, counts, dice = module.compute_dice_f1_instance_difference(*masks)
        volumes = module.compute_absolute_volume_difference(*masks, voxel_ml)
        row = {
            "dice": dice,
            "lesion_f1": f1,
            "absolute_volume_difference_ml": volumes,
            "absolute_lesion_count_difference": counts,
        }
        yield {"lesion": {name: float(value) for name, value in row.items()}}


def isles2026(script: Path, pairs: Sequence[Pair]) -> Iterator[Scores]:
    """ISLES'26 at second hand: the script of ISLES'24 at IoU 0.25, and scikit-learn's curve."""
    from panoptica import NaiveThresholdMatching
    from sklearn.metrics import auc, precision_recall_curve

    sys.modules["panoptica"].NaiveThresholdMatching = lambda **_: NaiveThresholdMatching(
        matching_threshold=0.25
    )
    for pair, found in zip(pairs, isles2024(script, pairs), strict=True):
        truth, likely = (pair[0].labels > 0).ravel(), probabilities(pair).ravel()
        area = float(np.ptp(likely) == 0)
        if truth.any():
            precision, recall, _ = precision_recall_curve(truth, likely)
            area = auc(recall, precision)
        yield {"lesion": {**found["lesion"], "pr_auc": float(area)}}


def in_arrays(pair: Pair) -> tuple[list[Any], Any]:
    """The masks as nibabel gives them, first axis fastest, and the voxel in ml."""
    masks = [np.asfortranarray(each.labels > 0).astype(float) for each in pair]
    return masks, np.prod(np.float32(pair[0].spacing_mm)) / 1000


@contextlib.contextmanager
def in_files(pair: Pair) -> Iterator[tuple[Path, Path]]:
    """Reference and prediction as files in a working folder of their own, beside it its map."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        files = Path(folder) / "reference.nii.gz", Path(folder) / "prediction.nii.gz"
        try:
            for file, each in zip(files, pair, strict=True):
                save(each.labels, each, file)
            save(probabilities(pair), pair[1], Path(folder) / "prediction_prob.nii.gz")
            yield files
        finally:
            os.chdir(before)


def save(values: NDArray[Any], like: LabelMap, file: Path) -> None:
    affine = np.diag([*like.spacing_mm, 1.0]) if like.affine is None else like.affine
    nib.save(nib.Nifti1Image(values, affine), file)


def imported(script: Path) -> types.ModuleType:
    sys.path.insert(0, str(script.parent))
    spec = importlib.util.spec_from_file_location(f"official_{script.stem}", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def put_back_old_names() -> None:
    warnings.simplefilter("ignore")
    for name, value in (("Inf", np.inf), ("bool", bool), ("float", float)):
        setattr(np, name, value)
    ndimage.filters = types.SimpleNamespace(correlate=ndimage.correlate)
    transform = ndimage.distance_transform_edt
    ndimage.morphology = types.SimpleNamespace(distance_transform_edt=transform)
    pd.DataFrame.append = lambda self, other: pd.concat([self, other], ignore_index=True)

    def replaced(self: pd.DataFrame, old: Any, new: Any, inplace: bool = False) -> Any:
        """Pandas once replaced numbers in columns that hold objects, too."""
        table = self if inplace else self.copy()
        for column in table.columns:
            if column not in ("predicted_lesion_numbers", "Labels", "Label"):
                table[column] = pd.to_numeric(table[column]).replace(old, new)
        return None if inplace else table

    pd.DataFrame.replace = replaced
