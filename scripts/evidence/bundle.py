"""A run as a MONAI bundle, beside `predict`: how many voxels of its masks differ.

    python scripts/evidence/bundle.py --run RUN --input DATA --folder OUT [--python PYTHON]

DATA is a folder with one case or several, OUT a new folder. PYTHON is of an environment that has
MONAI, PyTorch and nibabel or Pillow, and not this package; by default this one's, where importing
the package raises an error.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from inspire_med.imaging.labels import read_labels
from inspire_med.inference.members import read_members
from inspire_med.inference.postprocess import find_postprocessing
from inspire_med.interop.monai_bundle import write_bundle

RUN = "import sys, monai.bundle as b; b.run(config_file='configs/inference.json', **dict(zip(('dataset_dir', 'output_dir'), sys.argv[1:])))"  # noqa: E501


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("run", "input", "folder"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--python", default=sys.executable)
    given = parser.parse_args()
    bundle, stub = given.folder.resolve() / "bundle", given.folder.resolve() / "stub"
    for each in (bundle, stub):
        each.mkdir(parents=True)
    (stub / "inspire_med.py").write_text("raise ImportError('not here')\n")
    members = read_members([given.run])
    rules = find_postprocessing("stored", [given.run], members[0].card.regions)
    write_bundle(bundle, members, rules, f"# {given.run.name}\n")
    masks, own = given.folder.resolve() / "bundle_masks", given.folder.resolve() / "own_masks"
    command = [given.python, "-P", "-c", RUN, str(given.input.resolve()), str(masks)]
    subprocess.run(command, cwd=bundle, env={**os.environ, "PYTHONPATH": str(stub)}, check=True)
    predict = [sys.executable, "-m", "inspire_med.predict", "--precision", "32-true"]
    options = ["--run", str(given.run), "--input", str(given.input), "--output", str(own)]
    subprocess.run([*predict, *options, "--device", "cpu"], check=True)
    for file in sorted(masks.iterdir()):
        found, wanted = (read_labels(folder / file.name).labels for folder in (masks, own))
        both = np.sum((found > 0) & (wanted > 0))
        dice = 2 * both / max(np.sum(found > 0) + np.sum(wanted > 0), 1)
        differ = int(np.sum(found != wanted))
        print(f"{file.name}: {differ} of {found.size} voxels differ, {np.sum(wanted > 0)} marked,")
        print(f"  Dice of all that is marked {dice:.6f}")


if __name__ == "__main__":
    main()
