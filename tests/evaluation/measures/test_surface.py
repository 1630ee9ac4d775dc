import math

import numpy as np
import pytest

from inspire_med.evaluation.measures.surface import (
    Directed,
    SurfaceDistances,
    assd_mm,
    border_voxels,
    hausdorff_mm,
    nsd,
    surface_distances,
)

EMPTY = np.zeros((4, 5, 6), dtype=bool)


def voxel_at(*place):
    mask = EMPTY.copy()
    mask[place] = True
    return mask


class TestByHand:
    def test_two_voxels_two_apart(self):
        # Corner (a, b, c) of the one lies 2 steps from the same corner of the other along the last
        # axis; the near four of each have the other's near four 1 step away.
        distances = surface_distances(voxel_at(1, 1, 1), voxel_at(1, 1, 3), (1.0, 1.0, 1.0))

        assert sorted(distances.from_reference.distance_mm) == [1.0] * 4 + [2.0] * 4
        assert hausdorff_mm(distances) == 2.0
        assert hausdorff_mm(distances, 50.0) == 1.0  # half the area lies at 1: reached without more
        assert nsd(distances, 1.0) == pytest.approx(0.5)
        assert nsd(distances, 2.0) == 1.0

    def test_spacing_stretches_its_axis(self):
        distances = surface_distances(voxel_at(1, 1, 1), voxel_at(1, 1, 3), (1.0, 1.0, 2.5))

        assert hausdorff_mm(distances) == 5.0
        assert assd_mm(voxel_at(1, 1, 1), voxel_at(1, 1, 3), (1.0, 1.0, 2.5)) == 5.0

    def test_a_flat_pixel_and_its_neighbour(self):
        first, second = np.zeros((2, 3, 4), dtype=bool)
        first[1, 1] = second[1, 2] = True

        distances = surface_distances(first, second, (1.0, 1.0))

        assert sorted(distances.from_reference.distance_mm) == [0.0, 0.0, 1.0, 1.0]
        assert assd_mm(first, second, (1.0, 1.0)) == 1.0

    def test_assd_weights_both_lists_together(self):
        # reference: one voxel; prediction: it and another 3 away: distances 0 | 0, 3
        prediction = voxel_at(1, 1, 1) | voxel_at(1, 1, 4)

        assert assd_mm(voxel_at(1, 1, 1), prediction, (1.0, 1.0, 1.0)) == pytest.approx(1.0)

    def test_the_95_percent_is_by_area_and_not_interpolated(self):
        weight = np.array([94.0, 1.0, 5.0])
        there = Directed(np.array([0.0, 3.0, 9.0]), weight)
        back = Directed(np.array([0.0]), np.array([1.0]))

        assert hausdorff_mm(SurfaceDistances(there, back)) == 3.0  # 95 of 100 at 3: reached
        assert hausdorff_mm(SurfaceDistances(there, back), 95.1) == 9.0
        assert hausdorff_mm(SurfaceDistances(back, there), 100.0) == 9.0


class TestEmpty:
    def test_both_empty_is_agreement(self):
        distances = surface_distances(EMPTY, EMPTY, (1, 1, 1))

        assert hausdorff_mm(distances) == 0.0
        assert nsd(distances, 1.0) == 1.0
        assert assd_mm(EMPTY, EMPTY, (1, 1, 1)) == 0.0

    @pytest.mark.parametrize("swapped", [False, True])
    def test_one_empty_is_infinitely_far(self, swapped):
        masks = (EMPTY, voxel_at(1, 1, 1))
        masks = masks[::-1] if swapped else masks
        distances = surface_distances(*masks, (1, 1, 1))

        assert hausdorff_mm(distances) == math.inf
        assert nsd(distances, 2.0) == 0.0
        assert assd_mm(*masks, (1, 1, 1)) == math.inf


def test_border_voxels_touch_the_outside_by_a_face():
    mask = np.zeros((5, 5, 5), dtype=bool)
    mask[1:4, 1:4, 1:4] = True

    border = {tuple(place) for place in border_voxels(mask).tolist()}

    assert len(border) == 26
    assert (2, 2, 2) not in border


def test_a_mask_that_fills_the_array_has_its_shell_as_border():
    assert len(border_voxels(np.ones((4, 4), dtype=bool))) == 12


# MONAI calls its own function with an argument it has deprecated.
@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")
class TestAgainstMonai:
    """MONAI works in float32: 1e-4."""

    @pytest.mark.parametrize("seed", range(3))
    def test_symmetric_assd_is_ours(self, seed):
        torch = pytest.importorskip("torch")
        metrics = pytest.importorskip("monai.metrics")
        masks = blobs(seed)
        spacing = (1.0, 0.8, 2.5)

        theirs = metrics.compute_average_surface_distance(
            *(torch.from_numpy(mask[None, None].astype(np.float32)) for mask in masks[::-1]),
            include_background=True,
            symmetric=True,
            spacing=spacing,
        )

        assert assd_mm(*masks, spacing) == pytest.approx(float(theirs), abs=1e-4)

    @pytest.mark.parametrize("seed", range(3))
    def test_nsd_on_subvoxels_is_ours(self, seed):
        torch = pytest.importorskip("torch")
        metrics = pytest.importorskip("monai.metrics")
        masks = blobs(seed)

        theirs = metrics.compute_surface_dice(
            *(torch.from_numpy(mask[None, None].astype(np.float32)) for mask in masks[::-1]),
            class_thresholds=[1.0],
            include_background=True,
            spacing=(1.0, 1.0, 2.0),
            use_subvoxels=True,
        )

        ours = nsd(surface_distances(*masks, (1.0, 1.0, 2.0)), 1.0)
        assert ours == pytest.approx(float(theirs), abs=1e-4)


def blobs(seed):
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.normal(size=(20, 24, 16)), 2.5)
    shifted = smooth + 0.4 * gaussian_filter(rng.normal(size=smooth.shape), 2.5)
    return smooth > 0.03, shifted > 0.03
