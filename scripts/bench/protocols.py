"""Real masks under every protocol that fits: a model's, and the reference moved by one voxel.

    python scripts/bench/protocols.py --manifest brats.json --prediction masks --out DIR \
        --protocols segmentation brats2021 brats2023-gli

Writes the moved references to DIR/moved and the scores of both to DIR/PROTOCOL; the table of the
measures that each protocol is ranked by goes to stdout: mean [95 % interval] over the cases.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspire_med.cases.manifest import Manifest
from inspire_med.evaluation.protocols import protocol


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--prediction", type=Path, required=True, help="a model's masks")
    parser.add_argument("--fold", help="the cases that were predicted; all by default")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--protocols", nargs="+", required=True)
    options = parser.parse_args()

    moved = options.out / "moved"
    write_moved(options.manifest, options.fold, moved)
    print("| protocol | region | measure | model | reference moved by a voxel |")
    print("|---|---|---|---:|---:|")
    for name in options.protocols:
        place = options.out / name
        if not (place / "comparison.json").exists():
            evaluate(options, name, moved, place)
        summary = json.loads((place / "comparison.json").read_text())["summary"]
        for region, measures in summary["model"].items():
            for measure in protocol(name).ranked_by:
                cells = measures[measure], summary["moved"][region][measure]
                shown = " | ".join(written(each) for each in cells)
                print(f"| `{name}` | {region} | `{measure}` | {shown} |", flush=True)
    return 0


def write_moved(path: Path, fold: str | None, folder: Path) -> None:
    """Every reference of the manifest, one voxel further along its first axis."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = Manifest.load(path)
    cases = manifest.cases if fold is None else manifest.fold(int(fold))[1]
    for case in cases:
        if case.label is None:
            continue
        if case.label.name.endswith((".nii", ".nii.gz")):
            image = nib.load(case.label)
            labels = moved_on(np.asarray(image.dataobj).astype(np.uint8))
            nib.save(nib.Nifti1Image(labels, image.affine), folder / f"{case.id}.nii.gz")
        else:
            white = np.asarray(Image.open(case.label).convert("L")) > 128
            Image.fromarray(moved_on(white)).save(folder / f"{case.id}.png")


def moved_on(labels: NDArray[Any]) -> NDArray[Any]:
    moved = np.zeros_like(labels)
    moved[1:] = labels[:-1]
    return moved


def evaluate(options: argparse.Namespace, name: str, moved: Path, place: Path) -> None:
    fold = [] if options.fold is None else ["--fold", options.fold]
    words = ["--protocol", name, "--reference", str(options.manifest), "--output", str(place)]
    both = ["--prediction", f"model={options.prediction}", f"moved={moved}"]
    command = [sys.executable, "-m", "inspire_med", "evaluate", *words, *both, *fold]
    subprocess.run(command, check=True, stdout=sys.stderr)


def written(summary: dict) -> str:
    if summary["mean"] is None:
        return "undefined"
    interval = "" if summary["ci95"] is None else " [{:.3f}, {:.3f}]".format(*summary["ci95"])
    return f"{summary['mean']:.3f}{interval}"


if __name__ == "__main__":
    raise SystemExit(main())
