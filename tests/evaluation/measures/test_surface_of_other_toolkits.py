"""How MONAI, MedPy and nnU-Net sum up border distances: by hand, by formula, and MONAI itself."""

import math

import numpy as np
import pytest

from inspire_med.evaluation.measures.surface import (
    Directed,
    SurfaceDistances,
    border_distances,
    joint_percentile_mm,
    larger_percentile_mm,
    nsd,
    nsd_by_direction,
)


def distances(there, back):
    return SurfaceDistances(*(Directed(np.array(d, float), np.ones(len(d))) for d in (there, back)))


class TestByHand:
    def test_percentile_of_each_direction_is_interpolated(self):
        # 0..3: 95 % lies at index 2.85: 2.85 mm; the other direction ends at 2
        assert larger_percentile_mm(distances([0, 1, 2, 3], [0, 2])) == pytest.approx(2.85)
        assert larger_percentile_mm(distances([0, 2], [0, 1, 2, 3])) == pytest.approx(2.85)

    def test_percentile_of_the_union_is_thinned_by_the_longer_list(self):
        # 19 zeros and a 10: index 0.95 * 19 = 18.05 of the sorted 20, a twentieth of the way to 10
        assert joint_percentile_mm(distances([0] * 19, [10])) == pytest.approx(0.5)
        assert larger_percentile_mm(distances([0] * 19, [10])) == 10.0

    def test_each_mask_counts_half(self):
        # 1 of 4 within 1 mm there, both of 2 back: (1/4 + 1) / 2; by count it is 3 of 6
        both = distances([0, 2, 2, 2], [0, 1])

        assert nsd_by_direction(both, 1.0) == 0.625
        assert nsd(both, 1.0) == 0.5

    @pytest.mark.parametrize("lists", [([], []), ([], [math.inf]), ([math.inf], [])])
    def test_an_empty_mask_leaves_all_undefined(self, lists):
        both = distances(*lists)

        assert math.isnan(larger_percentile_mm(both))
        assert math.isnan(joint_percentile_mm(both))
        assert math.isnan(nsd_by_direction(both, 1.0))


CASES = [((1.0, 1.0, 1.0), 0), ((1.0, 0.8, 2.5), 1), ((0.7, 2.0), 2), ((1.0, 1.0), 3)]


@pytest.mark.parametrize(("spacing", "seed"), CASES)
def test_equals_sorting_by_loops(spacing, seed):
    there, back = slow_distances(*blobs(len(spacing), seed), spacing)

    found = border_distances(*blobs(len(spacing), seed), spacing)

    slow = max(slow_percentile(there), slow_percentile(back))
    assert larger_percentile_mm(found) == pytest.approx(slow, abs=1e-12)
    assert joint_percentile_mm(found) == pytest.approx(slow_percentile(there + back), abs=1e-12)
    shares = [sum(d <= 1 for d in each) / len(each) for each in (there, back)]
    assert nsd_by_direction(found, 1.0) == pytest.approx(sum(shares) / 2, abs=1e-12)


# MONAI calls its own function with an argument it has deprecated.
@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")
@pytest.mark.parametrize(("spacing", "seed"), CASES)
class TestAgainstMonai:
    """MONAI works in float32: 1e-5."""

    def test_hd95(self, spacing, seed):
        metrics = pytest.importorskip("monai.metrics")
        masks = blobs(len(spacing), seed)

        theirs = metrics.compute_hausdorff_distance(
            *channels_of(masks), include_background=True, percentile=95, spacing=spacing
        )

        ours = larger_percentile_mm(border_distances(*masks, spacing))
        assert ours == pytest.approx(float(theirs), abs=1e-5)

    def test_nsd(self, spacing, seed):
        metrics = pytest.importorskip("monai.metrics")
        masks = blobs(len(spacing), seed)

        theirs = metrics.compute_surface_dice(
            *channels_of(masks), [1.0], include_background=True, spacing=spacing
        )

        assert nsd(border_distances(*masks, spacing), 1.0) == pytest.approx(float(theirs), abs=1e-5)


def channels_of(masks):
    torch = pytest.importorskip("torch")
    return (torch.from_numpy(mask[None, None].astype(np.float32)) for mask in masks[::-1])


def slow_distances(reference, prediction, spacing):
    borders = [border(mask) * np.array(spacing) for mask in (reference, prediction)]
    return [
        [min(math.dist(point, other) for other in others) for point in points]
        for points, others in (borders, borders[::-1])
    ]


def border(mask):
    from scipy.ndimage import binary_erosion

    return np.argwhere(mask & ~binary_erosion(mask))


def slow_percentile(values):
    ordered = sorted(values)
    place = 0.95 * (len(ordered) - 1)
    low = ordered[math.floor(place)]
    return low + (ordered[math.ceil(place)] - low) * (place - math.floor(place))


def blobs(dims, seed):
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.normal(size=(15, 13, 11)[:dims]), 1.5)
    shifted = smooth + 0.5 * gaussian_filter(rng.normal(size=smooth.shape), 1.5)
    return smooth > 0.05, shifted > 0.05
