"""Every lesion has its row, with its own size and what became of it."""

import numpy as np

from inspire_med.evaluation.lesion_rows import lesion_rows


def boxes(shape, *corners):
    """A mask of one region, boxes from one corner to before the other."""
    mask = np.zeros((1, *shape), dtype=bool)
    for low, high in corners:
        mask[(0, *map(slice, low, high))] = True
    return mask


def test_lesions_are_matched_missed_or_spurious_with_their_volumes():
    shape = (20, 20, 10)
    reference = boxes(shape, ((0, 0, 0), (4, 4, 4)), ((10, 10, 2), (12, 12, 4)))
    prediction = boxes(shape, ((2, 0, 0), (6, 4, 4)), ((16, 16, 6), (17, 18, 8)))

    table = lesion_rows(reference, prediction, ["lesion"], (1.0, 2.0, 0.5))

    # A voxel is 1 mm3: 64, 8 and 4 of them. Half of the first is found: 2 * 32 / 128.
    assert table["kind"].tolist() == ["matched", "missed", "spurious"]
    assert table["volume_ml"].tolist() == [0.064, 0.008, 0.004]
    assert table["centre"].tolist() == [(1.5, 1.5, 1.5), (10.5, 10.5, 2.5), (16.0, 16.5, 6.5)]
    np.testing.assert_array_equal(table["dice"], [0.5, np.nan, np.nan])


def test_without_a_reference_there_is_what_is_predicted():
    prediction = boxes((8, 8), ((0, 0), (1, 3)), ((4, 4), (8, 8)))

    table = lesion_rows(None, prediction, ["polyp"], (1.0, 1.0))

    assert table["kind"].tolist() == ["predicted", "predicted"]
    assert table["area_px"].tolist() == [16.0, 3.0]
    assert table["dice"].isna().all()


def test_each_region_has_its_own_lesions_and_none_has_no_row():
    reference = np.concatenate([boxes((6, 6), ((0, 0), (2, 2))), boxes((6, 6))])

    table = lesion_rows(reference, reference, ["outer", "inner"], (1.0, 1.0))

    assert table["region"].tolist() == ["outer"]
    empty = lesion_rows(None, boxes((2, 2, 2)), ["a"], (1.0, 1.0, 1.0))
    assert list(empty.columns) == ["region", "kind", "volume_ml", "centre", "dice"]
    assert len(empty) == 0
