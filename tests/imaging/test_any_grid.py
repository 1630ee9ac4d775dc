"""However a volume lies and is stored, what is written is read and stands in its place."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from examples import costly
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation
from storages import ALL_CODES

from inspire_med.imaging.grid import Grid, same_grid
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.masks import labels_from_regions, region_masks
from inspire_med.imaging.orientation import Turn
from inspire_med.imaging.placement import Placement
from inspire_med.imaging.resample import in_order_of, on_grid_of, resize, resize_masks, to_itk
from inspire_med.imaging.volume import read_grid, read_volume, write_volume

SUFFIXES = ("nii", "nii.gz", "mha", "nrrd")
sizes = st.tuples(*(st.integers(1, 7),) * 3)
angles = st.tuples(*(st.floats(-180, 180),) * 3)
codes = st.sampled_from(ALL_CODES)


@st.composite
def grids(draw):
    """A grid of few voxels, turned by any angles, mirrored or not, of any voxel sizes."""
    spacing = draw(st.tuples(*(st.floats(0.1, 9),) * 3))
    turned = Rotation.from_euler("xyz", draw(angles), degrees=True).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = turned * spacing * draw(st.sampled_from(((1, 1, 1), (-1, 1, 1))))
    affine[:3, 3] = draw(st.tuples(*(st.floats(-300, 300),) * 3))
    return Grid(draw(sizes), affine)


def numbered(shape, most=2**16):
    return np.arange(np.prod(shape)).reshape(shape) % most


def places_of(grid):
    """Of each voxel its millimetres, (*spatial, 3)."""
    indices = np.moveaxis(np.indices(grid.shape), 0, -1)
    return indices @ grid.affine[:3, :3].T + grid.affine[:3, 3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("grids")


@given(grid=grids(), code=codes)
def test_a_turn_moves_no_voxel_and_can_be_undone(grid, code):
    turn, values = Turn.to(code, grid.affine), numbered(grid.shape)

    there, seen = turn.grid(grid), turn.apply(values)

    assert seen.shape == there.shape
    assert (turn.undo(seen) == values).all()
    places = np.moveaxis(turn.apply(np.moveaxis(places_of(grid), -1, 0)), 0, -1)
    np.testing.assert_allclose(places, places_of(there), atol=1e-9)


@given(grid=grids(), first=codes, second=codes)
def test_one_turn_is_two_in_a_row(grid, first, second):
    between = Turn.to(first, grid.affine).grid(grid)

    there = Turn.to(second, between.affine).grid(between)

    assert there.shape == Turn.to(second, grid.affine).grid(grid).shape
    assert same_grid(there, Turn.to(second, grid.affine).grid(grid))


@given(grid=grids(), code=codes, data=st.data())
def test_what_a_placement_cuts_out_comes_back_in_its_place(grid, code, data):
    turn = Turn.to(code, grid.affine)
    shape = turn.grid(grid).shape
    starts = [data.draw(st.integers(0, size - 1)) for size in shape]
    pairs = zip(starts, shape, strict=True)
    box = tuple(slice(start, data.draw(st.integers(start + 1, size))) for start, size in pairs)
    placement = Placement.of_volume(grid, turn, box, None, None)
    values = (1 + numbered(grid.shape)).astype(np.float32)[np.newaxis]

    seen = placement.forward(values)
    back = Placement.from_json(placement.to_json()).back(seen)

    assert (seen[0] == placement.cut(turn.apply(values))[0]).all()
    assert ((back == values) | (back == 0)).all()
    assert np.count_nonzero(back) == seen[0].size
    cut = places_of(turn.grid(grid))[box]
    np.testing.assert_allclose(places_of(placement.view), cut, atol=1e-9)


@costly
@given(grid=grids(), code=codes, scale=st.tuples(*(st.floats(0.3, 3),) * 3))
def test_a_resampled_volume_fills_the_same_room_and_keeps_an_even_value(grid, code, scale):
    turn = Turn.to(code, grid.affine)
    spacing = np.array(turn.grid(grid).spacing_mm) * scale
    placement = Placement.of_volume(grid, turn, None, spacing, None)
    even = np.full((1, *grid.shape), 3, np.float32)

    seen = placement.forward(even)

    assert seen.shape[1:] == placement.size
    ends = [
        each.affine @ np.array([*(np.array(each.shape) - 0.5), 1])
        for each in (placement.view, turn.grid(grid))
    ]
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-6)
    np.testing.assert_allclose(seen, 3, atol=1e-4)
    np.testing.assert_allclose(placement.back(seen), even, atol=1e-4)


@costly
@given(
    grid=grids(),
    suffix=st.sampled_from(SUFFIXES),
    kind=st.sampled_from(("uint8", "int16", "uint16", "int32", "float32", "float64")),
)
def test_labels_come_back_from_every_format(folder, grid, suffix, kind):
    labels, path = numbered(grid.shape, 200).astype(kind), folder / f"labels.{suffix}"
    if suffix.startswith("nii"):
        write_volume(path, labels, grid)
    else:
        sitk.WriteImage(to_itk(labels, grid), path)

    found = read_labels(path)

    assert (found.labels == labels).all()
    assert same_grid(found.grid, grid)
    np.testing.assert_allclose(found.spacing_mm, grid.spacing_mm, atol=1e-5)
    assert same_grid(read_grid(path), grid)
    assert (read_volume(path).values == labels).all()


@costly
@given(grid=grids(), code=codes)
def test_labels_stored_in_another_order_are_the_same_labels(folder, grid, code):
    turn, labels = Turn.to(code, grid.affine), numbered(grid.shape, 200).astype(np.uint8)
    write_volume(folder / "own.nii", labels, grid)
    write_volume(folder / "other.nii", np.ascontiguousarray(turn.apply(labels)), turn.grid(grid))
    own, other = read_labels(folder / "own.nii"), read_labels(folder / "other.nii")

    for found in (in_order_of(own.grid, other), on_grid_of(own, other)):
        assert (found.labels == labels).all()
        assert same_grid(found.grid, own.grid)


REGIONS = (
    {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)},
    {"a": (1,), "b": (2,), "c": (3,)},
    {"whole": (1, 2, 3, 4), "core": (3, 4)},
)


@given(regions=st.sampled_from(REGIONS), labels=arrays(np.uint8, sizes, elements=st.integers(0, 4)))
def test_regions_survive_the_way_through_a_label_map(regions, labels):
    masks = region_masks(labels, regions)

    assert (region_masks(labels_from_regions(masks, regions), regions) == masks).all()


@given(
    labels=arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
)
def test_resized_pictures_stay_within_their_values(labels, size):
    seen = resize(labels[np.newaxis], size)

    assert seen.shape == (1, *size)
    assert labels.min() <= seen.min() <= seen.max() <= labels.max()


@given(data=st.data(), size=sizes)
def test_masks_of_nothing_and_of_everything_stay_so_at_any_size(data, size):
    shape = data.draw(sizes)

    assert not resize_masks(np.zeros((1, *shape), bool), size).any()
    assert resize_masks(np.ones((1, *shape), bool), size).all()
