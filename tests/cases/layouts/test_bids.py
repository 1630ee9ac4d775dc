import pytest

from inspire_med.cases.layouts import bids
from inspire_med.tasks.custom import own_task
from inspire_med.tasks.isles import ISLES


def own(**words):
    channels = [name for name in words if name != "label"]
    spellings = {name: (word,) for name, word in words.items()}
    return own_task(
        "own", 3, channels, {"a": 1}, layouts=("bids",), intensity="mri", spellings=spellings
    )


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def taken(task, folder):
    """The file names of the one case that there is: of its images, and of its label."""
    found = bids.find(task, folder)
    assert found is not None
    assert found.problems == ()
    (case,) = found.cases
    return {name: path.name for name, path in case.images.items()}, case.label and case.label.name


def lay(folder, *kinds, patient="sub-strokecase0001", tree="ses-0001"):
    session = f"{patient}_ses-0001"
    for kind in kinds:
        top = "derivatives" if kind == "msk" else "rawdata"
        place = folder / top / patient / tree
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{session}_{kind}.nii.gz").touch()


def test_joins_raw_data_and_derivatives(tmp_path):
    lay(tmp_path, "dwi", "adc", "flair", "msk")

    found = bids.find(ISLES, tmp_path)

    assert found is not None
    (case,) = found.cases
    assert case.id == "sub-strokecase0001_ses-0001"
    assert case.patient == "sub-strokecase0001"
    assert list(case.images) == ["dwi", "adc", "flair"]
    assert case.label is not None
    assert "derivatives" in case.label.parts


def test_reads_the_tree_with_a_folder_for_each_kind(tmp_path):
    lay(tmp_path, "dwi", "adc", tree="ses-0001/dwi")
    lay(tmp_path, "FLAIR", tree="ses-0001/anat")

    found = bids.find(ISLES, tmp_path)

    assert found is not None
    assert list(found.cases[0].images) == ["dwi", "adc", "flair"]


def test_a_case_without_flair_is_a_case(tmp_path):
    lay(tmp_path, "dwi", "adc", "msk")

    found = bids.find(ISLES, tmp_path)

    assert found is not None
    assert list(found.cases[0].images) == ["dwi", "adc"]
    assert found.problems == ()


def test_leaves_out_what_is_no_channel(tmp_path):
    lay(tmp_path, "dwi", "swi")

    found = bids.find(ISLES, tmp_path)

    assert found is not None
    assert list(found.cases[0].images) == ["dwi"]
    assert [path.name for path in found.left_out] == ["sub-strokecase0001_ses-0001_swi.nii.gz"]


def test_names_a_second_file_of_one_sequence(tmp_path):
    lay(tmp_path, "dwi")
    lay(tmp_path, "dwi", tree="ses-0001/dwi")

    found = bids.find(ISLES, tmp_path)

    assert found is not None
    assert "case sub-strokecase0001_ses-0001 has two files for the channel dwi" in found.problems[0]
    assert found.cases == ()  # nobody can say which of the two is meant


def test_a_folder_of_other_files_is_not_isles(tmp_path):
    (tmp_path / "BraTS2021_00000_t1.nii.gz").touch()

    assert bids.find(ISLES, tmp_path) is None


def test_an_entity_that_is_named_must_be_there(tmp_path):
    touch(tmp_path, "sub-1/anat/sub-1_acq-3d_FLAIR.nii.gz", "sub-1/anat/sub-1_acq-2d_FLAIR.nii.gz")

    assert taken(own(flair="acq-3d_FLAIR"), tmp_path)[0] == {"flair": "sub-1_acq-3d_FLAIR.nii.gz"}
    assert taken(own(flair="acq-2D_flair"), tmp_path)[0] == {"flair": "sub-1_acq-2d_FLAIR.nii.gz"}


def test_a_raw_file_comes_before_what_was_derived_from_it(tmp_path):
    raw, derived = "sub-1/anat/sub-1_T1w.nii.gz", "sub-1/anat/sub-1_desc-preproc_T1w.nii.gz"
    touch(tmp_path, f"derivatives/pipeline/{derived}", raw)

    assert taken(own(t1="T1w"), tmp_path)[0] == {"t1": "sub-1_T1w.nii.gz"}
    assert taken(own(t1="desc-preproc_T1w"), tmp_path)[0] == {"t1": "sub-1_desc-preproc_T1w.nii.gz"}


def test_an_image_in_the_space_of_the_mask_comes_first(tmp_path):
    anat = "sub-1/ses-1/anat/sub-1_ses-1"
    touch(tmp_path, f"{anat}_T1w.nii.gz", f"{anat}_space-MNI_T1w.nii.gz")
    touch(tmp_path, f"derivatives/x/{anat}_space-MNI_desc-lesion_mask.nii.gz")

    images, label = taken(own(t1="T1w"), tmp_path)

    assert images == {"t1": "sub-1_ses-1_space-MNI_T1w.nii.gz"}
    assert label == "sub-1_ses-1_space-MNI_desc-lesion_mask.nii.gz"


@pytest.mark.parametrize("name", ["label-lesion_mask", "dseg", "lesion_msk", "seg"])
def test_masks_are_found_by_their_suffix(tmp_path, name):
    touch(tmp_path, "sub-1/anat/sub-1_T1w.nii.gz", f"derivatives/sub-1/sub-1_{name}.nii.gz")

    assert taken(own(t1="T1w"), tmp_path)[1] == f"sub-1_{name}.nii.gz"


def test_a_brain_mask_is_no_label_unless_it_is_asked_for(tmp_path):
    touch(tmp_path, "sub-1/anat/sub-1_T1w.nii.gz", "derivatives/sub-1/sub-1_desc-brain_mask.nii.gz")

    assert taken(own(t1="T1w"), tmp_path)[1] is None
    asked = own(t1="T1w", label="desc-brain_mask")
    assert taken(asked, tmp_path)[1] == "sub-1_desc-brain_mask.nii.gz"


def test_two_runs_are_told_apart_or_named(tmp_path):
    touch(tmp_path, "sub-1/anat/sub-1_run-1_T1w.nii.gz", "sub-1/anat/sub-1_run-02_T1w.nii.gz")

    found = bids.find(own(t1="T1w"), tmp_path)

    assert found is not None
    assert found.cases == ()
    assert (
        "sub-1_run-1_T1w.nii.gz: case sub-1 has two files for the channel t1, this"
        in found.problems[0]
    )
    assert taken(own(t1="run-2_T1w"), tmp_path)[0] == {"t1": "sub-1_run-02_T1w.nii.gz"}


def test_sessions_are_cases_of_one_patient_unless_a_channel_names_its_session(tmp_path):
    touch(tmp_path, *(f"sub-1/ses-{n}/anat/sub-1_ses-{n}_T1w.nii.gz" for n in (1, 2)))

    found = bids.find(own(t1="T1w"), tmp_path)

    assert found is not None
    assert [(case.id, case.patient) for case in found.cases] == [
        ("sub-1_ses-1", "sub-1"),
        ("sub-1_ses-2", "sub-1"),
    ]
    both = own(before="ses-1_T1w", after="ses-02_T1w")
    assert taken(both, tmp_path)[0] == {
        "before": "sub-1_ses-1_T1w.nii.gz",
        "after": "sub-1_ses-2_T1w.nii.gz",
    }
