"""A contestant of race.py: nnU-Net, unmodified, in an environment of its own.

Its raw folder is written from two manifests, its planner and preprocessing run as they are, its
trainer is ended by the wall time (race_nnunet_train.py), its predictor writes the masks.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import torch
from PIL import Image

from inspire_med.cases.manifest import Manifest
from inspire_med.preparing.nnunet import write_raw
from inspire_med.preparing.nnunet_labels import numbers

TRAINER = Path(__file__).resolve().parent / "race_nnunet_train.py"
DATASET = "501"
NAME = f"Dataset{DATASET}_Race"


@dataclass(frozen=True)
class NnUNet:
    """nnU-Net on one data set.

    Args:
        python: Interpreter of an environment with nnunetv2 2.8.1.
        folder: Gets its raw data, its preprocessed data and its results.
        training: The cases that train.
        test: The cases that are predicted.
    """

    python: Path
    folder: Path
    training: Manifest
    test: Manifest

    @property
    def configuration(self) -> str:
        """The configuration of nnU-Net's that fits the data."""
        return "2d" if self.training.task.spatial_dims == 2 else "3d_fullres"

    def prepare(self) -> float:
        """Write the raw folder, plan and preprocess; answers with the seconds of nnU-Net's part."""
        done = self.folder / "prepared"
        if done.is_file():
            return float(done.read_text())
        raw = self.folder / "raw" / NAME
        shutil.rmtree(raw, ignore_errors=True)  # of a preparation that was stopped
        write_raw(self.training, raw, self.test.cases)
        began = time.monotonic()
        words = ["-d", DATASET, "-c", self.configuration, "-npfp", "2", "-np", "2"]
        self._run(self._program("plan_and_preprocess"), *words, "--verify_dataset_integrity")
        seconds = time.monotonic() - began
        done.write_text(f"{seconds:.1f}")
        return seconds

    def train(self, seed: int, seconds: float) -> None:
        """Train for some seconds."""
        shutil.rmtree(self.folder / "results", ignore_errors=True)
        budget = [f"{seconds:.0f}", str(seed)]
        ready = str(self.folder / "preprocessed" / NAME)
        self._run(self.python, str(TRAINER), ready, self.configuration, *budget)

    def predict(self, out: Path) -> None:
        """Predict the test cases into `out`, in the set's own labels, however long it takes."""
        raw, own = self.folder / "raw" / NAME / "imagesTs", self.folder / "masks"
        model = ["-d", DATASET, "-c", self.configuration, "-f", "all"]
        device = "cuda" if torch.cuda.is_available() else "cpu"
        files = ["-i", str(raw), "-o", str(own), "-device", device]
        self._run(self._program("predict"), *files, *model)
        out.mkdir(parents=True, exist_ok=True)
        back = {number: value for value, number in numbers(self.test.regions).items()}
        for file in sorted(own.glob("*.png")):
            picture_back(file, out / file.name)
        for file in sorted(own.glob("*.nii.gz")):
            volume_back(file, out / file.name, back)

    def _program(self, name: str) -> Path:
        return self.python.parent / f"nnUNetv2_{name}"

    def _run(self, program: Path, *words: str) -> None:
        places = {
            "nnUNet_raw": str(self.folder / "raw"),
            "nnUNet_preprocessed": str(self.folder / "preprocessed"),
            "nnUNet_results": str(self.folder / "results"),
            "nnUNet_n_proc_DA": "1",
        }
        own = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        with (self.folder / "log.txt").open("ab") as log:
            subprocess.run(
                [program, *words],
                env={**own, **places},
                stdout=log,
                stderr=subprocess.STDOUT,
                check=True,
            )


def picture_back(file: Path, target: Path) -> None:
    """Copy a picture's mask, whose 1 becomes 255."""
    mask = np.asarray(Image.open(file)) > 0
    Image.fromarray(mask.astype(np.uint8) * 255).save(target)


def volume_back(file: Path, target: Path, values: Mapping[int, int]) -> None:
    """Copy a volume's mask with other values."""
    volume = nibabel.load(file)
    found = np.asarray(volume.dataobj).round().astype(np.uint8)
    table = np.zeros(256, np.uint8)
    for value, other in values.items():
        table[value] = other
    nibabel.save(nibabel.Nifti1Image(table[found], volume.affine), target)
