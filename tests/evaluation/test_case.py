import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.evaluation import evaluate_case
from inspire_med.evaluation.case import score_maps
from inspire_med.evaluation.map_scores import add_map_scores
from inspire_med.evaluation.measures.calibration import calibration_scores
from inspire_med.evaluation.protocols.segmentation import SEGMENTATION
from inspire_med.imaging.labels import LabelMap, read_labels

BRATS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}


def nested():
    labels = np.zeros((6, 6, 6), dtype=np.uint8)
    labels[1:5, 1:5, 1:5] = 2
    labels[2:4, 2:4, 2:4] = 1
    labels[2, 2, 2] = 4
    return labels


def save(path, labels, affine=None):
    nib.save(nib.Nifti1Image(labels, np.eye(4) if affine is None else affine), path)
    return path


def values(results, measure):
    return {region: result.measures[measure] for region, result in results.items()}


def test_each_region_is_scored_on_its_own_labels():
    prediction = nested()
    prediction[prediction == 4] = 1  # the enhancing part is called core

    found = evaluate_case(nested(), prediction, spacing_mm=(1, 1, 1), regions=BRATS)

    assert values(found, "dice") == {"WT": 1.0, "TC": 1.0, "ET": 0.0}
    assert values(found, "specificity")["ET"] == 1.0  # true negatives of the whole volume


def test_the_spacing_comes_from_the_reference_file(tmp_path):
    reference, prediction = np.zeros((2, 5, 5, 5), dtype=np.uint8)
    reference[1, 1, 1] = prediction[1, 1, 3] = 1
    paths = [
        save(tmp_path / f"{name}.nii.gz", labels, np.diag([1.0, 1.0, 2.5, 1.0]))
        for name, labels in (("a", reference), ("b", prediction))
    ]

    assert values(evaluate_case(*paths), "hd95_mm") == {"foreground": 5.0}


def test_sizes_are_in_ml_of_volumes_and_in_pixels_of_images():
    reference, prediction = np.zeros((2, 8, 7, 6), dtype=np.uint8)
    reference[1:6, 1:5, 1:4] = 1  # 60 voxels of 3 mm3: 180 mm3
    prediction[1:3, 1:6, 2] = 1  # 10 voxels: 30 mm3

    volume = evaluate_case(reference, prediction, spacing_mm=(2, 1, 1.5))["foreground"]
    image = evaluate_case(reference[..., 2], prediction[..., 2], spacing_mm=(1, 1))["foreground"]

    assert volume.sizes == pytest.approx((0.18, 0.03))
    assert image.sizes == (20, 10)


def test_a_file_and_an_array_can_be_compared(tmp_path):
    path = save(tmp_path / "a.nii.gz", nested())

    assert values(evaluate_case(path, nested(), regions=BRATS), "dice")["TC"] == 1.0


def test_pictures_are_scored_in_pixels(tmp_path):
    mask = np.zeros((9, 9), dtype=np.uint8)
    mask[2:5, 2:5] = 255
    for name, moved in (("a", mask), ("b", np.roll(mask, 2, axis=1))):
        Image.fromarray(moved).save(tmp_path / f"{name}.png")

    found = evaluate_case(tmp_path / "a.png", tmp_path / "b.png")

    assert values(found, "hd95_mm") == {"foreground": 2.0}
    assert "volume_difference_ml" not in found["foreground"].measures


def test_the_pixels_of_pictures_may_be_given_a_size(tmp_path):
    mask = np.zeros((9, 9), dtype=np.uint8)
    mask[2:5, 2:5] = 255
    for name, moved in (("a", mask), ("b", np.roll(mask, 2, axis=1))):
        Image.fromarray(moved).save(tmp_path / f"{name}.png")
    files = tmp_path / "a.png", tmp_path / "b.png"

    assert values(evaluate_case(*files, (3, 0.5)), "hd95_mm") == {"foreground": 1.0}
    with pytest.raises(InputError, match="a.png: .*one positive size an axis"):
        evaluate_case(*files, (1, 1, 1))


def test_refuses_a_spacing_beside_a_files_own(tmp_path):
    path = save(tmp_path / "a.nii.gz", nested())

    with pytest.raises(InputError, match="a.nii.gz: has a spacing of its own"):
        evaluate_case(path, path, (1, 1, 1), regions=BRATS)


def test_two_empty_masks_follow_the_rule():
    empty = np.zeros((4, 4, 4), dtype=np.uint8)

    found = evaluate_case(empty, empty, (1, 1, 1))["foreground"].measures

    assert found["dice"] == found["nsd@1mm"] == found["specificity"] == 1.0
    assert found["hd95_mm"] == found["assd_mm"] == 0.0


def test_refuses_another_shape():
    with pytest.raises(InputError, match=r"shape \(6, 6, 5\), but its reference .* \(6, 6, 6\)"):
        evaluate_case(nested(), nested()[..., :5], spacing_mm=(1, 1, 1))


def test_refuses_another_affine_and_says_how_far_it_is_off(tmp_path):
    moved = np.eye(4)
    moved[0, 3] = 2.5
    paths = save(tmp_path / "a.nii.gz", nested()), save(tmp_path / "b.nii.gz", nested(), moved)

    with pytest.raises(
        InputError, match=r"b.nii.gz: its affine differs: .* up to 2.5 mm .* 0.1 mm .*--ignore_aff"
    ):
        evaluate_case(*paths, regions=BRATS)
    found = evaluate_case(*paths, regions=BRATS, ignore_affine=True)
    assert values(found, "dice")["WT"] == 1.0


def test_rounding_of_an_affine_is_put_up_with(tmp_path):
    moved = np.eye(4)
    moved[0, 3] = 5e-4
    paths = save(tmp_path / "a.nii.gz", nested()), save(tmp_path / "b.nii.gz", nested(), moved)

    assert values(evaluate_case(*paths, regions=BRATS), "dice")["WT"] == 1.0


@pytest.mark.parametrize("turn", [[[2, 1], [0, -1], [1, 1]], [[0, -1], [1, 1], [2, 1]]], ids=str)
def test_the_same_mask_stored_in_another_order_is_the_same(tmp_path, turn):
    labels = nested()
    labels[0, 0, 0] = labels.max()  # no longer symmetric
    path = save(tmp_path / "a.nii.gz", labels, np.diag([1.0, 2.0, 3.0, 1.0]))
    nib.save(nib.load(path).as_reoriented(np.array(turn)), tmp_path / "b.nii.gz")

    for files in ((path, tmp_path / "b.nii.gz"), (tmp_path / "b.nii.gz", path)):
        found = evaluate_case(*files, regions=BRATS)
        assert set(values(found, "dice").values()) == {1.0}
        assert set(values(found, "hd95_mm").values()) == {0.0}


def probabilities_beside(tmp_path, affine):
    """A perfect case's results, its truth and its probabilities, those put there by an affine."""
    truth = read_labels(save(tmp_path / "a.nii.gz", (nested() > 0).astype(np.uint8)))
    likely = truth.labels[..., np.newaxis].astype(np.float32)
    nib.save(nib.Nifti1Image(likely, affine), tmp_path / "a_prob.nii.gz")
    regions = {"foreground": (1,)}
    return score_maps(truth, truth, SEGMENTATION, regions=regions), truth, regions


def test_probabilities_on_the_grid_are_scored_beside(tmp_path):
    results, truth, regions = probabilities_beside(tmp_path, np.eye(4))

    found = add_map_scores(results, truth, tmp_path / "a_prob.nii.gz", regions, calibration_scores)

    assert values(found, "brier") == {"foreground": 0.0}


def test_probabilities_stored_in_another_order_are_the_same(tmp_path):
    results, truth, regions = probabilities_beside(tmp_path, np.eye(4))
    path = tmp_path / "a_prob.nii.gz"
    nib.save(nib.load(path).as_reoriented(np.array([[2, 1], [0, -1], [1, 1]])), path)

    found = add_map_scores(results, truth, path, regions, calibration_scores)

    assert values(found, "brier") == {"foreground": 0.0}


def test_refuses_probabilities_that_lie_elsewhere(tmp_path):
    moved = np.eye(4)
    moved[0, 3] = 2.5
    results, truth, regions = probabilities_beside(tmp_path, moved)
    path = tmp_path / "a_prob.nii.gz"

    with pytest.raises(
        InputError, match=r"a_prob.nii.gz: its affine differs: .* 2.5 mm .*--ignore_affine"
    ):
        add_map_scores(results, truth, path, regions, calibration_scores)
    found = add_map_scores(results, truth, path, regions, calibration_scores, ignore_affine=True)
    assert values(found, "brier") == {"foreground": 0.0}


def test_refuses_probabilities_of_another_shape(tmp_path):
    results, truth, regions = probabilities_beside(tmp_path, np.eye(4))
    nib.save(nib.Nifti1Image(np.zeros((6, 6, 5, 1)), np.eye(4)), tmp_path / "a_prob.nii.gz")

    with pytest.raises(InputError, match=r"a_prob.nii.gz: shape \(6, 6, 5\), but its reference"):
        add_map_scores(results, truth, tmp_path / "a_prob.nii.gz", regions, calibration_scores)


def test_refuses_labels_of_another_convention():
    prediction = nested()
    prediction[prediction == 4] = 3

    with pytest.raises(InputError, match="prediction: holds label 3, which is in no region"):
        evaluate_case(nested(), prediction, spacing_mm=(1, 1, 1), regions=BRATS)


def test_a_declared_background_label_is_put_up_with():
    maps = [LabelMap(nested(), (1.0, 1.0, 1.0), None, name) for name in "ab"]

    found = score_maps(*maps, SEGMENTATION, regions={"core": (1, 4)}, background=(0, 2))

    assert values(found, "dice") == {"core": 1.0}


def test_an_array_needs_a_spacing():
    with pytest.raises(InputError, match="reference: an array has no spacing"):
        evaluate_case(nested(), nested(), regions=BRATS)


@pytest.mark.parametrize("spacing", [(1, 1), (1, 1, 0), (1, -1, 1), (1, 1, float("nan"))])
def test_refuses_a_spacing_that_is_none(spacing):
    with pytest.raises(InputError, match="one positive size an axis"):
        evaluate_case(nested(), nested(), spacing_mm=spacing, regions=BRATS)


def test_files_order_in_memory_does_not_matter():
    plain = evaluate_case(nested(), np.roll(nested(), 1, 0), (1, 2, 3), regions=BRATS)
    fortran = evaluate_case(
        np.asfortranarray(nested()),
        np.asfortranarray(np.roll(nested(), 1, 0)),
        (1, 2, 3),
        regions=BRATS,
    )

    assert plain == fortran
