import gzip
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from PIL import Image

from inspire_med.cases.case import Case
from inspire_med.cases.checking.case import check_case
from inspire_med.cases.checking.verdict import Expectation
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.cases.twins import as_one_patient, find_twins, fingerprint, shared_images

X, Y, Z = ({letter} for letter in (b"x", b"y", b"z"))


def cases(*patients):
    return tuple(
        Case(f"c{number}", patient, {}, (4, 4), (1.0, 1.0), Path("m.png"))
        for number, patient in enumerate(patients)
    )


def patients_of(found):
    return [case.patient for case in found]


def test_cases_without_a_common_image_stay_as_they_are():
    some = cases("a", "b", "a")

    assert find_twins(some, [X, Y, Z]) == []
    assert as_one_patient(some, [X, Y, Z]) == some


def test_a_copy_is_named_with_its_original_and_is_of_its_patient():
    some = cases("a", "b", "c", "d")

    assert find_twins(some, [X, Y, X, X]) == [("c2", "c0"), ("c3", "c0")]
    assert patients_of(as_one_patient(some, [X, Y, X, X])) == ["a", "b", "a", "a"]


def test_one_channel_in_common_is_enough():
    some = cases("a", "b", "c")

    assert find_twins(some, [X | Y, Z, Z | Y]) == [("c2", "c0")]
    assert patients_of(as_one_patient(some, [X | Y, Z, Z | Y])) == ["a", "a", "a"]


def test_all_cases_of_both_patients_stay_together():
    some = cases("a", "b", "b", "c")

    assert patients_of(as_one_patient(some, [X, X, Y, Z])) == ["a", "a", "a", "c"]


def test_images_of_one_value_are_nobodys_twin():
    assert fingerprint(np.zeros((4, 4, 3), np.uint8)) == frozenset()
    assert find_twins(cases("a", "b"), [frozenset(), frozenset()]) == []


def test_images_that_two_sets_share_are_found_and_no_case_of_another_size_is_opened(tmp_path):
    def picture(name, value, shape=(4, 6)):
        file = tmp_path / name
        Image.fromarray(np.arange(value, value + 24, dtype=np.uint8).reshape(shape)).save(file)
        return Case(file.stem, file.stem, {"grey": file}, shape, (1.0, 1.0))

    known = (picture("one.png", 0), picture("two.png", 9), picture("wide.png", 0, (2, 12)))
    tried = (picture("copy.png", 9), picture("strange.png", 5))
    known[2].images["grey"].unlink()

    assert list(shared_images(tried, known)) == [(tried[0], known[1])]
    assert list(shared_images(known, ())) == []


def test_what_differs_in_one_pixel_or_in_shape_is_no_twin():
    image = np.arange(24, dtype=np.float32).reshape(4, 6)
    other = image.copy()
    other[3, 5] += 1

    assert fingerprint(image) == fingerprint(image.astype(np.int16))
    assert len({*fingerprint(image), *fingerprint(other), *fingerprint(image.reshape(6, 4))}) == 3


def permuted(path):
    other = nib.load(path).as_reoriented(np.array([[2, 1], [0, -1], [1, 1]]))
    nib.save(other, path.with_name("o.nii.gz"))
    return path.with_name("o.nii.gz")


def as_float(path):
    image = nib.load(path)
    nib.save(
        nib.Nifti1Image(image.get_fdata(dtype=np.float32), image.affine), path.parent / "f.nii"
    )
    return path.parent / "f.nii"


def as_nrrd(path):
    sitk.WriteImage(sitk.ReadImage(str(path)), str(path.with_name("n.nrrd")))
    return path.with_name("n.nrrd")


def unpacked(path):
    path.with_name("u.nii").write_bytes(gzip.decompress(path.read_bytes()))
    return path.with_name("u.nii")


@pytest.mark.parametrize("other", [permuted, as_float, as_nrrd, unpacked])
def test_a_volume_is_known_however_it_is_stored(tmp_path, write_nifti, other):
    scan = np.random.default_rng(0).integers(-9, 99, (7, 6, 5)).astype(np.int16)
    path = write_nifti(tmp_path / "a.nii.gz", scan, np.diag([-1.0, -1, 2, 1]))

    first, second = (
        check_case(FoundCase("a", "a", {"mri": each}), Expectation(("mri",), (0, 1)))
        for each in (path, other(path))
    )

    assert first.problems == second.problems == ()
    assert len(first.fingerprints) == 1
    assert first.fingerprints == second.fingerprints


def test_a_picture_is_known_however_it_is_stored_and_not_by_its_mask(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (9, 8, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels).save(tmp_path / "b.bmp")
    Image.fromarray(pixels[::-1]).save(tmp_path / "c.png")
    Image.fromarray((pixels[..., 0] > 99).astype(np.uint8) * 255).save(tmp_path / "mask.png")
    shutil.copy(tmp_path / "mask.png", tmp_path / "again.png")

    colours = ("red", "green", "blue")
    a, b, c = (
        check_case(
            FoundCase(
                name,
                name,
                dict.fromkeys(colours, tmp_path / name),
                tmp_path / mask,
                components={"red": 0, "green": 1, "blue": 2},
            ),
            Expectation(colours, (0, 1)),
        ).fingerprints
        for name, mask in (("a.png", "mask.png"), ("b.bmp", "again.png"), ("c.png", "mask.png"))
    )

    assert a == b
    assert a.isdisjoint(c)
