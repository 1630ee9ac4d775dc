import math

import numpy as np
import pytest

from inspire_med.evaluation.measures.surface import (
    Directed,
    SurfaceDistances,
    _reaching_far_out,
    border_distances,
    hausdorff_mm,
    mean_mm,
    nsd,
    surface_distances,
)

EMPTY = np.zeros((4, 5, 6), dtype=bool)


def assd_mm(reference, prediction, spacing):
    return mean_mm(border_distances(reference, prediction, spacing))


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


def test_every_border_voxel_counts_alike():
    distances = border_distances(*blobs(0), (1.0, 0.8, 2.5))

    assert {1.0} == set(distances.from_reference.weight) | set(distances.from_prediction.weight)


class TestManyDistances:
    """Of many distances only the far end is sorted: the same value."""

    @pytest.mark.parametrize("percent", [1.0, 50.0, 95.0, 99.9, 100.0])
    @pytest.mark.parametrize("spread", [3, 10_000])
    def test_the_far_end_gives_what_sorting_all_gives(self, percent, spread):
        rng = np.random.default_rng(spread)
        distance = np.sqrt(rng.integers(0, spread, 5000).astype(float))
        weight = rng.choice([0.2165, 0.4330, 0.7071, 1.1495], 5000)

        order = np.argsort(distance)
        share = np.cumsum(weight[order]) / weight.sum()
        expected = distance[order][min(np.searchsorted(share, percent / 100), 4999)]

        assert hausdorff_mm(both_ways(distance, weight), percent) == expected

    def test_a_share_met_to_the_digit_is_left_to_the_full_sum(self):
        # 95 of 100 lie at 1: whether they reach 95 % is a matter of rounding, so of order
        distance = np.repeat([1.0, 2.0], [4750, 250])

        assert _reaching_far_out(Directed(distance, np.full(5000, 0.1)), 0.95) is None
        assert _reaching_far_out(Directed(distance, np.full(5000, 0.1)), 0.96) == 2.0
        assert hausdorff_mm(both_ways(distance, np.ones(5000))) == 1.0


def both_ways(distance, weight):
    return SurfaceDistances(*(Directed(distance, weight),) * 2)


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


@pytest.mark.parametrize("unit", [0.1, 0.2, 0.4])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("spacing", [(1, 1, 1), (1, 2, 4), (2, 3, 5)])
def test_an_exact_share_of_the_area_is_reached_alike_in_every_unit(unit, kind, spacing):
    # of forty elements, all of one area, 32 lie on the other mask: 80 %, to the last digit
    voxels = np.zeros((3, 3, 40), dtype=bool)
    voxels[1, 1, 1:17:4] = True
    reference, prediction = voxels.copy(), voxels.copy()
    reference[1, 1, 30] = prediction[1, 1, 38] = True

    whole = hausdorff_mm(surface_distances(reference, prediction, spacing), 80.0)
    fine = [float(kind(unit * size)) for size in spacing]

    found = hausdorff_mm(surface_distances(reference, prediction, fine), 80.0)
    assert found == pytest.approx(unit * whole, rel=1e-6)
