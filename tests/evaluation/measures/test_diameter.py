"""Diameters of lesions: by hand, beside ITK's, and beside every pair of voxels."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from inspire_med.evaluation.measures.diameter import diameter_mm, slice_diameter_mm


def test_by_hand():
    line = np.array([[0, 1, 2, 3], [5, 5, 5, 5], [2, 2, 2, 2]])
    corner = np.array([[0, 3, 0], [0, 0, 4], [0, 0, 0]])

    assert diameter_mm(line[:, :1], np.eye(3)) == 0
    assert diameter_mm(line, np.diag([2.0, 1, 1])) == pytest.approx(6)
    assert diameter_mm(corner, np.eye(3)) == pytest.approx(5)
    tall = np.array([[0, 3, 0], [0, 0, 4], [0, 0, 9]])
    assert slice_diameter_mm(tall, np.eye(3), 2) == pytest.approx(3)
    assert slice_diameter_mm(tall, np.eye(3), 0) == pytest.approx(np.hypot(4, 9))
    assert slice_diameter_mm(tall, np.diag([1, 1, 2.0]), 1) == pytest.approx(3)


@pytest.mark.parametrize("size", [3, 24])
@pytest.mark.parametrize("dims", [2, 3])
def test_as_itk_measures_it(dims, size):
    random = np.random.default_rng(size)
    mask = random.random((size, size + 1, size + 2)[:dims]) < 0.7
    spacing = (0.5, 1.25, 3.0)[:dims]
    image = sitk.GetImageFromArray(mask.T.astype(np.uint8))
    image.SetSpacing(spacing)
    measured = sitk.LabelShapeStatisticsImageFilter()
    measured.ComputeFeretDiameterOn()
    measured.Execute(image)

    found = diameter_mm(np.array(np.nonzero(mask)), np.diag(spacing))

    assert found == pytest.approx(measured.GetFeretDiameter(1))


def test_a_turned_grid_changes_nothing_and_a_flat_lesion_is_measured():
    flat = np.zeros((40, 40, 3), bool)
    flat[2:38, 5:30, 1] = True
    voxels, widths = np.array(np.nonzero(flat)), np.diag([1.0, 2, 3])
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]

    whole = np.hypot(35, 2 * 24)
    assert diameter_mm(voxels, widths) == pytest.approx(whole)
    assert diameter_mm(voxels, turn @ widths) == pytest.approx(whole)
    assert slice_diameter_mm(voxels, turn @ widths, 2) == pytest.approx(whole)


@given(st.sets(st.tuples(*3 * [st.integers(0, 6)]), min_size=1, max_size=60))
def test_no_pair_of_voxels_is_farther_apart(voxels):
    places = np.array(sorted(voxels)).T
    to_mm = np.array([[1.0, 0.1, 0], [0, 0.8, 0], [0, 0.2, 2.5]])

    every = pdist((to_mm @ places).T).max(initial=0)

    assert diameter_mm(places, to_mm) == pytest.approx(every)
    for axis in range(3):
        slices = [places[:, places[axis] == place] for place in set(places[axis])]
        of_slices = max(pdist((to_mm @ own).T).max(initial=0) for own in slices)
        assert slice_diameter_mm(places, to_mm, axis) == pytest.approx(of_slices)
