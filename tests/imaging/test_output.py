import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.orientation import Turn
from inspire_med.imaging.output import refuse_clashes, write_mask, write_probabilities
from inspire_med.imaging.placement import Placement
from inspire_med.imaging.probabilities import read_probabilities
from inspire_med.imaging.volume import read_volume

AFFINE = np.array([[-2.0, 0.1, 0, 9], [0.1, 2, 0, -7], [0, 0, 3, 4], [0, 0, 0, 1]])
VOLUME = Placement.of_volume(Grid((3, 4, 5), AFFINE), Turn.to("RAS", AFFINE), None, None, None)
PICTURE = Placement.of_picture((2, 3), (8, 8))


def test_a_volumes_mask_lies_where_the_volume_does(tmp_path):
    labels = np.random.default_rng(0).choice((0, 1, 4), (3, 4, 5)).astype(np.uint8)

    write_mask(tmp_path / "m.nii.gz", labels, VOLUME, {"a": (1, 2, 4)})

    written = nib.load(tmp_path / "m.nii.gz")
    assert written.get_data_dtype() == np.uint8
    np.testing.assert_allclose(written.affine, AFFINE, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(written.dataobj), labels)


def test_a_mask_has_the_codes_and_units_of_its_volume(tmp_path):
    image = nib.Nifti1Image(np.ones((3, 4, 5), np.int16), AFFINE)
    upright = np.diag([*np.linalg.norm(AFFINE[:3, :3], axis=0), 1])
    image.set_qform(upright, code=1)
    image.set_sform(AFFINE, code=4)
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, tmp_path / "scan.nii.gz")
    scan = read_volume(tmp_path / "scan.nii.gz")
    placement = Placement.of_volume(scan.grid, Turn.none(3), None, None, scan.header)

    write_mask(tmp_path / "m.nii.gz", np.zeros((3, 4, 5), np.uint8), placement, {"a": (1,)})

    header = nib.load(tmp_path / "m.nii.gz").header
    assert (int(header["qform_code"]), int(header["sform_code"])) == (1, 4)
    assert header.get_xyzt_units() == ("mm", "sec")
    np.testing.assert_allclose(header.get_qform(), upright, atol=1e-6)


def test_a_pictures_mask_of_one_region_is_black_and_white(tmp_path):
    labels = np.array([[0, 1, 1], [0, 0, 1]], np.uint8)

    write_mask(tmp_path / "m.png", labels, PICTURE, {"a": (1,)})

    with Image.open(tmp_path / "m.png") as written:
        assert written.mode == "L"
        np.testing.assert_array_equal(np.asarray(written), labels * 255)


@pytest.mark.parametrize(
    "regions", [{"a": (1,), "b": (2,)}, {"a": (1, 2, 7)}, {"a": (2,)}], ids=str
)
def test_a_pictures_mask_of_several_regions_holds_their_values_in_colours(tmp_path, regions):
    labels = np.array([[0, 2, 1], [0, 0, 2]], np.uint8)

    write_mask(tmp_path / "m.png", labels, PICTURE, regions)

    with Image.open(tmp_path / "m.png") as written:
        assert written.mode == "P"
        np.testing.assert_array_equal(np.asarray(written), labels)
        colours = np.asarray(written.convert("RGB"))
    values = [value for group in regions.values() for value in group]
    np.testing.assert_array_equal(read_labels(tmp_path / "m.png", values).labels, labels)
    assert len({tuple(colours[place]) for place in ((0, 0), (0, 1), (0, 2))}) == 3
    assert tuple(colours[0, 0]) == (0, 0, 0)


def test_a_pictures_mask_holds_every_value_there_is(tmp_path):
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    regions = {str(value): (value,) for value in range(1, 256)}

    write_mask(tmp_path / "m.png", labels, PICTURE, regions)

    np.testing.assert_array_equal(read_labels(tmp_path / "m.png", range(256)).labels, labels)
    with Image.open(tmp_path / "m.png") as written:
        colours = np.asarray(written.convert("RGB"))
    assert (colours.any(axis=-1) == (labels > 0)).all()


def test_probabilities_of_a_volume_have_the_region_last(tmp_path):
    values = np.random.default_rng(0).random((2, 3, 4, 5)).astype(np.float32)

    write_probabilities(tmp_path / "p.nii.gz", values, VOLUME)

    written = nib.load(tmp_path / "p.nii.gz")
    assert written.shape == (3, 4, 5, 2)
    np.testing.assert_allclose(written.get_fdata(), np.moveaxis(values, 0, -1), atol=1e-6)


def test_probabilities_of_a_picture_are_grey(tmp_path):
    write_probabilities(tmp_path / "p.png", np.array([[[0.0, 0.5, 1.0]]], np.float32), PICTURE)

    assert np.asarray(Image.open(tmp_path / "p.png")).tolist() == [[0, 128, 255]]


def test_probabilities_of_several_regions_stand_one_below_the_other(tmp_path):
    values = np.array([[[0.0, 0.2], [0.4, 0.6]], [[1.0, 0.8], [0.6, 0.2]]], np.float32)

    write_probabilities(tmp_path / "p.png", values, PICTURE)

    assert np.asarray(Image.open(tmp_path / "p.png")).tolist() == [
        [0, 51],
        [102, 153],
        [255, 204],
        [153, 51],
    ]
    read = read_probabilities(tmp_path / "p.png", ["a", "b"]).maps
    np.testing.assert_allclose(np.stack([read["a"], read["b"]]), values, atol=1e-6)
    with pytest.raises(InputError, match=r"p\.png: 4 rows, but 3 maps of one height are expected"):
        read_probabilities(tmp_path / "p.png", ["a", "b", "c"])


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["colon", "colon_prob"], "case colon_prob: its mask would .* probabilities of colon; ren"),
        (["colon_PROB"], "case colon_PROB: its mask would .* probabilities of colon; rename"),
        (["a", "B", "b"], "case b: its files would be those of B on a system that does not tell"),
        (["\u00e9", "e\u0301"], "case e\u0301: its files would be those of \u00e9 on a system"),
    ],
)
def test_ids_that_would_share_a_file_are_refused(ids, words):
    with pytest.raises(InputError, match=words):
        refuse_clashes(ids)


def test_ids_that_share_no_file_are_taken():
    refuse_clashes(["colon", "colon_problem", "prob", "colon-prob", "colon.nii"])


@pytest.mark.parametrize("name", ["p.nii", "p.nii.gz"])
def test_maps_are_asked_for_one_by_one(tmp_path, name):
    values = np.random.default_rng(0).random((2, 3, 4, 5)).astype(np.float32)
    asked = []

    class Lazy:
        def __getitem__(self, index):
            asked.append(index)
            return values[index]

        def __len__(self):
            return len(values)

    write_probabilities(tmp_path / name, Lazy(), VOLUME)

    written = nib.load(tmp_path / name)
    assert asked == [0, 1]
    np.testing.assert_array_equal(np.asanyarray(written.dataobj), np.moveaxis(values, 0, -1))
    assert written.get_data_dtype() == np.float32
    np.testing.assert_allclose(written.affine, AFFINE, atol=1e-6)
