"""A network whose answer is known voxel by voxel, asked for files in every order of axes."""

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image
from shift_right import AS_IT_IS, ShiftRight, predictor
from storages import ALL_CODES
from torch import nn

from inspire_med.imaging.grid import Grid
from inspire_med.imaging.orientation import Turn
from inspire_med.inference import Predictor
from inspire_med.inference.members import Member
from inspire_med.inference.model import ModelCard, read_card, write_model
from inspire_med.inference.settings import Settings
from inspire_med.tasks.isles import ISLES
from inspire_med.tasks.task import Preparation, Task

AFFINE = np.array([[1.9, 0.2, 0.0, -9], [-0.2, 1.4, 0.3, 5], [0.1, -0.2, 2.6, 2], [0, 0, 0, 1]])
SIZE = (7, 9, 6)


def stored_as(codes, volume, path, like=AFFINE):
    turn = Turn.to(codes, like)
    image = nib.Nifti1Image(turn.apply(volume), turn.grid(Grid(volume.shape, like)).affine)
    nib.save(image, path)
    return turn


@pytest.fixture
def scan():
    return np.random.default_rng(0).normal(size=SIZE).astype(np.float32)


@pytest.mark.parametrize("codes", ALL_CODES)
@pytest.mark.parametrize("patch_size", [(16, 16, 16), (4, 16, 4)])
def test_one_patient_has_one_mask_however_it_is_stored(tmp_path, scan, codes, patch_size):
    turn = stored_as(codes, scan, tmp_path / "a.nii.gz")
    right = np.zeros(SIZE, bool)
    right[1:] = scan[:-1] > 0  # one voxel to the patient's right

    found = predictor(patch_size=patch_size).predict({"scan": tmp_path / "a.nii.gz"})

    if patch_size == (16, 16, 16):
        np.testing.assert_array_equal(turn.undo(found.labels), 3 * right)
        expected = 1 / (1 + np.exp(-np.pad(scan, [(1, 0), (0, 0), (0, 0)])[:-1]))
        np.testing.assert_allclose(turn.undo(found.probabilities[0]), expected, atol=2e-5)
    stored_as("RAS", scan, tmp_path / "b.nii.gz")
    straight = predictor(patch_size=patch_size).predict({"scan": tmp_path / "b.nii.gz"})
    np.testing.assert_array_equal(turn.undo(found.labels), straight.labels)
    np.testing.assert_array_equal(turn.undo(found.probabilities), straight.probabilities)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (3.0, 2.0, 4.0)])
def test_a_resampled_patient_has_one_mask_too(tmp_path, scan, spacing_mm):
    preparation = Preparation(spacing_mm=spacing_mm)
    masks = []
    for codes in ("RAS", "PIL"):
        turn = stored_as(codes, np.where(scan > -0.5, scan, 0), tmp_path / "a.nii.gz")
        found = predictor(preparation).predict({"scan": tmp_path / "a.nii.gz"})
        masks.append(turn.undo(found.labels))

    assert 0 < masks[0].sum() < masks[0].size * 3
    np.testing.assert_array_equal(*masks)


def test_a_voxel_is_painted_from_one_half_on():
    values = np.array([-0.9, -0.4, -1e-4, 1e-4, 0.4, 0.9], np.float32)  # 0.4 is a chance of 0.6
    volume = np.broadcast_to(values, (4, 5, 6))
    identity = nn.Conv3d(1, 1, 1, bias=False)
    nn.init.ones_(identity.weight)

    found = predictor(network=identity).predict({"scan": volume})

    assert found.labels[2, 3].tolist() == [0, 0, 0, 3, 3, 3]
    np.testing.assert_allclose(found.probabilities[0, 2, 3], 1 / (1 + np.exp(-values)), atol=1e-5)


def test_mirrored_views_are_averaged(scan):
    found = predictor(flips=True).predict({"scan": scan})

    around = np.pad(scan, [(1, 1), (0, 0), (0, 0)])
    mean = (around[:-2] + around[2:]) / 2
    np.testing.assert_allclose(found.probabilities[0], 1 / (1 + np.exp(-mean)), atol=2e-5)
    np.testing.assert_array_equal(found.labels, 3 * (mean > 0))


def test_outside_of_the_crop_nothing_is_found(tmp_path):
    head = np.zeros(SIZE, np.float32)
    head[2:6, 3:8, 1:4] = np.random.default_rng(0).uniform(50, 90, (4, 5, 3))
    turn = stored_as("ALS", head, tmp_path / "a.nii.gz")
    certain = nn.Conv3d(1, 1, 1)
    nn.init.zeros_(certain.weight)
    nn.init.constant_(certain.bias, 5.0)

    found = predictor(Preparation(), certain).predict({"scan": tmp_path / "a.nii.gz"})

    np.testing.assert_array_equal(turn.undo(found.labels) > 0, head > 0)
    assert (turn.undo(found.probabilities[0])[head == 0] == 0).all()


def test_arrays_have_axes_of_ras_unless_an_affine_says_otherwise(scan):
    plain = predictor().predict({"scan": scan}, spacing_mm=(1, 2, 3))
    mirrored = predictor().predict({"scan": scan[::-1].copy()}, affine=np.diag([-1.0, 2, 3, 1]))

    np.testing.assert_array_equal(plain.labels[1:] > 0, scan[:-1] > 0)
    np.testing.assert_array_equal(mirrored.labels, plain.labels[::-1])
    np.testing.assert_array_equal(np.diag(plain.placement.affine), [1, 2, 3, 1])


def test_a_picture_is_answered_pixel_by_pixel(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (11, 7, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    preparation = Preparation(intensity="rgb")
    task = Task("tool", 2, ("green",), {"tool": (1,)}, ("pattern",), preparation=preparation)
    card = ModelCard(task, ("green",), {"tool": (1,)}, {}, preparation, (16, 16), "32-true")
    member = Member(Path("run"), card, ShiftRight(2))
    network = Predictor([member], Settings(torch.device("cpu"), "32-true"))

    labels = network.predict({"green": picture[..., 1]}).labels

    green = picture[..., 1].astype(float)
    np.testing.assert_array_equal(labels[1:], green[:-1] > green.mean())
    assert not labels[0].any()


def test_a_model_of_before_sees_volumes_as_they_are_stored(tmp_path, scan):
    """Its card says how cases were brought to it, and nothing of an orientation."""
    network = {"spatial_dims": 3, "in_channels": 3, "out_channels": 1, "widths": [4, 8]}
    old = {
        "spacing_mm": [1.0, 2.0, 3.0],
        "image_size": None,
        "crop_to_foreground": False,
        "grids_differ": True,
        "register": True,
    }
    regions = {"lesion": (1,)}
    card = ModelCard(ISLES, ISLES.channels, regions, network, Preparation(), (8, 8, 8), "32-true")
    write_model(tmp_path, card, nn.Conv3d(1, 1, 1))
    content = json.loads((tmp_path / "model.json").read_text())
    del content["preparation"]
    (tmp_path / "model.json").write_text(json.dumps({**content, "preprocess": old}))

    preparation = read_card(tmp_path).preparation

    assert preparation == Preparation(
        orientation=None,
        spacing_mm=(1.0, 2.0, 3.0),
        crop_to_foreground=False,
        reference="dwi",
        resampled=("flair",),
        register=True,
    )
    stored_as("PIL", scan, tmp_path / "a.nii.gz")
    as_stored = np.asarray(nib.load(tmp_path / "a.nii.gz").dataobj)
    found = predictor(replace(AS_IT_IS, orientation=None)).predict({"scan": tmp_path / "a.nii.gz"})
    np.testing.assert_array_equal(found.labels[1:] > 0, as_stored[:-1] > 0)


def test_a_card_comes_back_with_all_of_its_preparation(tmp_path):
    statistics = {"scan": {"low": -1.0, "high": 2.0, "mean": 0.5, "sd": 0.25}}
    preparation = Preparation(intensity="ct", intensity_statistics=statistics, orientation="LPS")
    card = predictor(preparation).card

    write_model(tmp_path, card, nn.Conv3d(1, 1, 1))

    assert read_card(tmp_path) == card
