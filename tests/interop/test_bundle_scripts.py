"""What a bundle carries along beside what `predict` does."""

import json

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data.meta_tensor import MetaTensor
from torch import nn

from inspire_med.cases.intensity import normalise_channel
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.masks import labels_from_regions
from inspire_med.imaging.resample import resample_to
from inspire_med.imaging.resample import resize as own_resize
from inspire_med.inference.model import ModelCard
from inspire_med.inference.postprocess import RegionRules
from inspire_med.inference.sliding_window import ONE, region_probabilities
from inspire_med.inference.windows import Windows
from inspire_med.interop.bundle_config import preprocessing
from inspire_med.interop.bundle_scripts.cases import find_cases
from inspire_med.interop.bundle_scripts.inferer import EvenWindows
from inspire_med.interop.bundle_scripts.network import Exported
from inspire_med.interop.bundle_scripts.pictures import colours
from inspire_med.interop.bundle_scripts.regions import Paintd, Thresholdd
from inspire_med.interop.bundle_scripts.rules import Rulesd
from inspire_med.interop.bundle_scripts.volumes import OnOneGridd, ToSpacingd, resize
from inspire_med.tasks.isles import ISLES_2024

REGIONS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}


@pytest.mark.parametrize("size", [(8, 23, 30), (17, 7, 3), (40, 50, 2), (1, 1, 1)])
def test_resizes_as_predict_does(size):
    volume = np.random.default_rng(0).normal(0, 100, (17, 23, 9)).astype(np.float32)

    assert np.array_equal(resize(volume, size), own_resize(volume[None], size)[0])


def test_brings_a_channel_to_another_grid_as_predict_does():
    volume = np.random.default_rng(0).normal(0, 100, (17, 23, 9)).astype(np.float32)
    cos, sin = np.cos(0.2), np.sin(0.2)
    turn = np.array([[cos, -sin, 0, 0], [sin, cos, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    own, other = np.diag([1.0, 1.0, 3.0, 1.0]), turn @ np.diag([2.0, 0.8, 2.0, 1.0])
    fixed = MetaTensor(torch.ones(1, 12, 20, 11), affine=torch.from_numpy(other))
    moving = MetaTensor(torch.from_numpy(volume)[None], affine=torch.from_numpy(own))

    found = OnOneGridd(["a", "b"], "a", ["b"])({"a": fixed, "b": moving})["b"][0].numpy()

    wanted = resample_to(volume, Grid(volume.shape, own), Grid((12, 20, 11), other))
    assert 0.1 < (wanted == 0).mean() < 0.9  # some of it lies outside
    np.testing.assert_allclose(found, wanted, atol=1e-3)  # of values about 100


def test_refuses_a_channel_that_lies_elsewhere():
    image, shift = torch.ones(1, 4, 4, 4), torch.eye(4, dtype=torch.float64)
    shift[0, 3] = 0.2
    data = {"a": MetaTensor(image), "b": MetaTensor(image, affine=shift)}

    with pytest.raises(ValueError, match="b: does not lie on the grid of a"):
        OnOneGridd(["a", "b"], "a")(data)


def test_resampled_volumes_come_back_to_their_shape_and_place():
    affine = torch.diag(torch.tensor([-1.0, 1.0, 3.0, 1.0], dtype=torch.float64))
    image = MetaTensor(torch.full((1, 9, 8, 7), 5.0), affine=affine)
    step = ToSpacingd(["a"], (2.0, 1.0, 1.0))

    seen = step({"a": image})["a"]
    back = step.inverse({"a": seen})["a"]

    assert seen.shape == (1, 4, 8, 21)
    # The first voxel's outer corner stays: 4.5 mm of voxels became 4 of 2.25 mm.
    corner = torch.tensor([-0.5, -0.5, -0.5, 1.0], dtype=torch.float64)
    torch.testing.assert_close(seen.affine @ corner, affine @ corner)
    assert back.shape == image.shape
    torch.testing.assert_close(back.affine, affine)
    torch.testing.assert_close(back.as_tensor(), image.as_tensor())


class Positions(nn.Module):
    """Logits that tell where in a window a voxel lies."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.scale * (x[:, :1] + torch.arange(x.shape[-1]) / 3)


@pytest.mark.parametrize(
    ("size", "window"), [((13, 11), (8, 8)), ((5, 12, 9), (8, 8, 8)), ((5, 6, 7), (8, 8, 8))]
)
def test_looks_through_the_windows_of_predict(size, window):
    image = torch.randn(2, *size)
    image[(..., slice(0, 4))] = 0
    wanted = np.empty((1, *size), np.uint16)
    windows = Windows.over(size, window, 0.5)
    region_probabilities(Positions(), image, windows, wanted, precision="32-true")

    with torch.no_grad():
        logits = EvenWindows(window, 1, 0.5, (1,) * len(size), torch.device("cpu"))(
            image[None], Positions()
        )

    found = logits[0].sigmoid().mul(ONE).round().numpy()
    assert np.abs(found - wanted).max() <= 1  # of 65534: the last bit


def test_air_is_not_looked_at():
    def fails(part):
        raise AssertionError

    image = torch.zeros(1, 2, 5, 6)

    found = EvenWindows((8, 8), 3, 0.5, (6, 6), torch.device("cpu"))(image, fails)

    assert torch.equal(found, torch.full((1, 3, 5, 6), -20.0))


def test_an_image_that_is_too_small_is_seen_among_zeros():
    sizes = []

    def network(part):
        sizes.append(tuple(part.shape[2:]))
        return part[:, :1]

    image = torch.rand(1, 2, 5, 9)

    found = EvenWindows((8, 8), 1, 0.5, (8, 8), torch.device("cpu"))(image, network)

    assert set(sizes) == {(8, 8)}
    torch.testing.assert_close(found, image[:, :1])


def test_clips_and_standardises_as_predict_does():
    known = {name: {"low": -1.0, "high": 0.8, "mean": 0.3, "sd": 0.7}
             for name in ISLES_2024.channels}  # fmt: skip
    how = ISLES_2024.preparation.__class__(intensity="ct", intensity_statistics=known)
    regions, patch = {"lesion": (1,)}, (8, 8, 8)
    card = ModelCard(ISLES_2024, ISLES_2024.channels, regions, {}, how, patch, "32-true")
    steps = [step for step in preprocessing(card, how) if step.get("keys") == "ncct"]
    values = torch.randn(1, 6, 5, 4)

    parser = ConfigParser({"steps": {"_target_": "Compose", "transforms": steps}})
    found = parser.get_parsed_content("steps")({"ncct": MetaTensor(values)})["ncct"][0].numpy()

    wanted = normalise_channel(values[0].numpy(), "ncct", np.ones((6, 5, 4), bool), how)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_paints_regions_as_predict_does():
    masks = np.random.default_rng(0).random((3, 5, 6, 7)) > 0.4
    painted = Paintd(["pred"], REGIONS)

    found = painted({"pred": MetaTensor(torch.from_numpy(masks)), "case": "a"})["pred"]

    assert np.array_equal(found.numpy(), labels_from_regions(masks, REGIONS))


def test_a_threshold_itself_is_below():
    values = torch.tensor([[[0.5, 0.51]], [[0.2, 0.21]]])

    found = Thresholdd(["pred"], [0.5, 0.2])({"pred": values})["pred"]

    assert found.tolist() == [[[False, True]], [[False, True]]]


@pytest.mark.parametrize(
    "rules",
    [
        RegionRules(fill_holes=True),
        RegionRules(smallest_part=0.006),
        RegionRules(largest_only=True),
        RegionRules(smallest_total=0.5),
        RegionRules(fill_holes=True, smallest_part=0.004, smallest_total=0.01),
    ],
)
def test_rules_are_those_of_predict(rules):
    mask = np.random.default_rng(1).random((9, 8, 7)) > 0.85
    mask[2:6, 2:6, 2:6] = True
    mask[3, 3, 3] = False
    affine = torch.diag(torch.tensor([1.0, 1.0, 2.0, 1.0]))
    masks = MetaTensor(torch.from_numpy(mask)[None], meta={"original_affine": affine})
    given = {name: value for name, value in vars(rules).items() if name != "threshold"}

    found = Rulesd(["pred"], [given])({"pred": masks})["pred"][0].numpy()

    wanted = rules(mask, 0.002)
    assert (wanted != mask).any()
    assert np.array_equal(found, wanted)


WORDS = {"flair": ["flair", "0000"], "t1ce": ["t1ce", "t1gd", "0001"]}


def files(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found_in(folder, datalist=""):
    return find_cases(str(folder), str(datalist), WORDS, [".nii.gz", ".nii"])


def test_finds_the_files_of_each_case_in_a_folder(tmp_path):
    files(tmp_path, "a/a_flair.nii.gz", "a/a_T1Gd.nii", "a/a_seg.nii.gz")
    files(tmp_path, "b-0000.nii", "b-0001.nii")

    assert found_in(tmp_path) == [
        {"case": "a", "flair": str(tmp_path / "a/a_flair.nii.gz"),
         "t1ce": str(tmp_path / "a/a_T1Gd.nii")},
        {"case": "b", "flair": str(tmp_path / "b-0000.nii"), "t1ce": str(tmp_path / "b-0001.nii")},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "entry",
    [{"image": ["a_x.nii", "a_y.nii"]}, {"id": "a", "flair": "a_x.nii", "t1ce": "a_y.nii"}],
)
def test_finds_them_in_a_list(entry, tmp_path):
    (tmp_path / "list.json").write_text(json.dumps({"testing": [entry]}))

    (case,) = found_in(tmp_path, tmp_path / "list.json")

    wanted = {"case": "a", "flair": str(tmp_path / "a_x.nii"), "t1ce": str(tmp_path / "a_y.nii")}
    assert case == wanted


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "no case with flair, t1ce"),
        (["a_flair.nii"], "case a has no t1ce"),
        (["a_flair.nii", "x/a_flair.nii", "a_t1ce.nii"], "case a: both .* are its flair"),
    ],
)
def test_says_what_is_wrong_with_a_folder(names, words, tmp_path):
    files(tmp_path, *names)

    with pytest.raises(ValueError, match=words):
        found_in(tmp_path)


def test_a_list_that_lacks_an_image_is_refused(tmp_path):
    (tmp_path / "list.json").write_text(json.dumps([{"image": ["a.nii"]}]))

    with pytest.raises(ValueError, match="entry 0 has not one image a channel"):
        found_in(tmp_path, tmp_path / "list.json")


def program(path, **extra):
    network = nn.Linear(2, 2)
    made = torch.export.export(network, (torch.zeros(1, 2),))
    if "inputs" not in extra:
        made._example_inputs = None
    torch.export.save(made, path)
    return path


@pytest.mark.slow
def test_a_program_with_a_pickle_in_it_is_refused(tmp_path):
    Exported(str(program(tmp_path / "a.pt2")), torch.device("cpu"))

    with pytest.raises(ValueError, match="sample_inputs.*would be unpickled"):
        Exported(str(program(tmp_path / "b.pt2", inputs=True)), torch.device("cpu"))


@pytest.mark.parametrize("mode", ["I", "F", "I;16"])
def test_pictures_of_more_bits_are_refused(mode):
    from PIL import Image

    with pytest.raises(ValueError, match="more than 8 bits"):
        colours(Image.new(mode, (2, 2)))


def test_turned_pictures_are_refused():
    from PIL import ExifTags, Image

    picture = Image.new("RGB", (2, 2))
    picture.getexif()[ExifTags.Base.Orientation] = 6

    with pytest.raises(ValueError, match="save it upright"):
        colours(picture)
