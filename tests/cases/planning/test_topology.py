import pytest

from inspire_med.cases.planning.topology import topology


def test_alike_voxels_are_halved_together_until_fewer_than_eight_are_left():
    found = topology((1, 1, 1), (128, 128, 128))

    assert found.strides == ((2, 2, 2),) * 5  # 64 32 16 8 4
    assert found.kernel_sizes == ((3, 3, 3),) * 6
    assert found.divisors == (32, 32, 32)


def test_thick_slices_wait_until_the_plane_has_come_to_their_resolution():
    found = topology((0.6, 0.6, 5.0), (320, 320, 20))

    # In the plane 0.6 1.2 2.4 4.8 mm: 5.0 is more than twice 0.6, 1.2 and 2.4, and alike at 4.8.
    assert found.strides[:3] == ((2, 2, 1),) * 3
    assert found.strides[3:] == (
        (2, 2, 2),
        (2, 2, 2),
        (2, 2, 1),
    )  # 20 10 5: five are halved no more
    assert found.kernel_sizes == ((3, 3, 1),) * 3 + ((3, 3, 3),) * 4


def test_exactly_twice_as_long_is_not_alike():
    assert topology((1, 1, 2), (64, 64, 64)).strides[0] == (2, 2, 1)
    assert topology((1, 1, 1.99), (64, 64, 64)).strides[0] == (2, 2, 2)


def test_a_short_axis_stops_first():
    assert topology((1, 1, 1), (64, 64, 16)).strides == (
        (2, 2, 2),
        (2, 2, 2),
        (2, 2, 1),
        (2, 2, 1),
    )


def test_a_last_axis_alone_wants_twelve():
    assert topology((1, 1, 1), (16, 4, 4)).levels == 2
    assert topology((1, 1, 1), (24, 4, 4)).levels == 3  # 24 12 6: of 12 it goes on
    assert topology((1, 1, 1), (22, 4, 4)).levels == 2  # 22 11


@pytest.mark.parametrize("size", [(4, 4, 4), (1, 1, 1), (7, 3, 2)])
def test_tiny_volumes_have_two_levels(size):
    assert topology((1, 1, 1), size).levels == 2


def test_levels_that_are_asked_for_are_made():
    assert topology((1, 1), (256, 256), 3).strides == ((2, 2),) * 2
    assert topology((1, 1, 4), (8, 8, 8), 4).strides == ((2, 2, 1), (2, 2, 1), (2, 2, 2))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
def test_axes_in_another_order_give_the_same_in_that_order(order):
    spacing, size = (0.7, 1.5, 4.0), (200, 96, 24)
    there = topology(spacing, size)

    turned = topology([spacing[axis] for axis in order], [size[axis] for axis in order])

    for own, other in zip(there.strides, turned.strides, strict=True):
        assert other == tuple(own[axis] for axis in order)
    for own, other in zip(there.kernel_sizes, turned.kernel_sizes, strict=True):
        assert other == tuple(own[axis] for axis in order)


def test_the_unit_does_not_matter():
    in_mm, in_cm = (topology((s, s, 5 * s), (96, 96, 20)) for s in (0.8, 0.08))

    assert in_mm == in_cm
