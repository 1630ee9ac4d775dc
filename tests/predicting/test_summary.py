"""What is said of a case in numbers: sizes, lesions, diameters and places."""

import csv
import json

import numpy as np
import pytest

from inspire_med.imaging.grid import Grid
from inspire_med.imaging.orientation import Turn
from inspire_med.imaging.placement import Placement
from inspire_med.inference.prediction import Prediction
from inspire_med.inference.summary import summary_of
from inspire_med.predicting.summary import remove_summary, write_summary

REGIONS = {"WT": (1, 2), "ET": (2,)}


def prediction(labels: np.ndarray, affine: np.ndarray | None) -> Prediction:
    if affine is None:
        placement = Placement.of_picture(labels.shape, None)
    else:
        turn = Turn.none(3)
        placement = Placement.of_volume(Grid(labels.shape, affine), turn, None, None, None)
    return Prediction(np.zeros((2, *labels.shape), np.uint16), labels, placement, REGIONS)


def test_a_volume_in_the_patients_coordinates():
    labels = np.zeros((20, 20, 10), np.uint8)
    labels[2:6, 3, 4] = 1  # 4 voxels in a row: 6 mm between the middles of the outer ones
    labels[2, 3, 5:7] = 2  # up through two more slices
    labels[15, 15, 8] = 1
    affine = np.diag([2.0, 1, 3, 1])
    affine[:3, 3] = (-50, 10, -40)

    found = summary_of(prediction(labels, affine))

    whole = found["WT"]
    assert (whole["volume_ml"], whole["lesions"]) == (0.042, 2)
    assert whole["largest_lesion_ml"] == 0.036
    assert whole["axial_diameter_mm"] == 6.0
    assert whole["diameter_mm"] == pytest.approx(np.hypot(6, 6), abs=1e-3)
    mean = np.mean([[2, 3, 4], [3, 3, 4], [4, 3, 4], [5, 3, 4], [2, 3, 5], [2, 3, 6]], axis=0)
    assert whole["centre_ras_mm"] == pytest.approx(mean * (2, 1, 3) + (-50, 10, -40), abs=1e-3)
    assert whole["site"] == "L44.0 A13.0 I26.5"
    assert found["ET"]["axial_diameter_mm"] == 0.0
    assert found["ET"]["diameter_mm"] == 3.0


def test_however_the_volume_is_stored_the_numbers_are_the_same():
    labels = np.zeros((12, 13, 14), np.uint8)
    labels[2:6, 3:9, 4:7] = 1
    labels[3, 4:6, 5] = 2
    affine = np.diag([1.0, 1.5, 4, 1])
    affine[:3, 3] = (3, -20, 7)
    mirrored = affine @ np.array([[-1, 0, 0, 11], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    turned = mirrored[:, [2, 0, 1, 3]]

    plain = summary_of(prediction(labels, affine))

    assert summary_of(prediction(labels[::-1].transpose(2, 0, 1), turned)) == plain


def test_a_picture_in_pixels():
    labels = np.zeros((10, 20), np.uint8)
    labels[2, 3:7] = 1

    found = summary_of(prediction(labels, None))["WT"]

    assert found == {
        "area_percent": 2.0, "area_pixels": 4, "lesions": 1, "largest_lesion_percent": 2.0,
        "diameter_pixels": 3.0, "centre_xy": [4.5, 2.0],
    }  # fmt: skip


@pytest.mark.parametrize("affine", [None, np.eye(4)])
def test_nothing_found_has_no_diameter_and_no_place(affine):
    labels = np.zeros((4, 4, 4) if affine is not None else (4, 4), np.uint8)

    found = summary_of(prediction(labels, affine))["ET"]

    assert [found.pop(name) for name in list(found)[:1]] == [0.0]
    assert found["lesions"] == 0
    assert {v for k, v in found.items() if k not in ("lesions", "area_pixels")} == {None}


def test_files_for_programs_and_for_tables(tmp_path):
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[1, 1, 1] = 2
    cases = {"a": summary_of(prediction(labels, np.eye(4)))}
    cases["b"] = summary_of(prediction(labels * 0, np.eye(4)))

    write_summary(tmp_path, cases)

    assert json.loads((tmp_path / "summary.json").read_text())["cases"] == cases
    with (tmp_path / "summary.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["case"], row["region"]) for row in rows] == [
        ("a", "WT"), ("a", "ET"), ("b", "WT"), ("b", "ET"),
    ]  # fmt: skip
    assert (rows[0]["volume_ml"], rows[0]["site"]) == ("0.001", "R1.0 A1.0 S1.0")
    assert (rows[2]["lesions"], rows[2]["site"]) == ("0", "")
    remove_summary(tmp_path)
    assert not list(tmp_path.iterdir())
