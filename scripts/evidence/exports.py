"""A run as ONNX and as programs of torch, by their own scripts beside `predict`.

    python scripts/evidence/exports.py --run RUN --folder OUT NAME=FILE ... | PICTURE

The files are those of one case, OUT is a new folder. The scripts run where importing this package
raises an error.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from inspire_med.imaging.labels import read_labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("files", nargs="+")
    given = parser.parse_args()
    given.folder.mkdir(parents=True)
    (given.folder / "inspire_med.py").write_text("raise ImportError('not here')\n")
    alone = os.environ | {"PYTHONPATH": str(given.folder.resolve())}
    volumes = "=" in given.files[0]
    case = [word for file in given.files for word in ("--channel", file)]
    own = given.folder / "own"
    words = ["--run", given.run, "--output", str(own), "--precision", "32-true", "--device", "cpu"]
    ours("predict", *words, *(case if volumes else ["--input", given.files[0]]))
    ending = ".nii.gz" if volumes else ".png"
    (mask,) = [file for file in own.glob(f"*{ending}") if not file.name.endswith(f"_prob{ending}")]
    wanted = read_labels(mask).labels
    for kind in ("onnx", "torch"):
        folder, output = given.folder / kind, given.folder / f"{kind}{ending}"
        ours("export", "--run", given.run, "--format", kind, "--output", str(folder))
        ours("export", "--verify", str(folder))
        script = [sys.executable, folder / "predict.py", "--output", output, *given.files]
        subprocess.run(script, env=alone, check=True)
        found = read_labels(output).labels
        both, total = np.sum((found > 0) & (wanted > 0)), np.sum(found > 0) + np.sum(wanted > 0)
        differ = int(np.sum(found != wanted))
        print(f"{kind}: {differ:,} of {found.size:,} voxels differ, {np.sum(wanted > 0):,} marked,")
        print(f"  Dice of all that is marked {2 * both / max(total, 1):.6f}")


def ours(command: str, *words: str) -> None:
    subprocess.run([sys.executable, "-m", f"inspire_med.{command}", *words], check=True)


if __name__ == "__main__":
    main()
