import pytest
from PIL import Image

from inspire_med.cases.layouts import image_mask_folders
from inspire_med.errors import InputError
from inspire_med.tasks.polyp import POLYP


def lay(folder, images, masks, suffix=".png"):
    for place, names in (images, masks):
        (folder / place).mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / place / f"{name}{suffix}").touch()


@pytest.mark.parametrize(
    ("images", "masks"),
    [("images", "masks"), ("image", "mask"), ("Original", "Ground Truth"), ("bbdd", "gtpolyp")],
)
def test_pairs_images_with_masks_under_every_release_name(tmp_path, images, masks):
    lay(tmp_path / "Some-Set", (images, ["a", "b"]), (masks, ["a", "b"]))

    found = image_mask_folders.find(POLYP, tmp_path)

    assert found is not None
    assert [case.id for case in found.cases] == ["a", "b"]
    assert found.cases[0].label == tmp_path / "Some-Set" / masks / "a.png"
    assert found.cases[0].site == "Some-Set"
    assert found.cases[0].components == {"red": 0, "green": 1, "blue": 2}


def test_pairs_files_of_unlike_suffixes(tmp_path):
    lay(tmp_path, ("images", ["a"]), ("masks", []), suffix=".jpg")
    (tmp_path / "masks" / "a.tif").touch()

    found = image_mask_folders.find(POLYP, tmp_path)

    assert found is not None
    assert found.problems == ()
    assert len(found.cases) == 1


def test_pairs_etis_masks_that_begin_with_p(tmp_path):
    lay(tmp_path / "ETIS", ("ETIS-LaribPolypDB", ["1"]), ("Ground Truth", ["p1"]), suffix=".tif")

    found = image_mask_folders.find(POLYP, tmp_path)

    assert found is not None
    assert found.problems == ()
    assert found.cases[0].label is not None
    assert found.cases[0].label.name == "p1.tif"


def test_takes_png_where_the_same_set_lies_there_as_tif_too(tmp_path):
    for kind in ("PNG", "TIF"):
        pair = ("Original", ["1"]), ("Ground Truth", ["1"])
        lay(tmp_path / "CVC-ClinicDB" / kind, *pair, suffix=f".{kind.lower()}")

    found = image_mask_folders.find(POLYP, tmp_path)

    assert found is not None
    (case,) = found.cases
    assert case.images["red"].suffix == ".png"
    assert case.site == "CVC-ClinicDB"


def test_puts_the_sets_name_before_ids_that_occur_twice(tmp_path):
    for name in ("one", "other"):
        lay(tmp_path / "TestDataset" / name, ("images", ["1"]), ("masks", ["1"]))

    found = image_mask_folders.find(POLYP, tmp_path / "TestDataset")

    assert found is not None
    assert [case.id for case in found.cases] == ["one-1", "other-1"]


def test_frames_of_a_sequence_are_of_one_though_only_some_numbers_occur_twice(tmp_path):
    lay(tmp_path / "CVC-ClinicDB", ("images", ["1", "2"]), ("masks", ["1", "2"]))
    lay(tmp_path / "other", ("images", ["1", "3"]), ("masks", ["1", "3"]))

    found = image_mask_folders.find(POLYP, tmp_path)

    assert found is not None
    assert {case.id: (case.patient, case.sequence) for case in found.cases} == {
        "CVC-ClinicDB-1": ("clinicdb-video-01", "clinicdb-video-01"),
        "2": ("clinicdb-video-01", "clinicdb-video-01"),
        "other-1": ("other-1", ""),
        "3": ("3", ""),
    }


def test_polypgens_centres_are_sites_and_its_videos_sequences(tmp_path):
    """Its masks have names of their own; one image of C3 ends in an underscore."""
    release = tmp_path / "PolypGen2021_MultiCenterData_v3"
    lay(release / "data_C1", ("images_C1", ["a"]), ("masks_C1", ["a_mask"]))
    lay(release / "data_C3", ("images_C3", ["b_"]), ("masks_C3", ["b_mask"]))
    videos = release / "sequenceData"
    lay(videos / "positive" / "seq7", ("images_seq7", ["c"]), ("masks_seq7", ["c_mask"]))
    lay(videos / "negativeOnly" / "seq8_neg", (".", ["d"]), (".", []))
    lay(release, ("imagesAll_positive", ["a"]), ("imagesAll_positive", []))

    found = image_mask_folders.find(POLYP, tmp_path)

    assert found is not None
    assert found.problems == ()
    assert {case.id: (case.site, case.patient, case.sequence) for case in found.cases} == {
        "a": ("PolypGen-C1", "PolypGen-C1", ""),
        "b_": ("PolypGen-C3", "PolypGen-C3", ""),
        "c": ("PolypGen-sequences", "PolypGen-seq7", "PolypGen-seq7"),
    }
    assert [case.label.name for case in found.cases] == ["a_mask.png", "b_mask.png", "c_mask.png"]


def test_pictures_tell_their_set_in_a_folder_of_any_name(tmp_path):
    lay(tmp_path / "TrainDataset", ("image", []), ("mask", []))
    for name in ("31", "cju0qkwl35piu0993l0dewei2", "own"):
        Image.new("RGB", (384, 288)).save(tmp_path / "TrainDataset" / "image" / f"{name}.png")
        (tmp_path / "TrainDataset" / "mask" / f"{name}.png").touch()

    found = image_mask_folders.find(POLYP, tmp_path / "TrainDataset")

    assert found is not None
    assert {case.id: (case.site, case.sequence) for case in found.cases} == {
        "31": ("CVC-ClinicDB", "clinicdb-video-02"),
        "cju0qkwl35piu0993l0dewei2": ("Kvasir-SEG", ""),
        "own": ("TrainDataset", ""),
    }
    assert len(found.notes) == 2


def test_frames_of_one_clinicdb_video_are_one_patient(tmp_path):
    frames = ["1", "25", "26", "612"]
    lay(tmp_path / "CVC-ClinicDB", ("images", frames), ("masks", frames))

    found = image_mask_folders.find(POLYP, tmp_path)

    assert found is not None
    patients = {case.id: case.patient for case in found.cases}
    assert patients["1"] == patients["25"] == "clinicdb-video-01"
    assert patients["26"] == "clinicdb-video-02"
    assert patients["612"] == "clinicdb-video-29"


def test_refuses_pranets_training_and_test_sets_side_by_side(tmp_path):
    lay(tmp_path / "TrainDataset", ("image", ["1"]), ("mask", ["1"]))
    lay(tmp_path / "TestDataset" / "CVC-300", ("images", ["1"]), ("masks", ["1"]))

    with pytest.raises(InputError, match="holds TrainDataset and TestDataset; give one of them"):
        image_mask_folders.find(POLYP, tmp_path)


def test_names_images_without_mask_and_masks_without_image(tmp_path):
    lay(tmp_path, ("images", ["a", "b"]), ("masks", ["b", "c"]))

    found = image_mask_folders.find(POLYP, tmp_path)

    assert found is not None
    assert [case.id for case in found.cases] == ["b"]
    assert "a.png: no mask of that name in" in found.problems[0]
    assert "c.png: no image of that name in" in found.problems[1]


def test_names_a_second_image_of_one_name(tmp_path):
    lay(tmp_path, ("images", ["a"]), ("masks", ["a"]))
    (tmp_path / "images" / "a.jpg").touch()

    for found in (
        image_mask_folders.find(POLYP, tmp_path),
        image_mask_folders.find_images(POLYP, tmp_path),
    ):
        assert found is not None
        (problem,) = found.problems
        assert "a.png: a second file of the name of a.jpg; keep one." in problem


def test_a_folder_of_images_alone_has_no_pairs_but_can_be_predicted(tmp_path):
    (tmp_path / "a.jpg").touch()

    assert image_mask_folders.find(POLYP, tmp_path) is None
    found = image_mask_folders.find_images(POLYP, tmp_path)
    assert found is not None
    assert found.cases[0].label is None


def test_images_without_mask_are_predicted_like_the_others(tmp_path):
    lay(tmp_path / "one", ("images", ["a", "b"]), ("masks", ["b", "c"]))
    lay(tmp_path / "two", ("images", ["d"]), ("elsewhere", []))

    found = image_mask_folders.find_images(POLYP, tmp_path)

    assert found is not None
    assert [case.id for case in found.cases] == ["a", "b", "d"]
    assert found.problems == ()


def test_images_beside_a_folder_of_images_are_predicted_too(tmp_path):
    lay(tmp_path, ("photos", ["a"]), ("photos/images", ["b"]))

    found = image_mask_folders.find_images(POLYP, tmp_path / "photos")

    assert sorted(case.id for case in found.cases) == ["a", "b"]
