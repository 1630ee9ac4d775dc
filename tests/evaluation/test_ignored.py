"""Scores where nobody has judged some of the voxels: those count nowhere."""

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.evaluation import evaluate_case
from inspire_med.evaluation.batch import Job, Rules, score_case
from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.references import parse_regions, references_of_folder

IGNORE = 3
REGIONS = {"whole": (1, 2), "core": (2,)}


def counts(reference, prediction, values):
    """TP, FP, FN and TN as nnU-Net counts them: each among what is not to be ignored."""
    used = reference != IGNORE
    found = [np.isin(each, values) for each in (reference, prediction)]
    return [
        int(((found[0] == ours) & (found[1] == theirs) & used).sum())
        for ours, theirs in ((True, True), (False, True), (True, False), (False, False))
    ]


def drawn(shape):
    """A reference in which a third of the voxels is to be ignored, and a prediction."""
    random = np.random.default_rng(0)
    reference = random.choice(4, shape, p=[0.4, 0.2, 0.1, 0.3]).astype(np.uint8)
    return reference, random.choice(3, shape).astype(np.uint8)


@pytest.fixture(params=[(9, 8), (9, 8, 7)], ids=["2d", "3d"])
def maps(request):
    return drawn(request.param)


@pytest.fixture
def volumes():
    return drawn((9, 8, 7))


def score(reference, prediction, name="segmentation", **more):
    spacing = (1.0, 1.5, 2.0)[: reference.ndim]
    regions = {**REGIONS, "ignore": (IGNORE,)}
    return evaluate_case(reference, prediction, spacing, name, regions=regions, **more)


def test_refuses_a_case_that_nobody_has_judged():
    nothing = np.full((3, 4), IGNORE, np.uint8)

    with pytest.raises(InputError, match="nobody has judged any of it; leave the case out"):
        score(nothing, np.zeros((3, 4), np.uint8))


def test_a_case_drawn_by_hand():
    """One of two foreground pixels is found; what is predicted over the third column counts not."""
    reference = np.array([[1, 1, 3, 0], [0, 0, 3, 0]], np.uint8)
    prediction = np.array([[1, 0, 1, 0], [0, 0, 1, 1]], np.uint8)

    found = score(reference, prediction)["whole"].measures

    assert found["dice"] == pytest.approx(2 * 1 / (2 * 1 + 1 + 1))
    assert found["specificity"] == pytest.approx(3 / 4)


def test_overlap_is_counted_as_nnunet_counts(maps):
    found = score(*maps)

    for region, values in REGIONS.items():
        tp, fp, fn, tn = counts(*maps, values)
        own = found[region].measures
        assert own["dice"] == pytest.approx(2 * tp / (2 * tp + fp + fn))
        assert own["iou"] == pytest.approx(tp / (tp + fp + fn))
        assert own["specificity"] == pytest.approx(tn / (tn + fp))


@pytest.mark.parametrize(
    "name", ["segmentation", "segmentation-border-union", "isles2022", "isles2024", "brats2021"]
)
def test_no_measure_knows_what_is_predicted_there(volumes, name):
    reference, prediction = volumes
    unknown = reference == IGNORE
    regions = REGIONS
    if name == "brats2021":
        regions = {"WT": (1, 2), "TC": (1,), "ET": (2,)}
    everything = {**regions, "ignore": (IGNORE,)}

    def scored(mask):
        found = evaluate_case(reference, mask, (1.0,) * mask.ndim, name, regions=everything)
        return {region: (own.measures, own.lesions, own.sizes) for region, own in found.items()}

    for value in (0, 1, 2):
        np.testing.assert_equal(scored(np.where(unknown, value, prediction)), scored(prediction))


def test_distances_are_those_of_the_masks_without_these_voxels(maps):
    reference, prediction = maps
    unknown = reference == IGNORE
    cut = [np.where(unknown, 0, each).astype(np.uint8) for each in maps]

    found = score(reference, prediction)
    expected = evaluate_case(*cut, (1.0, 1.5, 2.0)[: reference.ndim], regions=REGIONS)

    for region in REGIONS:
        for name in ("hd95_mm", "assd_mm", "nsd@1mm", "dice"):
            assert found[region].measures[name] == expected[region].measures[name]


def test_files_in_another_order_of_axes_are_scored_alike(tmp_path, volumes):
    reference, prediction = volumes
    turned = np.diag([-1.0, 1.0, 1.0, 1.0])
    turned[0, 3] = reference.shape[0] - 1
    nib.save(nib.Nifti1Image(reference, np.eye(4)), tmp_path / "r.nii.gz")
    nib.save(nib.Nifti1Image(prediction[::-1], turned), tmp_path / "p.nii.gz")
    rules = Rules("segmentation", REGIONS, ignore=IGNORE)

    found = score_case(rules, Job("a", tmp_path / "r.nii.gz", tmp_path / "p.nii.gz"))

    tp, fp, fn, _ = counts(reference, prediction, (1, 2))
    assert found.regions["whole"].measures["dice"] == pytest.approx(2 * tp / (2 * tp + fp + fn))


def test_probabilities_are_scored_where_somebody_has_judged(tmp_path, volumes):
    reference, _ = volumes
    chances = np.random.default_rng(1).random(reference.shape).astype(np.float32)
    labels = np.where(reference == 2, 1, reference).astype(np.uint8)
    files = {"r": labels, "p": (chances > 0.5).astype(np.uint8), "p_prob": chances[..., None]}
    for name, values in files.items():
        nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / f"{name}.nii.gz")
    job = Job("a", *(tmp_path / f"{name}.nii.gz" for name in files))
    rules = Rules("segmentation", {"a": (1,)}, ignore=IGNORE, calibration=True)

    found = score_case(rules, job).regions["a"].measures["brier"]

    used = labels != IGNORE
    assert found == pytest.approx(np.mean((chances - (labels == 1))[used] ** 2), abs=1e-6)


def test_a_black_and_white_prediction_of_a_picture_with_such_a_label(tmp_path):
    reference = np.zeros((8, 8), np.uint8)
    reference[2:4], reference[5:] = 1, 2
    prediction = np.where(reference == 1, 255, 0).astype(np.uint8)
    prediction[6] = 255
    Image.fromarray(reference).save(tmp_path / "r.png")
    Image.fromarray(prediction).save(tmp_path / "p.png")
    files = tmp_path / "r.png", tmp_path / "p.png"

    found = evaluate_case(*files, regions={"a": (1,), "ignore": (2,)})

    assert found["a"].measures["dice"] == 1.0


def test_a_prediction_that_holds_the_label_elsewhere_is_refused(maps):
    reference, _ = maps
    with pytest.raises(InputError, match="prediction: holds label 3, which is in no region"):
        score(reference, np.full(reference.shape, IGNORE, np.uint8))


@pytest.mark.parametrize(
    ("regions", "sentence"),
    [
        ({"a": (1,), "ignore": (2, 3)}, "ignore has several values"),
        ({"a": (1,), "ignore": (1,)}, "ignore has 1, which a has too"),
        ({"ignore": (1,)}, "has no region beside ignore"),
    ],
)
def test_an_odd_label_to_ignore_is_refused(regions, sentence):
    mask = np.ones((4, 4), np.uint8)
    with pytest.raises(InputError, match=sentence):
        evaluate_case(mask, mask, (1, 1), regions=regions)


def test_a_folders_label_to_ignore_is_named_as_the_regions_are(tmp_path):
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[0], labels[1], labels[2] = 1, 3, 5
    nib.save(nib.Nifti1Image(labels, np.eye(4)), tmp_path / "a.nii.gz")
    rules = protocol("segmentation")

    found = references_of_folder(tmp_path, ["a=1", "ignore=3"], rules, workers=1)

    assert (found.regions, found.ignore, found.background) == ({"a": (1,)}, 3, (0, 5))
    assert any("Where a reference holds 3, nobody has judged" in note for note in found.notes)


@pytest.mark.parametrize(
    ("words", "rules", "way_out"),
    [
        (["ignore=3"], "segmentation", "as in WT=1,2,4 ET=4 ignore=3"),
        (["ignore=9"], "brats2023-gli", "as in WT=1,2,3 TC=1,3 ET=3 ignore=9"),
        (["a=1", "ignore=1"], "segmentation", "give it one value, which no other has"),
        (["a=1", "ignore=3,4"], "segmentation", "give it one value, which no other has"),
    ],
)
def test_how_to_name_an_ignored_label_is_said(words, rules, way_out):
    with pytest.raises(InputError, match=f"option --regions: .*{way_out}"):
        parse_regions(words, protocol(rules).regions)
