"""A bundle, run by MONAI where this package cannot be imported, beside `predict`."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.files import sha256
from inspire_med.inference.members import read_members
from inspire_med.inference.model import ModelCard, write_model
from inspire_med.inference.postprocess import Postprocessing, RegionRules
from inspire_med.inference.predictor import Predictor
from inspire_med.interop.bundle_config import refuse_impossible
from inspire_med.interop.monai_bundle import write_bundle
from inspire_med.networks import build_network
from inspire_med.tasks.brats import BRATS
from inspire_med.tasks.polyp import POLYP

# Run; then what MONAI checks of a bundle's config, and of its network beside its metadata.
RUN = """
import sys
import monai.bundle
from monai.bundle import ConfigWorkflow

files = dict(config_file="configs/inference.json", meta_file="configs/metadata.json")
given = dict(zip(("dataset_dir", "output_dir", "datalist"), sys.argv[1:], strict=True))
monai.bundle.run(**files, **given)
workflow = ConfigWorkflow(**files, **given, workflow_type="infer", logging_file=False)
workflow.initialize()
assert workflow.check_properties() == [], workflow.check_properties()
monai.bundle.verify_net_in_out(net_id="network_def", device="cpu", **files)
assert not [name for name in sys.modules if name.startswith(("inspire_med", "SimpleITK"))]
"""
FLIPPED = np.diag([-1.0, -1.0, 2.0, 1.0])
TURNED = np.array([[0, 0, 1.3, 2], [-0.9, 0, 0, 3], [0, 1.1, 0, 1], [0, 0, 0, 1.0]])
CASES = {"BraTS20_Training_001": (FLIPPED, (21, 18, 15)),
         "BraTS20_Training_002": (TURNED, (30, 22, 19))}  # fmt: skip
PICTURES = {"a": (48, 40), "b.1": (30, 71)}
ONLY_THRESHOLDS = Postprocessing({"WT": RegionRules(threshold=0.4)})


def model(folder, task, preparation, patch, seed):
    torch.manual_seed(seed)
    dims, regions = len(patch), dict(task.regions)
    network = {"spatial_dims": dims, "in_channels": len(task.channels), "widths": [4, 8]}
    network |= {"out_channels": len(regions), "skip": "concat"}
    made = build_network(network)
    for parameter in made.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.2)
    folder.mkdir()
    card = ModelCard(task, task.channels, regions, network, preparation, patch, "32-true")
    write_model(folder, card, made)
    return folder


def bundle_of(folder, models, rules):
    folder.mkdir()
    write_bundle(folder, read_members(models), rules, "# What is known\n")
    return folder


def run(bundle, data, output, datalist="", *, stub):
    (stub / "inspire_med.py").write_text("raise ImportError('not installed')\n")
    environment = {**os.environ, "PYTHONPATH": str(stub), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-c", RUN, str(data), str(output), str(datalist)]
    done = subprocess.run(command, cwd=bundle, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """Two cases of four channels, of which t2 lies on a grid of its own."""
    folder, random = tmp_path_factory.mktemp("volumes"), np.random.default_rng(0)
    for case, (affine, shape) in CASES.items():
        (folder / case).mkdir()
        head = np.zeros(shape)
        head[3:-4, 2:-3, 1:-2] = 1
        for channel in BRATS.channels:
            other = channel == "t2"
            own = affine @ np.diag([1.3, 1.1, 0.8, 1.0]) if other else affine
            values = head * random.normal(100, 30, shape)
            image = nibabel.Nifti1Image(values.astype(np.int16), own)
            nibabel.save(image, folder / case / f"{case}_{channel}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(head, affine), folder / case / f"{case}_seg.nii.gz")
    return folder


@pytest.fixture(scope="module")
def seen():
    """Resampled to other voxels, t2 onto the others' grid first."""
    own = {"reference": "flair", "resampled": ("t2",)}
    return replace(BRATS.preparation, spacing_mm=(1.5, 1.2, 1.0), **own)


@pytest.mark.slow
def test_two_networks_of_volumes_give_the_mask_of_predict(volumes, seen, tmp_path):
    models = [model(tmp_path / f"m{k}", BRATS, seen, (16, 12, 8), k) for k in (1, 2)]
    bundle = bundle_of(tmp_path / "bundle", models, ONLY_THRESHOLDS)

    run(bundle, volumes, tmp_path / "masks", stub=tmp_path)

    predictor = Predictor.load(models, device="cpu", precision="32-true")
    predictor.rules = ONLY_THRESHOLDS
    for case in CASES:
        files = {name: volumes / case / f"{case}_{name}.nii.gz" for name in BRATS.channels}
        wanted = predictor.predict(files)
        found = nibabel.load(tmp_path / "masks" / f"{case}.nii.gz")
        assert found.get_data_dtype() == np.uint8
        assert np.array_equal(found.affine, wanted.placement.affine)
        assert len(np.unique(wanted.labels)) == 4  # no empty mask that is equal whatever is done
        assert np.array_equal(np.asarray(found.dataobj), wanted.labels)


@pytest.mark.slow
def test_pictures_of_a_list_give_the_mask_of_predict(tmp_path):
    """Two networks that see them by other statistics, and rules of postprocessing."""
    random, data = np.random.default_rng(0), tmp_path / "data"
    (data / "in").mkdir(parents=True)
    for name, size in PICTURES.items():
        values = random.integers(0, 255, (*size, 3)).astype(np.uint8)
        Image.fromarray(values).save(data / "in" / f"{name}.png")
    (tmp_path / "list.json").write_text(
        json.dumps({"testing": [{"image": "in/a.png"}, {"image": "in/b.1.png"}]})
    )
    models: list[Path] = []
    for k in (1, 2):
        own = {name: {"mean": 100.0 + k, "sd": 60.0 * k} for name in POLYP.channels}
        how = {"intensity": "fixed", "intensity_statistics": own, "image_size": (32, 24)}
        how = replace(POLYP.preparation, **how)
        models.append(model(tmp_path / f"m{k}", POLYP, how, (32, 24), k))
    predictor = Predictor.load(models, device="cpu", precision="32-true")
    files = {name: dict.fromkeys(POLYP.channels, data / "in" / f"{name}.png") for name in PICTURES}
    middle = float(np.median(predictor.predict(files["a"]).probabilities))
    predictor.rules = Postprocessing({"polyp": RegionRules(middle)})
    plain = predictor.predict(files["a"]).labels
    predictor.rules = Postprocessing({"polyp": RegionRules(middle, fill_holes=True,
                                                           smallest_part=0.5)})  # fmt: skip
    bundle = bundle_of(tmp_path / "bundle", models, predictor.rules)

    run(bundle, data, tmp_path / "masks", tmp_path / "list.json", stub=tmp_path)

    assert (predictor.predict(files["a"]).labels != plain).any()  # the rules have something to do
    for name, colours in files.items():
        with Image.open(tmp_path / "masks" / f"{name}.png") as found:
            assert np.array_equal(np.asarray(found), predictor.predict(colours).labels * 255)


@pytest.mark.slow
def test_a_bundle_has_what_monai_asks_for_and_no_pickle(seen, tmp_path):
    bundle = bundle_of(
        tmp_path / "bundle", [model(tmp_path / "m", BRATS, seen, (16, 12, 8), 1)], Postprocessing()
    )

    known = json.loads((bundle / "configs" / "metadata.json").read_text())
    files = {file.relative_to(bundle).as_posix() for file in bundle.rglob("*") if file.is_file()}

    # The mandatory keys of MONAI's bundle specification.
    assert {"version", "monai_version", "pytorch_version", "numpy_version", "task", "description",
            "required_packages_version", "authors", "copyright", "changelog", "schema",
            "intended_use", "network_data_format"} <= known.keys()  # fmt: skip
    for tensor in known["network_data_format"]["inputs"]["image"], \
                  known["network_data_format"]["outputs"]["pred"]:  # fmt: skip
        assert {"type", "format", "num_channels", "spatial_shape", "dtype", "value_range",
                "is_patch_data", "channel_def"} <= tensor.keys()  # fmt: skip
    image = known["network_data_format"]["inputs"]["image"]
    assert image["channel_def"] == {"0": "flair", "1": "t1", "2": "t1ce", "3": "t2"}
    assert known["sha256"].keys() == files - {"configs/metadata.json"}
    assert all(sha256(bundle / file) == value for file, value in known["sha256"].items())
    assert not [file for file in files if file.endswith((".pt", ".pth", ".pkl", ".ts"))]
    assert "inspire_med" not in "".join(
        line
        for file in bundle.glob("scripts/*.py")
        for line in file.read_text().splitlines()
        if "import" in line
    )


def test_registration_is_refused(seen):
    card = ModelCard(
        BRATS, BRATS.channels, dict(BRATS.regions), {}, replace(seen, register=True), (8, 8, 8),
        "32-true",
    )  # fmt: skip

    with pytest.raises(InputError, match="registered.*--format model"):
        refuse_impossible(card)
