"""From a run folder to a predictor, and what a case must have for it."""

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from inspire_med.cases import align
from inspire_med.cases.case import Case
from inspire_med.cases.checking import scan
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.errors import InputError
from inspire_med.imaging import volume
from inspire_med.inference import Predictor
from inspire_med.inference.members import model_folders
from inspire_med.inference.model import ModelCard, write_model
from inspire_med.inference.precision import PrecisionChoice
from inspire_med.networks import build_network
from inspire_med.tasks.isles import ISLES

NETWORK = {"spatial_dims": 3, "in_channels": 2, "out_channels": 2, "widths": [4, 8]}
REGIONS = {"core": (1,), "all": (1, 2)}


def write(folder: Path, patch_size=(16, 16, 8)) -> Path:
    folder.mkdir(parents=True)
    channels = ("dwi", "adc")
    card = ModelCard(ISLES, channels, REGIONS, NETWORK, ISLES.preparation, patch_size, "bf16-mixed")
    write_model(folder, card, build_network(NETWORK))
    return folder


@pytest.fixture
def predictor(tmp_path):
    return Predictor.load(write(tmp_path / "model"), precision="32-true")


@pytest.fixture
def pretend_cuda(monkeypatch):
    """A machine with one CUDA device, as far as torch says."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)


def test_the_best_checkpoint_goes_before_the_last_and_a_model_before_both(tmp_path):
    run = tmp_path / "run"
    last = write(run / "checkpoints" / "last")
    assert model_folders(run) == [last]

    best = write(run / "checkpoints" / "best")
    assert model_folders(run) == [best]
    assert model_folders(best) == [best]
    assert model_folders(last) == [last]


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no trained model in it; pass a run folder .*model.json"):
        Predictor.load(tmp_path)


def test_a_predictor_holds_what_the_folder_holds(tmp_path):
    folder = write(tmp_path / "model")

    found = Predictor.load(str(folder), precision="bf16-mixed", flips=True)

    assert found.card.regions == REGIONS
    assert (found.settings["precision"], found.settings["flips"]) == ("bf16-mixed", True)
    assert Predictor.load(folder, precision="32-true").settings["flips"] is False


def test_the_precision_is_that_of_the_trial_for_the_models_dimensions(tmp_path, monkeypatch):
    asked = []

    def choose(spatial_dims, device):
        asked.append((spatial_dims, device))
        return PrecisionChoice("bf16-mixed", "as it is")

    monkeypatch.setattr("inspire_med.inference.settings.choose_precision", choose)

    assert Predictor.load(write(tmp_path / "a")).settings["precision"] == "bf16-mixed"
    assert asked == [(3, torch.device("cpu"))]


@pytest.mark.parametrize("device", ["tpu", "cuda", "cuda:0"])
def test_a_device_that_is_not_there_is_named(tmp_path, device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    folder = write(tmp_path / "model")

    with pytest.raises(InputError, match=f"--device: there is no {device} here; give cpu or auto"):
        Predictor.load(folder, device=device)


@pytest.mark.parametrize("device", ["cuda:1", "tpu"])
def test_a_cuda_device_too_many_is_named(tmp_path, device, pretend_cuda):
    folder = write(tmp_path / "model")

    with pytest.raises(InputError, match=f"--device: there is no {device} here"):
        Predictor.load(folder, device=device)


@pytest.mark.parametrize(
    ("device", "place"),
    [("auto", "cuda"), ("cuda", "cuda"), ("cuda:0", "cuda:0"), ("cpu", "cpu")],
)
def test_cuda_is_taken_where_it_is_and_nothing_else_is_said(
    tmp_path, device, place, pretend_cuda, monkeypatch
):
    places = []
    monkeypatch.setattr(
        torch.nn.Module, "to", lambda module, to=None, **_: places.append(to) or module
    )

    Predictor.load(write(tmp_path / "model"), device=device, precision="32-true")

    assert torch.device(place) in places


def test_masks_may_be_painted_in_another_releases_values(predictor):
    predictor.paint_as({"all": [3, 4], "core": [4]}, Path("m.json"))

    # the values are new, the order stays that of the network's outputs
    assert list(predictor.card.regions.items()) == [("core", (4,)), ("all", (3, 4))]


def test_other_regions_than_the_models_are_refused(predictor):
    with pytest.raises(
        InputError,
        match="m.json: has the regions core, rim, but the model gives core, all; choose another",
    ):
        predictor.paint_as({"core": [1], "rim": [2]}, Path("m.json"))


def found(tmp_path, *channels, bad=None):
    images = {}
    ramp = np.arange(8 * 9 * 7, dtype=np.int16).reshape(8, 9, 7)
    for channel in channels:
        images[channel] = tmp_path / f"a_{channel}.nii.gz"
        nib.save(nib.Nifti1Image(ramp, np.eye(4)), images[channel])
    if bad:
        images[bad].write_bytes(b"")
    return FoundCase("a", "a", images)


def test_a_whole_case_has_no_problems(tmp_path, predictor):
    assert predictor.problems(found(tmp_path, "dwi", "adc")) == []


def test_a_missing_channel_is_a_problem(tmp_path, predictor):
    (problem,) = predictor.problems(found(tmp_path, "dwi"))

    assert problem == (
        f"{tmp_path}: case a: channel adc is missing; the model needs dwi, adc and was given dwi; "
        "add it, or pass --fill_missing."
    )


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path, predictor):
    (problem,) = predictor.problems(found(tmp_path, "dwi", "adc", bad="adc"))

    assert problem.startswith(f"{tmp_path / 'a_adc.nii.gz'}: the file is empty")


def test_a_case_without_files_lacks_its_first_channel(predictor):
    (problem,) = predictor.problems(FoundCase("a", "a", {}))

    assert problem.startswith("case a: channel dwi is missing; the model needs dwi, adc and was gi")
    assert "given none" in problem


def test_an_array_too_few_is_refused(predictor):
    with pytest.raises(InputError, match="arrays: channel adc is missing"):
        predictor.predict({"dwi": np.ones((8, 9, 7))})


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 7, 2), (0, 9, 7)])
def test_arrays_that_are_no_volumes_are_refused(predictor, shape):
    with pytest.raises(InputError, match=r"array dwi: of shape .*, but the model is for volumes"):
        predictor.predict({"dwi": np.ones(shape), "adc": np.ones(shape)})


def test_no_label_is_read(tmp_path, predictor):
    case = replace(found(tmp_path, "dwi", "adc"), label=tmp_path / "not-there.nii.gz")

    assert predictor.predict_case(case).labels.shape == (8, 9, 7)


def test_a_file_that_cannot_be_read_is_named_when_it_is_predicted(tmp_path, predictor):
    with pytest.raises(InputError, match=r"a_adc.nii.gz: the file is empty"):
        predictor.predict_case(found(tmp_path, "dwi", "adc", bad="adc"))


def test_a_manifest_may_let_a_channel_be_filled(tmp_path, predictor):
    images = found(tmp_path, "dwi").images
    case = Case("a", "a", images, (8, 9, 7), (1.0, 1.0, 1.0), filled=("adc",))

    assert predictor.problems(case) == []
    assert predictor.predict_case(case).labels.shape == (8, 9, 7)
    assert predictor.problems(replace(case, filled=())) != []


def test_windows_are_heard_of(tmp_path):
    windows = []
    small = Predictor.load(
        write(tmp_path / "model", (8, 8, 8)), precision="32-true", windows="training"
    )

    small.predict_case(found(tmp_path, "dwi", "adc"), lambda *counts: windows.append(counts))

    assert windows == [(1, 2), (2, 2)]  # 9 voxels along the second axis


@pytest.mark.parametrize(
    ("precision", "kind"), [("32-true", torch.float32), ("bf16-mixed", torch.bfloat16)]
)
def test_the_network_computes_in_the_precision_asked_for(tmp_path, precision, kind):
    chosen = Predictor.load(write(tmp_path / "model"), precision=precision)
    kinds = set()
    ((_, network),) = chosen._ensemble.networks
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv3d)]
    for convolution in convolutions:
        convolution.register_forward_hook(lambda _, __, output: kinds.add(output.dtype))

    chosen.predict_case(found(tmp_path, "dwi", "adc"))

    assert kinds == {kind}


def test_each_volume_is_read_once(tmp_path, predictor, monkeypatch):
    read, as_before = [], volume.read_volume

    def noted(path, component=None):
        read.append(path.name)
        return as_before(path, component)

    for room in (align, scan):
        monkeypatch.setattr(room, "read_volume", noted)

    predictor.predict_case(found(tmp_path, "dwi", "adc"))

    assert sorted(read) == ["a_adc.nii.gz", "a_dwi.nii.gz"]


def test_a_constant_volume_is_named_when_it_is_predicted(tmp_path, predictor):
    case = found(tmp_path, "dwi", "adc")
    nib.save(nib.Nifti1Image(np.full((8, 9, 7), 3, np.int16), np.eye(4)), case.images["adc"])

    with pytest.raises(InputError, match=r"a_adc.nii.gz: every voxel of adc is 3; export it again"):
        predictor.predict_case(case)
