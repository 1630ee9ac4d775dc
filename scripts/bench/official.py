"""Hold the project's scores against the challenges' own scripts, on made volumes.

    git clone https://github.com/rachitsaluja/BraTS-2023-Metrics       (2024 likewise)
    git clone https://github.com/ezequieldlrosa/isles22
    pip install -e .                                                   (an environment of its own)
    python scripts/bench/official.py --brats2023 BraTS-2023-Metrics --brats2024 BraTS-2024-Metrics \
        --isles2022 isles22 --volumes 100

Prints how far apart the counts are, and the measure that differs most. The clones stay as they are;
names that numpy, scipy and pandas have lost since are put back in this process alone.
"""

import argparse
import importlib.util
import os
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from inspire_med.evaluation.case import score_maps
from inspire_med.evaluation.protocols import MaskProtocol, protocol
from inspire_med.imaging.labels import LabelMap

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
SCRIPTS_2024 = {"gli": "GLI", "men": "MEN", "menrt": "MEN_RT", "met": "MET", "ped": "PED"}
SCRIPTS_2024 |= {"ssa": "SSA"}
# All scripts of 2024 but MEN's take these from numbered lesions instead of masks.
FROM_NUMBERS = ("recall", "specificity", "hd95_mm")
SPACINGS = ((1, 1, 1), (0.9, 1.1, 1.3), (0.5, 0.5, 5), (2, 1, 0.7), (0.5, 0.5, 0.5))
Pair = tuple[LabelMap, LabelMap]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("brats2023", "brats2024", "isles2022"):
        parser.add_argument(f"--{name}", type=Path, help="clone of its scripts")
    parser.add_argument("--volumes", type=int, default=100, help="made volumes a protocol")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    put_back_old_names()
    print("| protocol | volumes | regions | measures | counts off by | largest difference |")
    print("|---|---:|---:|---:|---:|---|")
    for name in ("gli", "men", "met", "ped", "ssa") if options.brats2023 else ():
        script = options.brats2023.resolve() / "metrics.py"
        compare_brats(f"brats2023-{name}", script, f"BraTS-{name.upper()}", options)
    for name, words in SCRIPTS_2024.items() if options.brats2024 else ():
        script = options.brats2024.resolve() / f"metrics_{words}.py"
        challenge = f"BraTS-{words.replace('_', '-')}"
        left_out = () if name == "men" else FROM_NUMBERS
        compare_brats(f"brats2024-{name}", script, challenge, options, left_out)
    if options.isles2022:
        compare_isles(options.isles2022.resolve() / "utils" / "eval_utils.py", options)
    return 0


def compare_brats(
    name: str,
    script: Path,
    challenge: str,
    options: argparse.Namespace,
    left_out: tuple[str, ...] = (),
) -> None:
    rules, module = protocol(name), imported(script)
    assert isinstance(rules, MaskProtocol)
    labels = max(value for values in rules.regions.values() for value in values)
    worst: dict[str, float] = {}
    for pair in made_pairs(labels, options):
        theirs = lesion_results(module, challenge, pair)
        ours = score_maps(*pair, rules, regions=rules.regions)
        for region, result in ours.items():
            row = {
                ours: theirs.loc[region, column]
                for ours, column in BRATS.items()
                if column in theirs.columns and ours not in left_out
            }
            note_worst(worst, result.measures, row)
    show(name, options.volumes, options.volumes * len(rules.regions), worst)


def compare_isles(script: Path, options: argparse.Namespace) -> None:
    rules, theirs = protocol("isles2022"), imported(script)
    assert isinstance(rules, MaskProtocol)
    worst: dict[str, float] = {}
    for reference, prediction in made_pairs(3, options):
        masks = reference.labels, prediction.labels
        voxel_ml = np.prod(np.float32(reference.spacing_mm)) / 1000
        row = {
            "dice": theirs.compute_dice(*masks),
            "lesion_f1": theirs.compute_lesion_f1_score(*masks),
            "absolute_volume_difference_ml": theirs.compute_absolute_volume_difference(
                *masks, voxel_ml
            ),
            "absolute_lesion_count_difference": theirs.compute_absolute_lesion_difference(*masks),
        }
        result = score_maps(reference, prediction, rules, regions=rules.regions)["lesion"]
        note_worst(worst, result.measures, row)
    show("isles2022", options.volumes, options.volumes, worst)


def made_pairs(labels: int, options: argparse.Namespace) -> Iterator[Pair]:
    """Blobs of labels and a neighbour of them; labels lost, empty masks and noise among them."""
    random = np.random.default_rng(options.seed)
    for _ in range(options.volumes):
        shape = tuple(random.integers(12, 40, 3))
        spacing = SPACINGS[random.integers(len(SPACINGS))]
        spacing_mm = tuple(float(np.float32(size)) for size in spacing)
        field, other = blobs(random, shape), blobs(random, shape)
        edges = np.linspace(-1, 1, labels - 1)
        kinds = np.digitize(blobs(random, shape), edges) + 1 if labels > 1 else np.ones(shape)
        level = random.uniform(0.8, 2.8)
        reference = np.where(field > level, kinds, 0)
        prediction = np.where(field + random.uniform(0, 0.8) * other > level, kinds, 0)
        prediction = spoiled(random, prediction, labels)
        if random.random() < 0.1:
            reference[:] = 0
        maps = (each.astype(np.uint8) for each in (reference, prediction))
        yield tuple(LabelMap(each, spacing_mm, None, "made") for each in maps)


def blobs(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    field = ndimage.gaussian_filter(random.normal(size=shape), random.uniform(0.5, 2.2))
    return field / field.std()


def spoiled(random: np.random.Generator, labels: NDArray[Any], most: int) -> NDArray[Any]:
    kind = random.random()
    if kind < 0.1:
        return labels * (labels != random.integers(1, most + 1))
    if kind < 0.2:
        return labels * 0
    if kind < 0.35:
        noise = random.random(labels.shape) < 0.02
        return np.where(noise, random.integers(1, most + 1, labels.shape), labels)
    return labels


def lesion_results(module: types.ModuleType, challenge: str, pair: Pair) -> pd.DataFrame:
    """The script's own table; it reads files and writes others into the working folder."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for name, each in zip(("reference", "prediction"), pair, strict=True):
                affine = np.diag([*each.spacing_mm, 1.0])
                nib.save(nib.Nifti1Image(each.labels, affine), f"{name}.nii.gz")
            found = module.get_LesionWiseResults("prediction.nii.gz", "reference.nii.gz", challenge)
        finally:
            os.chdir(before)
    table = found[0] if isinstance(found, tuple) else found
    return table.set_index("Labels")


def note_worst(worst: dict[str, float], ours: Mapping[str, float], row: Mapping[str, Any]) -> None:
    for measure, value in row.items():
        apart = abs(float(value) - ours[measure])
        worst[measure] = max(worst.get(measure, 0.0), apart)


def show(name: str, volumes: int, regions: int, worst: Mapping[str, float]) -> None:
    counts = max((apart for measure, apart in worst.items() if "lesions_" in measure), default=0)
    measure = max(worst, key=lambda each: worst[each])
    cells = (f"`{name}`", volumes, regions, len(worst), f"{counts:g}", f"{worst[measure]:.1e}")
    print(f"| {' | '.join(map(str, cells))} (`{measure}`) |", flush=True)


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


if __name__ == "__main__":
    raise SystemExit(main())
