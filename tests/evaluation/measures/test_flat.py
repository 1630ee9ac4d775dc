import numpy as np
import pytest

from inspire_med.evaluation.measures.flat import FlatBox

BOXES = [((3, 4), (1, 2)), ((2, 5, 3), (2, 1, 3)), ((1, 1, 1), (1, 1, 1))]


@pytest.mark.parametrize(("shape", "reach"), BOXES)
def test_every_step_within_reach_leads_to_the_right_place_or_to_padding(shape, reach):
    box = FlatBox(shape, reach)
    mask = np.random.default_rng(0).random(shape) < 0.5
    row = box.laid_out(mask)
    around = np.pad(mask, [(step, step) for step in reach])

    for point in np.argwhere(np.ones(shape)):
        for step in np.argwhere(np.ones([2 * r + 1 for r in reach])) - reach:
            place = box.places(point[None]) + box.along(step[None])
            assert row[place[0]] == around[tuple(point + step + reach)]


@pytest.mark.parametrize(("shape", "reach"), BOXES)
def test_points_and_places_belong_together(shape, reach):
    box = FlatBox(shape, reach)
    points = np.argwhere(np.ones(shape))

    assert (box.points(box.places(points) - box.lead) == points).all()
    assert box.laid_out(np.ones(shape, dtype=bool)).sum() == len(points)
