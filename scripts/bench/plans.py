"""Plans of nnU-Net 2 and ours for the same files, side by side.

    python scripts/bench/plans.py --manifest brats.json --nnunet ~/nnunet/bin/python --folder out
    python scripts/bench/plans.py --heart 3 --nnunet ~/nnunet/bin/python --folder out

nnU-Net runs unmodified in an environment of its own: it reads the fingerprint and plans, no more.
Both plan for a GPU of 8 GiB, the one that nnU-Net is set to, on all labelled
cases; ours besides for two cores (`small`). Axes are those of the file in both columns.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from race_nnunet import DATASET, NAME

from inspire_med.cases.fingerprint import Fingerprint, fingerprint_of
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.planning.plan import OPTIONS, Plan, words
from inspire_med.cli.options import training_config, training_parser
from inspire_med.files import write_json
from inspire_med.prepare import main as prepare
from inspire_med.preparing.nnunet import write_raw
from inspire_med.provenance import code_commit
from inspire_med.training.means import find_means
from inspire_med.training.planning import make_plan

GIB = 8.0  # nnU-Net's gpu_memory_target_in_gb, unless it is told otherwise
SHAPES = ((320, 320, 110), (320, 320, 115), (320, 320, 120))  # of the Decathlon's heart, about
SPACING = (1.25, 1.25, 1.37)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--manifest", type=Path)
    source.add_argument("--heart", type=int, help="so many made volumes of the heart's shape")
    parser.add_argument("--nnunet", type=Path, required=True, help="python with nnunetv2 2.8.1")
    parser.add_argument("--folder", type=Path, required=True, help="emptied first")
    parser.add_argument("--cases", type=int, help="no more than so many, evenly spread")
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    file = options.manifest or make_heart(options.heart, options.folder)
    manifest = thinned(Manifest.load(file), options.cases)
    theirs = plan_of_nnunet(manifest, options.nnunet, options.folder)
    began = time.process_time()
    fingerprint = fingerprint_of(
        manifest.cases, manifest.channels, manifest.regions, manifest.task.preparation
    )
    reading_s = time.process_time() - began
    ours = {name: plan_of_ours(file, manifest, fingerprint, name) for name in ("large", "small")}
    print(f"{manifest.task.name}: {len(manifest.cases)} cases, read in {reading_s:.0f} s of a core")
    print(f"commit {code_commit()}, {platform.processor() or platform.machine()}, ", end="")
    print(f"{os.cpu_count()} cores, torch {torch.__version__}")
    print(*fingerprint.lines(), sep="\n")
    print_table(theirs, ours["large"], ours["small"])
    for name, plan in ours.items():
        print(f"\n{name}")
        print("\n".join(plan.lines()))


def make_heart(count: int, folder: Path) -> Path:
    """Volumes of the shape and voxel size of the Decathlon's hearts: an ellipsoid in noise."""
    random, place = np.random.default_rng(0), folder / "Task02_Heart"
    affine = np.diag([*SPACING, 1.0])
    for number in range(count):
        shape = SHAPES[number % len(SHAPES)]
        distance = sum(
            ((axis - size / 2) / (size / 8)) ** 2
            for axis, size in zip(np.ogrid[tuple(map(slice, shape))], shape, strict=True)
        )
        label = (distance < 1).astype(np.uint8)
        scan = (200 + 300.0 * label + random.normal(0, 20, shape)).astype(np.int16)
        for part, name, data in (
            ("imagesTr", f"la_{number:03d}_0000.nii.gz", scan),
            ("labelsTr", f"la_{number:03d}.nii.gz", label),
        ):
            (place / part).mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(data, affine), place / part / name)
    index = {"channel_names": {"0": "MRI"}, "labels": {"background": 0, "left atrium": 1}}
    write_json(place / "dataset.json", {**index, "numTraining": count, "file_ending": ".nii.gz"})
    manifest = folder / "heart.json"
    words = ["--task", "nnunet", "--source", str(place), "--out", str(manifest), "--folds", "2"]
    assert prepare(words) == 0
    return manifest


def thinned(manifest: Manifest, most: int | None) -> Manifest:
    """The labelled cases, or so many of them."""
    cases = [case for case in manifest.cases if case.label is not None]
    if most is not None and len(cases) > most:
        cases = [cases[int(place)] for place in np.linspace(0, len(cases) - 1, most)]
    return replace(manifest, cases=tuple(cases))


def plan_of_ours(file: Path, manifest: Manifest, fingerprint: Fingerprint, name: str) -> Plan:
    parser_words = ["--manifest", str(file), "--run", "none"]
    parser = training_parser(parser_words)
    config = training_config(parser, parser.parse_args(parser_words))
    means = find_means(name)
    if name == "large":
        means = replace(means, memory_gib=GIB)
    return make_plan(config, manifest, fingerprint, means, {})


def plan_of_nnunet(manifest: Manifest, python: Path, folder: Path) -> dict[str, Any]:
    """nnU-Net's plan of the configuration that fits, its axes turned to the file's."""
    write_raw(manifest, folder / "raw" / NAME)
    places = {f"nnUNet_{name}": str(folder / name) for name in ("raw", "preprocessed", "results")}
    own = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    for program, more in (("extract_fingerprint", ["-np", "1"]), ("plan_experiment", [])):
        subprocess.run(
            [python.parent / f"nnUNetv2_{program}", "-d", DATASET, *more],
            env={**own, **places},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    plans = json.loads((folder / "preprocessed" / NAME / "nnUNetPlans.json").read_text())
    flat = manifest.task.spatial_dims == 2
    found = plans["configurations"]["2d" if flat else "3d_fullres"]
    sizes = found["architecture"]["arch_kwargs"]
    back = [1, 0] if flat else plans["transpose_backward"][::-1]

    def turned(values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(values) if flat else tuple(values[axis] for axis in back)

    return {
        "spacing_mm": None if flat else turned([round(width, 4) for width in found["spacing"]]),
        "intensity": ", ".join(found["normalization_schemes"]),
        "patch_size": turned(found["patch_size"]),
        "batch_size": found["batch_size"],
        "strides": tuple(map(turned, sizes["strides"][1:])),
        "kernel_sizes": tuple(map(turned, sizes["kernel_sizes"])),
        "widths": tuple(sizes["features_per_stage"]),
        "norm": sizes["norm_op"].split(".")[-1],
    }


def print_table(theirs: dict[str, Any], large: Plan, small: Plan) -> None:
    print(f"\n| field | nnU-Net 2 | ours, a GPU of {GIB:g} GiB | ours, `small` |")
    print("|---|---|---|---|")
    for name in OPTIONS:
        cells = [words(theirs[name]) if name in theirs else "–"]
        cells += [words(getattr(plan, name)) for plan in (large, small)]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
