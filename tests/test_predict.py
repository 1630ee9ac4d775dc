import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from PIL import Image

from inspire_med.cases.layouts.found import FoundCase
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.prepare import prepare_case
from inspire_med.errors import InputError
from inspire_med.evaluate import main as evaluate
from inspire_med.evaluation.origin import origin_of
from inspire_med.imaging.output import write_mask
from inspire_med.inference import Predictor
from inspire_med.inference.doubt import Calibration
from inspire_med.inference.postprocess import Postprocessing
from inspire_med.predict import main
from inspire_med.train import main as train
from inspire_med.tuning.example import Example
from inspire_med.tuning.referral import outcome_of

TINY = ["--network.widths", "[4,8]", "--network.deep_supervision", "1", "--precision", "32-true",
        "--data.workers", "0", "--max_steps", "1", "--validations", "1", "--fold", "0"]  # fmt: skip


def masks_in(folder):
    return [path for path in sorted(folder.iterdir()) if path.suffix not in (".json", ".csv")
            and "_prob" not in path.name and path.is_file()]  # fmt: skip


@pytest.fixture(scope="module")
def image_run(tmp_path_factory, disc_images) -> Path:
    run = tmp_path_factory.mktemp("image_run")
    words = ["--task", "polyp", "--data.image_size", "[32,32]", "--data.batch_size", "2", *TINY]
    assert train([*words, "--manifest", str(disc_images), "--run", str(run)]) == 0
    return run


@pytest.fixture(scope="module")
def volume_run(tmp_path_factory, ball_volumes) -> Path:
    run = tmp_path_factory.mktemp("volume_run")
    words = ["--task", "brats", "--data.patch_size", "[16,16,8]", *TINY]
    assert train([*words, "--manifest", str(ball_volumes), "--run", str(run)]) == 0
    return run


def predict(run: Path, source: Path, output: Path, *words: str) -> int:
    common = ["--run", str(run), "--input", str(source), "--output", str(output)]
    return main([*common, "--precision", "32-true", *words])


@pytest.mark.slow
def test_image_masks_have_the_images_own_size_and_are_black_and_white(
    tmp_path, image_run, disc_images
):
    assert predict(image_run, disc_images, tmp_path / "out") == 0

    masks = masks_in(tmp_path / "out")
    assert [mask.name for mask in masks] == [f"disc{n}.png" for n in range(6)]
    for mask in masks:
        values = np.asarray(Image.open(mask))
        assert values.shape == (48, 40)
        assert set(np.unique(values)) <= {0, 255}


@pytest.mark.slow
def test_volume_masks_lie_on_the_patients_grid(tmp_path, volume_run, ball_volumes):
    assert predict(volume_run, ball_volumes, tmp_path / "out", "--fold", "0") == 0

    cases = Manifest.load(ball_volumes).fold(0)[1]
    assert {path.name for path in masks_in(tmp_path / "out")} == {f"{c.id}.nii.gz" for c in cases}
    for case in cases:
        source = nibabel.load(case.images["flair"])
        mask = nibabel.load(tmp_path / "out" / f"{case.id}.nii.gz")
        assert mask.shape == source.shape
        assert np.array_equal(mask.affine, source.affine)
        assert nibabel.aff2axcodes(mask.affine) == ("L", "P", "S")
        assert mask.get_data_dtype() == np.uint8
        assert set(np.unique(mask.dataobj)) <= {0, 1, 2, 4}


@pytest.mark.parametrize("turn", [[[2, 1], [0, -1], [1, 1]], [[0, -1], [2, -1], [1, 1]]])
def test_a_trained_network_gives_one_mask_however_the_patient_is_stored(
    tmp_path, volume_run, ball_volumes, turn
):
    images = Manifest.load(ball_volumes).cases[0].images
    turned = {}
    for name, path in images.items():
        turned[name] = tmp_path / "turned" / path.parent.name / path.name
        turned[name].parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.load(path).as_reoriented(np.array(turn)), turned[name])
    for number, files in enumerate((images, turned)):
        out = tmp_path / f"out{number}"
        assert predict(volume_run, files["t1"], out, "--probabilities") == 0

    for name in (f"{images['t1'].parent.name}{end}.nii.gz" for end in ("", "_prob")):
        straight, other = (nibabel.load(tmp_path / f"out{n}" / name) for n in (0, 1))
        np.testing.assert_array_equal(other.affine, nibabel.load(turned["t1"]).affine)
        back = straight.as_reoriented(np.array(turn))
        np.testing.assert_array_equal(np.asarray(other.dataobj), np.asarray(back.dataobj))
        assert np.asarray(other.dataobj).std() > 0


def test_a_folder_a_manifest_and_python_give_the_same_mask(tmp_path, volume_run, ball_volumes):
    case = Manifest.load(ball_volumes).cases[0]
    assert predict(volume_run, ball_volumes, tmp_path / "manifest") == 0
    assert predict(volume_run, case.images["flair"].parent, tmp_path / "folder") == 0
    predictor = Predictor.load(volume_run / "checkpoints" / "best", precision="32-true")

    name = f"{case.id}.nii.gz"
    expected = np.asarray(nibabel.load(tmp_path / "manifest" / name).dataobj)
    assert np.array_equal(nibabel.load(tmp_path / "folder" / name).dataobj, expected)
    assert np.array_equal(predictor.predict(case.images).labels, expected)


def test_arrays_give_the_mask_of_their_files(volume_run, image_run, ball_volumes, disc_images):
    for run, manifest in ((volume_run, ball_volumes), (image_run, disc_images)):
        case = Manifest.load(manifest).cases[0]
        predictor = Predictor.load(run, precision="32-true")
        if manifest is ball_volumes:
            arrays = {n: np.asarray(nibabel.load(p).dataobj) for n, p in case.images.items()}
            affine = nibabel.load(case.images["t1"]).affine
        else:
            picture = np.asarray(Image.open(case.images["red"]))
            affine = None
            arrays = {name: picture[..., i] for i, name in enumerate(("red", "green", "blue"))}

        ours = predictor.predict(arrays, affine=affine)

        assert np.array_equal(ours.labels, predictor.predict(case.images).labels)


def test_arrays_of_different_shapes_are_refused(volume_run):
    arrays = {name: np.ones((8, 8, 8)) for name in ("flair", "t1", "t1ce")}
    arrays["t2"] = np.ones((8, 8, 9))

    with pytest.raises(InputError, match="arrays: their shapes differ"):
        Predictor.load(volume_run, precision="32-true").predict(arrays)


def test_arrays_with_nan_are_refused(volume_run):
    arrays = {name: np.ones((8, 8, 8)) for name in ("flair", "t1", "t1ce", "t2")}
    arrays["t1"][0, 0, 0] = np.nan

    with pytest.raises(InputError, match="array t1: holds NaN"):
        Predictor.load(volume_run, precision="32-true").predict(arrays)


def test_one_image_file_is_enough(tmp_path, image_run, disc_images):
    picture = disc_images.parent / "images" / "disc0.png"

    assert predict(image_run, picture, tmp_path / "out") == 0

    assert [path.name for path in masks_in(tmp_path / "out")] == ["disc0.png"]


def test_what_scores_maps_gets_maps_and_nothing_else_does(
    tmp_path, image_run, disc_images, volume_run, ball_volumes, capsys
):
    """Polyp papers score maps, brain tumours are scored by masks."""
    one_volume = Manifest.load(ball_volumes).cases[0].images["flair"]
    assert predict(image_run, disc_images.parent / "images" / "disc0.png", tmp_path / "a") == 0
    assert "1 mask and as many maps in" in capsys.readouterr().err
    assert predict(volume_run, one_volume, tmp_path / "b") == 0
    assert "1 mask in" in capsys.readouterr().err

    maps = [path.name for path in sorted(tmp_path.rglob("*_prob.*"))]
    assert maps == ["disc0_prob.png"]


def test_probabilities_have_the_regions_last(tmp_path, volume_run, ball_volumes):
    assert predict(volume_run, ball_volumes, tmp_path / "out", "--probabilities") == 0

    image = nibabel.load(next((tmp_path / "out").glob("*_prob.nii.gz")))
    assert image.shape == (20, 18, 15, 3)
    assert 0 <= np.min(image.dataobj) <= np.max(image.dataobj) <= 1


@pytest.mark.slow
def test_mirrored_views_of_a_mirrored_case_agree(volume_run, ball_volumes):
    case = replace(Manifest.load(ball_volumes).cases[0], label=None)
    predictor = Predictor.load(volume_run, precision="32-true", flips=True)
    prepared = prepare_case(case, predictor.card.channels, {}, predictor.card.preparation)
    mirrored = prepare_case(case, predictor.card.channels, {}, predictor.card.preparation)
    mirrored.image[:] = prepared.image[:, ::-1].copy()

    ours = predictor.predict_prepared(lambda how: prepared).probabilities
    theirs = predictor.predict_prepared(lambda how: mirrored).probabilities

    back = [prepared.placement.turn.apply(each) for each in (ours, theirs)]
    one, other = (prepared.placement.cut(each) for each in back)
    assert np.allclose(one, other[:, ::-1], atol=2e-5)


def test_what_is_there_is_not_overwritten(tmp_path, image_run, disc_images, capsys):
    (tmp_path / "mask.png").touch()

    assert predict(image_run, disc_images, tmp_path) == 2
    assert "exists already" in capsys.readouterr().err
    assert predict(image_run, disc_images, tmp_path, "--overwrite") == 0


def test_a_device_that_is_not_there_is_named(tmp_path, image_run, disc_images, capsys):
    assert predict(image_run, disc_images, tmp_path / "out", "--device", "tpu") == 2
    assert "--device: there is no tpu here; give cpu or auto." in capsys.readouterr().err


def test_a_folder_without_a_model_is_named(tmp_path, disc_images, capsys):
    assert predict(tmp_path, disc_images, tmp_path / "out") == 2
    assert "no trained model in it; pass a run folder" in capsys.readouterr().err


def test_a_manifest_of_another_task_is_named(tmp_path, image_run, ball_volumes, capsys):
    assert predict(image_run, ball_volumes, tmp_path / "out") == 2
    assert "is for task brats, but the model is for polyp" in capsys.readouterr().err


def test_folds_belong_to_manifests(tmp_path, image_run, disc_images, capsys):
    assert predict(image_run, disc_images.parent, tmp_path / "out", "--fold", "0") == 2
    assert "--fold: " in capsys.readouterr().err


def test_a_model_of_volumes_takes_no_picture(volume_run, disc_images):
    channels = ("flair", "t1", "t1ce", "t2")
    (path, *_) = Manifest.load(disc_images).cases[0].images.values()
    case = FoundCase("a", "a", dict.fromkeys(channels, path))

    (problem,) = Predictor.load(volume_run, precision="32-true").problems(case)

    assert problem == f"{path}: the model is for volumes; choose another --run."


def test_a_missing_channel_is_named_with_its_folder(volume_run, ball_volumes):
    images = dict(Manifest.load(ball_volumes).cases[0].images)
    folder = images.pop("t1ce").parent

    with pytest.raises(InputError, match=f"{folder}: channel t1ce is missing; the model"):
        Predictor.load(volume_run, precision="32-true").predict(images)


def test_a_bad_case_stops_a_folder_before_any_is_predicted(
    tmp_path, volume_run, ball_volumes, capsys
):
    folder = tmp_path / "set"
    shutil.copytree(ball_volumes.parent, folder, ignore=shutil.ignore_patterns("*.json", "store"))
    lacking = folder / "BraTS20_Training_001"
    (lacking / "BraTS20_Training_001_t2.nii.gz").unlink()
    (folder / "BraTS20_Training_002" / "BraTS20_Training_002_t1.nii.gz").write_bytes(b"no scan")

    assert predict(volume_run, folder, tmp_path / "out") == 2

    errors = capsys.readouterr().err
    assert f"{lacking}: case BraTS20_Training_001: channel t2 is missing" in errors
    assert "BraTS20_Training_002_t1.nii.gz: " in errors
    assert "2 problems named above, nothing predicted" in errors
    assert not (tmp_path / "out").exists()


def test_what_a_layout_finds_wrong_is_not_passed_over(tmp_path, volume_run, ball_volumes, capsys):
    folder = tmp_path / "set"
    shutil.copytree(ball_volumes.parent, folder, ignore=shutil.ignore_patterns("*.json", "store"))
    (folder / "BraTS20_Training_001" / "BraTS20_Training_001_pd.nii.gz").touch()

    assert predict(volume_run, folder, tmp_path / "out") == 2
    assert "unknown modality 'pd'" in capsys.readouterr().err


def test_two_cases_of_one_name_are_refused(tmp_path, volume_run, ball_volumes, capsys):
    for place in ("a", "b"):
        name = "BraTS20_Training_001"
        shutil.copytree(ball_volumes.parent / name, tmp_path / "set" / place / name)

    assert predict(volume_run, tmp_path / "set", tmp_path / "out") == 2
    assert "has the name of the one at" in capsys.readouterr().err


def test_an_image_without_mask_is_predicted(tmp_path, image_run, disc_images):
    for place in ("images", "masks"):
        shutil.copytree(disc_images.parent / place, tmp_path / "set" / place)
    (tmp_path / "set" / "masks" / "disc3.png").unlink()

    assert predict(image_run, tmp_path / "set", tmp_path / "out") == 0

    assert len(masks_in(tmp_path / "out")) == 6


def test_one_sequence_is_enough(tmp_path, volume_run, ball_volumes):
    case = Manifest.load(ball_volumes).cases[1]

    assert predict(volume_run, case.images["t2"], tmp_path / "out") == 0

    assert [path.name for path in masks_in(tmp_path / "out")] == [f"{case.id}.nii.gz"]


@pytest.fixture
def packed_volume(tmp_path, ball_volumes) -> Path:
    """The first case as one 4-D file of an MSD folder, with an index of another order."""
    images = Manifest.load(ball_volumes).cases[0].images
    order = {"0": "T2w", "1": "t1gd", "2": "T1w", "3": "FLAIR"}
    scans = [nibabel.load(images[name]) for name in ("t2", "t1ce", "t1", "flair")]
    packed = np.stack([np.asarray(scan.dataobj) for scan in scans], axis=-1)
    path = tmp_path / "msd" / "imagesTs" / "BRATS_485.nii.gz"
    path.parent.mkdir(parents=True)
    nibabel.save(nibabel.Nifti1Image(packed, scans[0].affine), path)
    index = {"modality": order, "training": [], "test": ["./imagesTs/BRATS_485.nii.gz"]}
    (tmp_path / "msd" / "dataset.json").write_text(json.dumps(index))
    return path


def test_a_volume_of_all_channels_is_predicted_as_file_folder_set_and_in_python(
    tmp_path, volume_run, ball_volumes, packed_volume
):
    predictor = Predictor.load(volume_run, precision="32-true")
    expected = predictor.predict(Manifest.load(ball_volumes).cases[0].images).labels

    in_python = predictor.predict(dict.fromkeys(predictor.card.channels, packed_volume))

    assert np.array_equal(in_python.labels, expected)
    for number, source in enumerate(
        (packed_volume, packed_volume.parent, packed_volume.parent.parent)
    ):
        out = tmp_path / f"out{number}"
        assert predict(volume_run, source, out) == 0
        assert np.array_equal(nibabel.load(out / "BRATS_485.nii.gz").dataobj, expected)


def test_a_broken_file_is_named(tmp_path, volume_run, ball_volumes):
    images = dict(Manifest.load(ball_volumes).cases[0].images)
    broken = tmp_path / "t1.nii.gz"
    broken.write_bytes(images["t1"].read_bytes()[:500])
    images["t1"] = broken

    with pytest.raises(InputError, match="t1.nii.gz"):
        Predictor.load(volume_run, precision="32-true").predict(images)


def test_weights_of_another_network_are_refused(tmp_path, image_run):
    model = tmp_path / "model"
    model.mkdir()
    best = image_run / "checkpoints" / "best"
    (model / "weights.safetensors").write_bytes((best / "weights.safetensors").read_bytes())
    card = (best / "model.json").read_text().replace('"inspire"', '"concat"')
    (model / "model.json").write_text(card)

    with pytest.raises(InputError, match="does not fit the network of model.json"):
        Predictor.load(model)


def test_options_may_stand_in_a_file(tmp_path, image_run, disc_images):
    config = tmp_path / "options.yaml"
    config.write_text(f"run: {image_run}\ninput: {disc_images}\nfold: 0\nprecision: 32-true\n")

    assert main(["--config", str(config), "--output", str(tmp_path / "out")]) == 0

    assert len(masks_in(tmp_path / "out")) == 3


def test_no_mask_takes_the_place_of_an_input(tmp_path, image_run, disc_images, capsys):
    pictures = tmp_path / "pictures"
    shutil.copytree(disc_images.parent / "images", pictures)
    linked = tmp_path / "linked"
    linked.symlink_to(pictures)
    before = {path: path.read_bytes() for path in pictures.iterdir()}

    for output in (pictures, linked):
        assert predict(image_run, pictures, output, "--overwrite") == 2
        assert "disc0.png is a file of the input, which would be replaced" in (
            capsys.readouterr().err
        )

    assert {path: path.read_bytes() for path in pictures.iterdir()} == before


def test_a_mask_does_not_take_the_place_of_probabilities(tmp_path, image_run, disc_images, capsys):
    content = json.loads(disc_images.read_text())
    content["cases"][1]["id"] = "disc0_prob"
    del content["hash"]
    manifest = disc_images.with_name("clash.json")
    manifest.write_text(json.dumps(content))

    assert predict(image_run, manifest, tmp_path / "out", "--probabilities") == 2
    sentence = "case disc0_prob: its mask would have the name of the probabilities of disc0;"
    assert sentence in capsys.readouterr().err
    words = ["--prediction", str(tmp_path), "--reference", str(manifest)]
    assert evaluate([*words, "--protocol", "polyp-pranet", "--output", str(tmp_path / "s")]) == 2
    assert sentence in capsys.readouterr().err
    manifest.unlink()


def test_masks_of_an_earlier_request_are_named(tmp_path, image_run, disc_images, capsys):
    assert predict(image_run, disc_images, tmp_path, "--probabilities") == 0
    assert "also there" not in capsys.readouterr().err

    assert predict(image_run, disc_images, tmp_path, "--overwrite", "--fold", "0") == 0

    error = capsys.readouterr().err
    others = {case.id for case in Manifest.load(disc_images).fold(1)[1]}
    assert "also there, of an earlier request: disc" in error
    assert all(f"{name}.png" in error and f"{name}_prob.png" in error for name in others)


def test_masks_say_where_they_come_from_and_how_long_they_took(tmp_path, image_run, disc_images):
    assert predict(image_run, disc_images, tmp_path / "out", "--fold", "0") == 0

    record = json.loads((tmp_path / "out" / "predictions.json").read_text())
    seconds = {case: own["seconds"] for case, own in record["cases"].items()}
    assert record["run"] == str(image_run.resolve())
    assert set(seconds) == {case.id for case in Manifest.load(disc_images).fold(0)[1]}
    assert min(seconds.values()) > 0
    best = image_run.resolve() / "checkpoints" / "best"
    assert record["checkpoints"] == [{"path": str(best), "which": "best", "step": 1}]
    settings = {name: record[name] for name in ("precision", "overlap", "flips")}
    assert settings == {"precision": "32-true", "overlap": 0.5, "flips": False}
    origin = origin_of(tmp_path / "out")
    assert origin["Run"] == record["run"]
    assert origin["Trained on manifest hash"] == Manifest.load(disc_images).hash


def test_a_model_folder_has_no_step(tmp_path, image_run, disc_images):
    model = tmp_path / "model"
    model.mkdir()
    for name in ("weights.safetensors", "model.json"):
        shutil.copy(image_run / "checkpoints" / "last" / name, model)

    assert predict(model, disc_images, tmp_path / "out", "--fold", "0", "--tta") == 0

    record = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert record["checkpoints"] == [{"path": str(model.resolve()), "which": None, "step": None}]
    assert record["flips"] is True


def test_masks_have_the_label_values_of_the_manifest(tmp_path, volume_run, ball_volumes):
    content = json.loads(ball_volumes.read_text())
    content["regions"] = {"ET": [3], "WT": [1, 2, 3], "TC": [1, 3]}  # of 2023, in another order
    del content["hash"]
    for case in content["cases"]:
        case["label"] = None
        case["images"] = {n: str(ball_volumes.parent / p) for n, p in case["images"].items()}
    (tmp_path / "new.json").write_text(json.dumps(content))

    assert predict(volume_run, tmp_path / "new.json", tmp_path / "new") == 0
    assert predict(volume_run, ball_volumes, tmp_path / "old") == 0

    for mask in masks_in(tmp_path / "old"):
        old = np.asarray(nibabel.load(mask).dataobj)
        new = np.asarray(nibabel.load(tmp_path / "new" / mask.name).dataobj)
        assert np.array_equal(new, np.where(old == 4, 3, old))


def test_other_regions_than_the_models_are_refused(tmp_path, volume_run, ball_volumes, capsys):
    content = json.loads(ball_volumes.read_text())
    content["regions"] = {"WT": [1, 2, 4]}
    del content["hash"]
    (tmp_path / "m.json").write_text(json.dumps(content))

    assert predict(volume_run, tmp_path / "m.json", tmp_path / "out") == 2

    assert "has the regions WT, but the model gives WT, TC, ET" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--threads", "-1"], "--threads: -1 is too small"),
        (["--output", "{manifest}/out"], "is a file, not a folder; choose another place"),
    ],
)
def test_a_faulty_request_is_refused_at_once(
    tmp_path, image_run, disc_images, capsys, words, sentence
):
    words = [word.format(manifest=disc_images) for word in words]

    assert predict(image_run, disc_images, tmp_path / "out", *words) == 2

    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_folder_one_is_in_is_known_by_its_name(tmp_path, volume_run, ball_volumes, monkeypatch):
    monkeypatch.chdir(Manifest.load(ball_volumes).cases[0].images["t1"].parent)

    assert predict(volume_run, Path(), tmp_path / "out") == 0

    assert [path.name for path in masks_in(tmp_path / "out")] == ["BraTS20_Training_000.nii.gz"]


def test_masks_of_arrays_can_be_written(tmp_path, volume_run):
    random = np.random.default_rng(0)
    arrays = {name: random.random((16, 16, 8)) for name in ("flair", "t1", "t1ce", "t2")}
    prediction = Predictor.load(volume_run).predict(arrays, spacing_mm=(1, 1, 2))

    write_mask(
        tmp_path / "mask.nii.gz", prediction.labels, prediction.placement, prediction.regions
    )

    assert nibabel.load(tmp_path / "mask.nii.gz").header.get_zooms() == (1, 1, 2)


@pytest.mark.parametrize("scale", [1 / 255, 2.0, -1.0])
def test_a_picture_that_is_not_of_0_to_255_is_refused(image_run, scale):
    plane = np.linspace(0, 255, 32 * 32).reshape(32, 32) * scale

    with pytest.raises(InputError, match="give colours of 0 to 255"):
        Predictor.load(image_run).predict(dict.fromkeys(("red", "green", "blue"), plane))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [("format", 2, "not a model card"), ("sha256", None, "weights.safetensors: damaged")],
)
def test_a_card_that_is_not_ours_is_refused(tmp_path, image_run, key, value, words):
    shutil.copytree(image_run / "checkpoints" / "best", tmp_path / "model")
    card = json.loads((tmp_path / "model" / "model.json").read_text())
    card[key] = value
    (tmp_path / "model" / "model.json").write_text(json.dumps({k: v for k, v in card.items() if v}))

    with pytest.raises(InputError, match=words):
        Predictor.load(tmp_path / "model")


@pytest.mark.parametrize("suffix", [".mha", ".nrrd", ".hdr"])
def test_volumes_of_another_format_give_the_same_mask(tmp_path, volume_run, ball_volumes, suffix):
    case = Manifest.load(ball_volumes).cases[0]
    for path in case.images.values():
        image = sitk.ReadImage(str(path))
        there = tmp_path / "in" / case.id / path.name.replace(".nii.gz", suffix)
        there.parent.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(image, str(there))

    assert predict(volume_run, tmp_path / "in", tmp_path / "out") == 0
    assert predict(volume_run, case.images["t1"].parent, tmp_path / "expected") == 0

    found, expected = (
        nibabel.load(tmp_path / folder / f"{case.id}.nii.gz") for folder in ("out", "expected")
    )
    assert np.asarray(expected.dataobj).any()
    np.testing.assert_array_equal(np.asarray(found.dataobj), np.asarray(expected.dataobj))
    np.testing.assert_allclose(found.affine, expected.affine)


@pytest.mark.slow
def test_a_case_is_predicted_with_what_there_is(tmp_path, volume_run, ball_volumes, capsys):
    folder = tmp_path / "set"
    shutil.copytree(ball_volumes.parent / "BraTS20_Training_000", folder / "BraTS20_Training_000")
    (folder / "BraTS20_Training_000" / "BraTS20_Training_000_t1.nii.gz").unlink()

    assert predict(volume_run, folder, tmp_path / "refused") == 2
    assert "pass --fill_missing" in capsys.readouterr().err
    assert predict(volume_run, folder, tmp_path / "filled", "--fill_missing", "true") == 0
    assert "1 case predicted without t1" in capsys.readouterr().err
    words = ["--without", "t1", "--fold", "0"]
    assert predict(volume_run, ball_volumes, tmp_path / "left_out", *words) == 0

    record = json.loads((tmp_path / "filled" / "predictions.json").read_text())
    assert record["cases"]["BraTS20_Training_000"]["missing"] == ["t1"]
    record = json.loads((tmp_path / "left_out" / "predictions.json").read_text())
    assert all(own["missing"] == ["t1"] for own in record["cases"].values())


@pytest.mark.parametrize(
    ("without", "sentence"),
    [
        ("t3", "--without: t3 is no channel of the model; give some of flair, t1, t1ce, t2."),
        ("flair,t1,t1ce,t2", "--without: leaves no channel; give some of flair"),
    ],
)
def test_odd_channels_to_leave_out_are_refused(
    tmp_path, volume_run, ball_volumes, capsys, without, sentence
):
    assert predict(volume_run, ball_volumes, tmp_path / "out", "--without", without) == 2
    assert sentence in capsys.readouterr().err


def test_a_picture_keeps_its_colours(tmp_path, image_run, disc_images, capsys):
    assert predict(image_run, disc_images, tmp_path / "out", "--without", "red") == 2
    assert "--without: the colours of a picture come together" in capsys.readouterr().err


@pytest.mark.slow
def test_several_runs_predict_together(tmp_path, volume_run, ball_volumes, capsys):
    folds = [shutil.copytree(volume_run, tmp_path / "cv" / f"fold{k}") for k in range(2)]
    words = ["--fold", "0", "--probabilities"]
    assert predict(volume_run, ball_volumes, tmp_path / "one", *words) == 0
    capsys.readouterr()

    assert predict(folds[0], ball_volumes, tmp_path / "two", "--run", str(folds[1]), *words) == 0
    assert "by the mean of 2 models" in capsys.readouterr().err
    assert predict(tmp_path / "cv", ball_volumes, tmp_path / "cv_out", *words) == 0

    for file in (tmp_path / "one").glob("*.nii.gz"):
        expected = np.asarray(nibabel.load(file).dataobj)
        for other in ("two", "cv_out"):
            found = np.asarray(nibabel.load(tmp_path / other / file.name).dataobj)
            np.testing.assert_allclose(found, expected, atol=1e-4)
    record = json.loads((tmp_path / "cv_out" / "predictions.json").read_text())
    assert [Path(each["path"]).parent.parent.name for each in record["checkpoints"]] == [
        "fold0",
        "fold1",
    ]
    assert record["run"] == str((tmp_path / "cv").resolve())


def test_runs_of_other_networks_do_not_predict_together(
    tmp_path, volume_run, image_run, ball_volumes, capsys
):
    words = ["--run", str(image_run)]
    assert predict(volume_run, ball_volumes, tmp_path / "out", *words) == 2
    error = capsys.readouterr().err
    assert "do not predict together, for their tasks differ" in error
    assert not (tmp_path / "out").exists()


def test_rules_of_postprocessing_are_those_of_the_run_unless_others_are_given(
    tmp_path, image_run, disc_images, capsys
):
    run = shutil.copytree(image_run, tmp_path / "run")
    all_of_it = "format: 1\nregions: {polyp: {threshold: 1.0e-5}}"
    (run / "postprocess.yaml").write_text(all_of_it)
    none = tmp_path / "none.yaml"
    none.write_text("format: 1\nregions: {polyp: {threshold: 0.99999}}")

    assert predict(run, disc_images, tmp_path / "stored", "--fold", "0") == 0
    assert "masks of polyp by rules of postprocessing" in capsys.readouterr().err
    words = ["--fold", "0", "--postprocess"]
    assert predict(run, disc_images, tmp_path / "given", *words, str(none)) == 0
    assert predict(run, disc_images, tmp_path / "off", *words, "off") == 0
    assert predict(image_run, disc_images, tmp_path / "plain", "--fold", "0") == 0

    def pixels(folder):
        return np.stack([np.asarray(Image.open(mask)) for mask in masks_in(tmp_path / folder)])

    assert pixels("stored").all()
    assert not pixels("given").any()
    np.testing.assert_array_equal(pixels("off"), pixels("plain"))
    record = json.loads((tmp_path / "stored" / "predictions.json").read_text())
    assert record["postprocess"] == {"polyp": {"threshold": 1e-5}}


def test_rules_that_are_not_there_are_named(tmp_path, image_run, disc_images, capsys):
    words = ["--postprocess", str(tmp_path / "absent.yaml")]
    assert predict(image_run, disc_images, tmp_path / "out", *words) == 2
    assert "absent.yaml: no such file" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["6", "lots", "0GiB"])
def test_memory_is_a_size(tmp_path, image_run, disc_images, capsys, size):
    assert predict(image_run, disc_images, tmp_path / "out", "--memory", size) == 2
    assert f"--memory: '{size}' is no size; give a number and a unit" in capsys.readouterr().err


@pytest.mark.slow
def test_with_little_memory_the_answer_is_the_same(tmp_path, volume_run, ball_volumes, capsys):
    """The network of the training sees windows of the training: it cannot see less."""
    words = ["--fold", "0", "--probabilities"]
    assert predict(volume_run, ball_volumes, tmp_path / "plain", *words) == 0
    assert "gathered in memory" in capsys.readouterr().err
    words += ["--windows", "largest", "--memory", "0.001MiB"]
    assert predict(volume_run, ball_volumes, tmp_path / "little", *words) == 0
    assert "gathered in a temporary file" in capsys.readouterr().err

    for file in (tmp_path / "plain").glob("*.nii.gz"):
        one, other = (
            np.asarray(nibabel.load(tmp_path / folder / file.name).dataobj)
            for folder in ("plain", "little")
        )
        np.testing.assert_array_equal(one, other)


def test_doubt_is_written_beside_the_masks_and_not_among_them(
    tmp_path, image_run, disc_images, capsys
):
    assert predict(image_run, disc_images, tmp_path / "out", "--fold", "0", "--doubt") == 0

    folder = tmp_path / "out" / "doubt"
    cases = {case.id for case in Manifest.load(disc_images).fold(0)[1]}
    assert {path.stem for path in folder.glob("*.png")} == cases
    rows = list(csv.DictReader((folder / "cases.csv").read_text().splitlines()))
    assert [set(row) for row in rows] == [{"case", "confidence", "refer"}] * len(cases)
    assert {row["case"] for row in rows} == cases
    confidences = [float(row["confidence"]) for row in rows]
    assert confidences == sorted(confidences)
    assert {row["refer"] for row in rows} == {""}  # no limit was found for this run
    assert "a person should look at" not in capsys.readouterr().err
    record = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert {c: f"{own['confidence']:.4f}" for c, own in record["cases"].items()} == {
        row["case"]: row["confidence"] for row in rows
    }
    lesions = list(csv.DictReader((folder / "lesions.csv").read_text().splitlines()))
    assert all(row["case"] in cases and 0 <= float(row["confidence"]) <= 1 for row in lesions)
    page = (folder / "cases.html").read_text()
    places = [page.index(f">{row['case']}<") for row in rows]
    assert places == sorted(places)


def test_no_doubt_of_an_earlier_request_stands_beside_new_masks(tmp_path, image_run, disc_images):
    out, words = tmp_path / "out", ["--fold", "0"]
    assert predict(image_run, disc_images, out, *words, "--doubt") == 0
    (out / "doubt" / "mine.txt").write_text("a person's own")

    assert predict(image_run, disc_images, out, *words, "--overwrite") == 0

    left = {path.name for path in (out / "doubt").iterdir() if path.suffix != ".png"}
    assert left == {"mine.txt"}


def test_doubt_that_is_none_is_refused_before_anything_is_predicted(
    tmp_path, image_run, disc_images, capsys
):
    run = shutil.copytree(image_run, tmp_path / "run")
    (run / "doubt.json").write_text('{"format": 2, "temperature": -1.0}')

    assert predict(run, disc_images, tmp_path / "out", "--doubt") == 2
    said = capsys.readouterr().err
    assert "doubt.json: not what tune writes (temperature is not above zero, or no number)" in said
    assert not (tmp_path / "out").exists()


def test_cases_that_a_person_should_look_at_are_named(tmp_path, image_run, disc_images, capsys):
    run = shutil.copytree(image_run, tmp_path / "run")
    (run / "doubt.json").write_text('{"format": 2, "temperature": 2.0, "refer_below": 1.1}')

    assert predict(run, disc_images, tmp_path / "out", "--fold", "0") == 0

    cases = sorted(case.id for case in Manifest.load(disc_images).fold(0)[1])
    said = capsys.readouterr().err
    assert f"{len(cases)} of {len(cases)} cases a person should look at: {cases[0]}" in said
    assert not (tmp_path / "out" / "doubt").exists()


def test_a_limit_that_was_found_by_other_rules_is_not_gone_by(
    tmp_path, image_run, disc_images, capsys
):
    run = shutil.copytree(image_run, tmp_path / "run")
    rules = {"polyp": {"threshold": 0.3}}
    (run / "postprocess.yaml").write_text(json.dumps({"format": 1, "regions": rules}))
    limit = {"format": 2, "temperature": 2.0, "refer_below": 1.1, "rules": rules}
    (run / "doubt.json").write_text(json.dumps(limit))
    lost = "no case is named to look at: the limit of confidence was found with other rules of"

    assert predict(run, disc_images, tmp_path / "stored", "--fold", "0", "--doubt") == 0
    said = capsys.readouterr().err
    assert "cases a person should look at" in said
    assert lost not in said
    words = ["--fold", "0", "--doubt", "--postprocess", "off"]
    assert predict(run, disc_images, tmp_path / "off", *words) == 0
    said = capsys.readouterr().err
    assert "cases a person should look at" not in said
    assert lost in said

    def referred(folder):
        table = (tmp_path / folder / "doubt" / "cases.csv").read_text()
        return {row["refer"] for row in csv.DictReader(table.splitlines())}

    assert referred("stored") == {"yes"}
    assert referred("off") == {""}


def test_confidence_is_what_tune_would_find_by_the_maps(tmp_path, image_run, disc_images):
    """A picture's maps have 8 bits: who goes by a limit found with them sees no more than they."""
    run = shutil.copytree(image_run, tmp_path / "run")
    (run / "doubt.json").write_text(
        '{"format": 2, "temperature": 3.0, "bias": 0.5, "refer_below": 0.5}'
    )
    manifest = Manifest.load(disc_images)

    assert predict(run, disc_images, tmp_path / "out", "--fold", "0") == 0

    record = json.loads((tmp_path / "out" / "predictions.json").read_text())
    for case in manifest.fold(0)[1]:
        maps = tmp_path / "out" / f"{case.id}_prob.png"
        judged = outcome_of(
            manifest.regions,
            Postprocessing(),
            Calibration(3.0, 0.5),
            Example(case.id, 0, case.label, maps),
        )
        assert record["cases"][case.id]["confidence"] == pytest.approx(judged.confidence, abs=1e-9)


@pytest.mark.slow
def test_the_map_of_doubt_lies_on_the_patients_grid(tmp_path, volume_run, ball_volumes):
    words = ["--fold", "0", "--doubt", "--probabilities"]
    assert predict(volume_run, ball_volumes, tmp_path / "out", *words) == 0

    for file in masks_in(tmp_path / "out"):
        doubt = nibabel.load(tmp_path / "out" / "doubt" / file.name)
        mask = nibabel.load(file)
        assert np.array_equal(doubt.affine, mask.affine)
        stem = file.name.removesuffix(".nii.gz")
        chances = np.asarray(nibabel.load(tmp_path / "out" / f"{stem}_prob.nii.gz").dataobj)
        p = np.clip(chances, 1e-6, 1 - 1e-6)
        expected = (-p * np.log2(p) - (1 - p) * np.log2(1 - p)).max(axis=-1)
        found = np.asarray(doubt.dataobj).squeeze()
        np.testing.assert_allclose(found, expected, atol=1e-3)
