"""export writes what predict, torch and onnxruntime take, and tells when it was altered."""

import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
from models import write_model_of
from PIL import Image

from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.export import main as export
from inspire_med.files import sha256
from inspire_med.inference import Predictor
from inspire_med.inference.model import ModelCard, write_model
from inspire_med.inference.packed import unpacked
from inspire_med.inference.postprocess import find_postprocessing
from inspire_med.inference.sliding_window import ONE
from inspire_med.interop import exports
from inspire_med.interop.seal import SEAL
from inspire_med.interop.torch_export import read_program
from inspire_med.interop.verify import verify
from inspire_med.networks import build_network


def model_of(manifest: Path, folder: Path, fold: int = 0) -> Path:
    """A model of pictures that sees much at a time."""
    write_model_of(manifest, folder, "a" * 64, fold)
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(card | {"patch_size": [160, 160]}))
    return folder


@pytest.fixture
def run(disc_images, tmp_path) -> Path:
    return model_of(disc_images, tmp_path / "run")


@pytest.fixture
def folds(disc_images, tmp_path) -> Path:
    """A cross-validation's folder of two models, with a rule that was found for them."""
    folder = tmp_path / "cv"
    folder.mkdir()
    for number in range(2):
        model_of(disc_images, folder / f"fold{number}", fold=number)
    (folder / "postprocess.yaml").write_text(
        "format: 1\nregions: {polyp: {threshold: 0.45, fill_holes: true}}\n"
    )
    return folder


@pytest.fixture
def picture(disc_images) -> Path:
    return sorted((disc_images.parent / "images").iterdir())[0]


def shares_by(runs, picture: Path) -> np.ndarray:
    predictor = Predictor.load(runs, device="cpu", precision="32-true")
    return predictor.predict(dict.fromkeys(predictor.card.channels, picture)).shares


def written(run: Path, kind: str, output: Path) -> Path:
    assert export(["--run", str(run), "--format", kind, "--output", str(output)]) == 0
    return output


@pytest.mark.parametrize("name", ["handed", "handed.zip"])
@pytest.mark.parametrize("source", ["run", "folds"])
def test_a_handed_model_predicts_as_the_run(source, name, picture, tmp_path, request):
    run = request.getfixturevalue(source)

    handed = written(run, "model", tmp_path / name)

    np.testing.assert_array_equal(shares_by(handed, picture), shares_by(run, picture))
    with unpacked([handed]) as (folder,):
        kept = find_postprocessing("stored", [folder], {"polyp": (1,)})
    assert kept.regions == find_postprocessing("stored", [run], {"polyp": (1,)}).regions
    differences = verify(handed).differences
    assert len(differences) == (2 if source == "folds" else 1)
    assert max(differences) < 1e-6


def test_handed_models_predict_together_with_others(run, folds, picture, tmp_path):
    packed = written(run, "model", tmp_path / "one.zip")
    folder = written(folds, "model", tmp_path / "two")

    mean = shares_by([packed, folder], picture)

    np.testing.assert_array_equal(mean, shares_by([run, folds], picture))


def test_what_an_optimizer_needs_stays_behind(run, tmp_path):
    (run / "training.safetensors").write_bytes(b"moments")

    handed = written(run, "model", tmp_path / "handed")

    names = {file.name for file in handed.iterdir()}
    assert names == {"model.json", "weights.safetensors", "README.md", "card.json", "example.npz",
                     SEAL}  # fmt: skip


def test_the_card_says_what_is_known_and_what_is_not(run, tmp_path):
    (run / "training.json").write_text(
        json.dumps({"config": {"fold": 1, "seed": 7}, "progress": {"step": 12}})
    )
    handed = written(run, "model", tmp_path / "handed")

    page, card = (handed / "README.md").read_text(), json.loads((handed / "card.json").read_text())

    assert "fold 1, seed 7, steps 12, loss not known" in page
    assert "Not known: none lay beside the run." in page
    assert "a" * 64 in page
    assert card["scores"] is card["licence"] is None


def test_the_card_quotes_scores_with_their_intervals(run, tmp_path):
    measured = {"mean": 0.75, "ci95": [0.5, 0.875], "n": 6}
    (run / "scores").mkdir()
    (run / "scores" / "scores.json").write_text(
        json.dumps({"protocol": "p", "n_cases": 6, "summary": {"polyp": {"dice": measured}}})
    )

    page = (written(run, "model", tmp_path / "handed") / "README.md").read_text()

    assert "Protocol p, 6 cases" in page
    assert "| polyp | dice | 0.75 | 0.5 to 0.875 | 6 |" in page


@pytest.mark.parametrize("name", ["weights.safetensors", "model.json", "example.npz", "README.md"])
def test_an_altered_file_is_refused_before_it_is_read(run, name, tmp_path):
    handed = written(run, "model", tmp_path / "handed")
    content = bytearray((handed / name).read_bytes())
    content[-2] ^= 1
    (handed / name).write_bytes(content)

    with pytest.raises(InputError, match=rf"{name}: altered \(its sha256 differs\)"):
        verify(handed)


def test_a_missing_file_and_a_strange_one_are_named(run, tmp_path, capsys):
    handed = written(run, "model", tmp_path / "handed")
    (handed / "more.pkl").write_bytes(b"")
    assert export(["--verify", str(handed)]) == 2
    assert "more.pkl: is not of the export" in capsys.readouterr().err

    (handed / "more.pkl").unlink()
    (handed / "model.json").unlink()
    assert export(["--verify", str(handed)]) == 2
    assert "model.json: missing" in capsys.readouterr().err


def test_another_answer_than_the_stored_one_is_refused(run, tmp_path):
    handed = written(run, "model", tmp_path / "handed")
    with np.load(handed / "example.npz") as stored:
        image, logits = stored["image"], stored["logits0"]
    np.savez(handed / "example.npz", image=image, logits0=logits + 0.01)
    sealed_anew(handed)

    with pytest.raises(InputError, match="answers otherwise here"):
        verify(handed)


def sealed_anew(folder: Path) -> None:
    """Make the list of sums fit what is there, as somebody would who means harm."""
    content = json.loads((folder / SEAL).read_text())
    for name in content["sha256"]:
        content["sha256"][name] = sha256(folder / name)
    (folder / SEAL).write_text(json.dumps(content))


def test_an_archive_that_leaves_its_folder_is_not_unpacked(tmp_path):
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("../outside", "x")

    for read in (Predictor.load, verify):
        with pytest.raises(InputError, match="no plain name below a folder"):
            read(archive)
    assert not (tmp_path.parent / "outside").exists()


@pytest.mark.parametrize("name", ["handed", "handed.zip"])
def test_an_interrupted_export_leaves_what_was_there(run, name, tmp_path, monkeypatch):
    output = written(run, "model", tmp_path / name)
    before = sorted(tmp_path.rglob("*"))

    def interrupt(folder: Path, kind: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(exports, "write_seal", interrupt)
    words = ["--run", str(run), "--format", "model", "--output", str(output), "--overwrite"]
    assert export(words) == 130
    assert sorted(tmp_path.rglob("*")) == before
    assert verify(output).kind == "model"


def test_a_folder_that_is_no_export_is_never_replaced(run, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("kept")

    words = ["--run", str(run), "--format", "model", "--output", str(tmp_path / "mine")]
    assert export([*words, "--overwrite"]) == 2

    assert "holds something else" in capsys.readouterr().err
    assert (tmp_path / "mine" / "notes.txt").read_text() == "kept"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--format", "model"], "export: give --run, --format and --output"),
        (["--verify", "x", "--format", "model"], "--verify: checks what is there"),
        (["--verify", "nowhere"], "--verify: nowhere: no such folder or .zip"),
        (["--verify", "{run}"], "run: no export, as it has no export.json; give what export has"),
        (["--run", "{run}", "--format", "model", "--output", "{run}/out"], "overlap"),
        (["--run", "{run}", "--format", "model", "--output", "{run}"], "exists already"),
        (["--run", "{run}", "--format", "onnx", "--output", "{run}-out"], "needs onnxruntime"),
    ],
)
def test_a_request_at_fault_gets_one_sentence(words, sentence, run, monkeypatch, capsys):
    monkeypatch.setattr(
        "inspire_med.interop.onnx.find_spec", lambda name: name != "onnxruntime" or None
    )

    assert export([word.format(run=run) for word in words]) == 2

    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1


class Harm:
    """Writes a file when it is unpickled."""

    def __init__(self, file: Path):
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


@pytest.fixture(scope="session")
def exported(disc_images, tmp_path_factory) -> Path:
    """The torch export of a model of pictures, whose threshold divides the first of them."""
    folder = tmp_path_factory.mktemp("exported")
    run = model_of(disc_images, folder / "run")
    shares = shares_by(run, disc_images.parent / "images" / "disc0.png")
    middle = float(np.median(shares)) / ONE
    (run / "postprocess.yaml").write_text(
        f"format: 1\nregions: {{polyp: {{threshold: {middle}}}}}\n"
    )
    return written(run, "torch", folder / "torch")


def rewritten(file: Path, name: str, change) -> None:
    """Change a part of a program."""
    with zipfile.ZipFile(file) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    (place,) = [part for part in parts if part.endswith(name)]
    parts[place] = change(parts[place])
    with zipfile.ZipFile(file, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)


@pytest.mark.slow
def test_nothing_in_a_program_is_unpickled_or_evaluated(exported, tmp_path):
    harm = tmp_path / "harm"
    code = f"__import__('os').mkdir('{harm}')".encode()
    ways = {
        "sample_inputs/model.pt": lambda _: pickle.dumps(Harm(harm)),
        "weights_config.json": lambda raw: raw.replace(
            b'"use_pickle": false', b'"use_pickle": true'
        ),
        "constants_config.json": lambda _: (
            b'{"config": {"x": {"path_name": "opaque_obj_0", "use_pickle": false}}}'
        ),
        "models/model.json": lambda raw: raw.replace(b"Integer(2)", code),
    }
    for name, change in ways.items():
        folder = tmp_path / name.replace("/", "-")
        subprocess.run(["cp", "-r", exported, folder], check=True)
        rewritten(folder / "model0.pt2", name, change)

        with pytest.raises(InputError, match="altered"):
            verify(folder)
        sealed_anew(folder)
        with pytest.raises(InputError, match="model0.pt2: not opened"):
            verify(folder)
        assert not harm.exists()


@pytest.mark.slow
def test_a_program_calls_only_what_is_torchs_own(exported, tmp_path):
    file = tmp_path / "model0.pt2"
    file.write_bytes((exported / "model0.pt2").read_bytes())
    read_program(file)

    target = b"torch.ops.aten.relu_.default"
    rewritten(file, "models/model.json", lambda raw: raw.replace(target, b"torch.hub.load"))

    with pytest.raises(InputError, match="calls torch.hub.load"):
        read_program(file)


@pytest.mark.slow
def test_a_bundle_is_verified_like_the_others(exported, tmp_path):
    bundle = written(exported.parent / "run", "bundle", tmp_path / "bundle")

    assert max(verify(bundle).differences) < 1e-6

    (bundle / "configs" / "inference.json").write_text("{}")
    with pytest.raises(InputError, match="inference.json: altered"):
        verify(bundle)


def by_script(folder: Path, words: list[str], stub: Path) -> None:
    """Run an export's script where this package cannot be imported."""
    (stub / "inspire_med").mkdir(parents=True, exist_ok=True)
    (stub / "inspire_med" / "__init__.py").write_text("raise ImportError('not here')\n")
    done = subprocess.run(
        [sys.executable, str(folder / "predict.py"), *words],
        env=os.environ | {"PYTHONPATH": str(stub), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_script_paints_a_pictures_mask_as_predict_does(exported, picture, tmp_path):
    assert verify(exported).differences[0] < 1e-6

    by_script(exported, ["--output", str(tmp_path / "mask.png"), str(picture)], tmp_path / "stub")

    own = Predictor.load(exported.parent / "run", device="cpu", precision="32-true")
    wanted = own.predict(dict.fromkeys(own.card.channels, picture)).labels
    mask = np.asarray(Image.open(tmp_path / "mask.png")) // 255
    assert 0.2 < wanted.mean() < 0.8
    # The library that resizes pictures rounds its weights: an untrained map lies near a half.
    assert np.mean(mask != wanted) < 1e-2


@pytest.mark.slow
def test_the_script_of_two_networks_paints_a_volumes_mask_as_predict_does(
    ball_volumes, tmp_path, write_nifti
):
    pytest.importorskip("onnxruntime")
    known = Manifest.load(ball_volumes)
    network = {"spatial_dims": 3, "in_channels": len(known.channels), "widths": [4, 8]}
    network |= {"out_channels": len(known.regions), "skip": "concat"}
    card = ModelCard(
        known.task, tuple(known.channels), dict(known.regions), network, known.task.preparation,
        (16, 16, 16), "32-true", "a" * 64,
    )  # fmt: skip
    for number in range(2):
        (tmp_path / f"run{number}").mkdir()
        write_model(tmp_path / f"run{number}", card, build_network(network))
    runs = [tmp_path / "run0", tmp_path / "run1"]
    given = [word for run in runs for word in ("--run", str(run))]
    output = tmp_path / "onnx"
    assert export([*given, "--format", "onnx", "--output", str(output)]) == 0
    affine = np.array([[0, 0, 1.5, -3], [-1, 0.05, 0, 7], [0.05, 1, 0, 2], [0, 0, 0, 1.0]])
    random = np.random.default_rng(0)
    volume = np.zeros((22, 19, 25), np.float32)
    volume[2:20, 3:, 4:23] = random.gamma(2, 50, (18, 16, 19))
    files = {
        name: write_nifti(tmp_path / f"{name}.nii.gz", volume * (1 + i) + i * (volume > 0), affine)
        for i, name in enumerate(card.channels)
    }

    words = [f"{name}={file}" for name, file in files.items()]
    by_script(output, ["--output", str(tmp_path / "mask.nii.gz"), *words], tmp_path / "stub")

    wanted = Predictor.load(runs, device="cpu", precision="32-true").predict(files).labels
    mask = nibabel.load(tmp_path / "mask.nii.gz")
    np.testing.assert_allclose(mask.affine, affine)
    assert len(np.unique(wanted)) > 1
    assert np.mean(np.asarray(mask.dataobj) != wanted) < 1e-3
    assert max(verify(output).differences) < 1e-5
