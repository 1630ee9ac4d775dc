"""The race: what it asks, shares out and counts, and what goes to its contestants and back.

nnU-Net itself runs elsewhere.
"""

import importlib
import json
import shutil
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError

BENCH = Path(__file__).parents[1] / "scripts" / "bench"


@pytest.fixture(autouse=True)
def bench(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))


@pytest.fixture
def race():
    return importlib.import_module("race")


@pytest.fixture
def contestants():
    return importlib.import_module("race_contestants")


@pytest.fixture
def monai_user():
    return importlib.import_module("race_monai")


@pytest.fixture
def peer():
    return importlib.import_module("race_nnunet")


def halves(manifest: Path) -> tuple[Manifest, Manifest]:
    """Manifests of the cases that fold 0 trains on and is tested on."""
    whole = Manifest.load(manifest)
    training, test = whole.fold(0)
    return replace(whole, cases=training), replace(whole, cases=test)


REQUEST = {"task": "polyp", "minutes": 20.0, "cases": None, "ours": [], "commit": "abc"}


def test_goes_on_with_the_same_request_alone(race, tmp_path):
    file = tmp_path / "request.json"
    race.keep_request(file, REQUEST)
    race.keep_request(file, REQUEST)

    for name, value in (
        ("minutes", 1.0),
        ("ours", ["network.skip=ise"]),
        ("commit", "def"),
        ("cases", 5),
    ):
        with pytest.raises(InputError, match=f"begun with {name} .*, not .*another --out"):
            race.keep_request(file, {**REQUEST, name: value})
    assert json.loads(file.read_text()) == REQUEST


def test_a_share_of_the_cases_is_spread_evenly(race):
    cases = list("abcdefghij")

    assert race.spread(cases, 3) == ["a", "d", "g"]  # 0, 10/3, 20/3
    assert race.spread(cases, 10) == race.spread(cases, 11) == race.spread(cases, None) == cases


def test_nobody_trains_on_a_test_case(race, ball_volumes, tmp_path):
    training, test = map(Manifest.load, race.shared_out(ball_volumes, tmp_path, (0,), 1))

    whole, tested = halves(ball_volumes)
    assert training.cases == whole.cases
    assert test.cases == tested.cases[:1]


def test_several_folds_may_be_tested(race, ball_volumes, tmp_path):
    training, test = map(Manifest.load, race.shared_out(ball_volumes, tmp_path, (0, 1), None))

    assert {case.fold for case in test.cases} == {0, 1}
    assert not {case.fold for case in training.cases} & {0, 1}


def scored(race, folder: Path, dice: float, rest_s: float) -> None:
    race.write_json(
        folder / "scores" / "scores.json", {"summary": {"polyp": {"dice": {"mean": dice}}}}
    )
    race.write_json(folder / "seconds.json", {"rest": rest_s})


def test_the_table_says_dice_of_each_seed_and_where_time_went(
    race, contestants, disc_images, tmp_path
):
    manifests = race.shared_out(disc_images, tmp_path, (0,), 2)
    request = {**REQUEST, "cases": 2, "ours": ["network.skip=ise"]}
    race.keep_request(tmp_path / "request.json", request)
    scored(race, tmp_path / "nnU-Net" / "seed0", 0.8, 60)
    scored(race, tmp_path / "nnU-Net" / "seed1", 0.7, 120)
    who = {"nnU-Net": contestants.Contestant(lambda seed, folder: None, preparation_s=30)}

    lines = list(race.table(contestants.Race(*manifests, tmp_path, 1200), who, 2))

    assert lines[2] == "| nnU-Net | 0.750 (0.800 0.700) | 0.5 | 20.0 | 1.5 |"
    assert lines[-1].startswith(
        "`polyp`, n = 2 (test cases, evenly spread); 20 minutes of training, 2 seeds; "
        "inspire-med with network.skip=ise; commit abc; "
    )


@pytest.mark.slow
def test_a_start_is_scored_once_and_one_that_was_stopped_begins_anew(
    race, contestants, disc_images, tmp_path
):
    manifests = race.shared_out(disc_images, tmp_path, (0,), 2)
    given = contestants.Race(*manifests, tmp_path, 0.0)
    starts = []

    def stopped(seed: int, folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    def perfect(seed: int, folder: Path) -> None:
        starts.append((seed, (folder / "half").exists()))
        (folder / "masks").mkdir()
        for case in Manifest.load(given.test).cases:
            shutil.copy(case.label, folder / "masks" / f"{case.id}.png")

    with pytest.raises(KeyboardInterrupt):
        race.run(given, "MONAI X", 1, contestants.Contestant(stopped))
    race.run(given, "MONAI X", 1, contestants.Contestant(perfect))
    race.run(given, "MONAI X", 1, contestants.Contestant(perfect))

    assert starts == [(1, False)]
    scores = json.loads((tmp_path / "MONAI-X" / "seed1" / "scores" / "scores.json").read_text())
    assert scores["summary"]["polyp"]["dice"]["mean"] == 1
    assert scores["summary"]["polyp"]["dice"]["n"] == 2


def test_ours_has_a_limit_of_time_alone(contestants, monkeypatch, disc_images, tmp_path):
    said = []
    monkeypatch.setattr(contestants, "command", lambda *words: said.append(list(words)))
    given = contestants.Race(disc_images, disc_images, tmp_path, 90.0)

    contestants.ours(given, ["network.skip=ise"]).start(2, tmp_path)

    train, predict = said
    assert train[train.index("--max_steps") + 1] == "null"
    assert train[train.index("--max_time") + 1] == "90s"
    assert train[train.index("--fold") + 1] == "none"
    assert train[-1] == "--network.skip=ise"
    assert predict[predict.index("--run") + 1] == train[train.index("--run") + 1]


def test_a_picture_is_one_file_and_a_volume_one_a_channel(contestants, disc_images, ball_volumes):
    flat = contestants.datalist(*halves(disc_images))
    deep = contestants.datalist(*halves(ball_volumes))

    case, *_ = halves(ball_volumes)[0].cases
    channels = Manifest.load(ball_volumes).channels
    assert deep["training"][0] == {
        "image": [str(case.images[channel]) for channel in channels],
        "label": str(case.label),
    }
    picture, *_ = halves(disc_images)[1].cases
    assert flat["test"][0] == {"id": picture.id, "image": str(picture.images["red"])}
    assert (flat["spatial_dims"], deep["spatial_dims"]) == (2, 3)
    assert deep["regions"] == {"WT": [1, 2, 4], "TC": [1, 4], "ET": [4]}


def test_masks_of_a_plain_script_come_back_on_their_pictures(
    monai_user, contestants, disc_images, tmp_path
):
    """A 48 x 40 picture: sides that are swapped would be seen."""
    content = contestants.datalist(*halves(disc_images))
    item, *_ = content["training"]
    wanted = np.asarray(Image.open(item["label"]))

    ready = monai_user.transforms(content, training=True)(item)
    loaded = torch.from_numpy(wanted.T.copy())[None, None] / 255 - 0.5  # as MONAI reads
    monai_user.save_picture(loaded, item["image"], tmp_path / "mask.png")

    assert ready["image"].shape == (3, 352, 352)
    assert set(np.unique(ready["label"])) == {0, 1}
    assert ready["label"].mean() == pytest.approx((wanted > 0).mean(), abs=0.01)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "mask.png")), wanted)


def test_regions_of_a_plain_script_are_painted_back(
    monai_user, contestants, monkeypatch, ball_volumes, tmp_path
):
    monkeypatch.setattr(monai_user, "PATCH", (20, 18, 15))  # whole cases
    content = contestants.datalist(*halves(ball_volumes))
    item, *_ = content["training"]
    label = nibabel.load(item["label"])
    image = monai_user.transforms(content, training=False)({"image": item["image"]})["image"]
    values = np.asarray(label.dataobj)
    regions = np.stack([np.isin(values, own) for own in content["regions"].values()])

    ready = monai_user.transforms(content, training=True)(item)
    monai_user.save_volume(torch.from_numpy(regions - 0.5), image, content, tmp_path, "case")

    assert image.shape == (4, 20, 18, 15)
    assert ready["label"].sum((1, 2, 3)).tolist() == regions.sum((1, 2, 3)).tolist()
    painted = nibabel.load(tmp_path / "case.nii.gz")
    assert np.array_equal(painted.get_fdata(), values)
    assert np.allclose(painted.affine, label.affine)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["DynUNet", "SegResNet"])
def test_a_plain_script_trains_for_its_time_and_predicts_each_case(
    monai_user, contestants, monkeypatch, disc_images, tmp_path, name
):
    seconds = count()  # begins at 0, then each look at the clock is a second later
    monkeypatch.setattr(monai_user, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    monkeypatch.setattr(monai_user, "PICTURE", (64, 64))
    monkeypatch.setitem(monai_user.BATCH, 2, 2)
    content = contestants.datalist(*halves(disc_images))
    network = monai_user.build(name, 2, 1, channels=3).to(monai_user.DEVICE)

    steps, _ = monai_user.train(network, content, 3)
    monai_user.predict(network, content, tmp_path)

    assert steps == 2  # begun after 1 and 2 seconds, not after 3
    assert {file.stem for file in tmp_path.iterdir()} == {each["id"] for each in content["test"]}


def test_nnunets_labels_come_back_as_the_sets_own(peer, ball_volumes, tmp_path):
    training, test = halves(ball_volumes)
    case, *_ = training.cases

    peer.write_raw(training, tmp_path / "raw", test.cases)

    assert len(list((tmp_path / "raw" / "imagesTs").iterdir())) == 4 * len(test.cases)
    label = tmp_path / "raw" / "labelsTr" / f"{case.id}.nii.gz"
    back = {number: value for value, number in peer.numbers(training.regions).items()}
    peer.volume_back(label, tmp_path / "back.nii.gz", back)
    wanted = nibabel.load(case.label)
    found = nibabel.load(tmp_path / "back.nii.gz")
    assert np.array_equal(found.get_fdata(), wanted.get_fdata())
    assert np.allclose(found.affine, wanted.affine)


def test_nnunets_masks_of_0_and_1_come_back_black_and_white(peer, disc_images, tmp_path):
    training, test = halves(disc_images)
    case, *_ = training.cases

    peer.write_raw(training, tmp_path / "raw", test.cases)

    peer.picture_back(tmp_path / "raw" / "labelsTr" / f"{case.id}.png", tmp_path / "back.png")
    back = np.asarray(Image.open(tmp_path / "back.png"))
    assert np.array_equal(back, np.asarray(Image.open(case.label)))


def test_a_preparation_that_was_stopped_begins_anew(peer, monkeypatch, ball_volumes, tmp_path):
    theirs = peer.NnUNet(Path("python"), tmp_path, *halves(ball_volumes))
    calls = []

    def stopped_at_first(self, program: Path, *words: str) -> None:
        calls.append(program.name)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(peer.NnUNet, "_run", stopped_at_first)

    with pytest.raises(KeyboardInterrupt):
        theirs.prepare()
    theirs.prepare()
    theirs.prepare()

    assert calls == ["nnUNetv2_plan_and_preprocess"] * 2
