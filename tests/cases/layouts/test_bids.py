from inspire_med.cases.layouts import bids
from inspire_med.tasks.isles import ISLES


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


def test_names_an_unknown_modality(tmp_path):
    lay(tmp_path, "dwi", "swi")

    found = bids.find(ISLES, tmp_path)

    assert found is not None
    assert (
        "_swi.nii.gz: unknown modality 'swi'; expected dwi, adc, flair or msk" in found.problems[0]
    )


def test_names_a_second_file_of_one_sequence(tmp_path):
    lay(tmp_path, "dwi")
    lay(tmp_path, "dwi", tree="ses-0001/dwi")

    found = bids.find(ISLES, tmp_path)

    assert found is not None
    assert "a second file of the sequence of" in found.problems[0]
    assert found.cases == ()  # nobody can say which of the two is meant


def test_a_folder_of_other_files_is_not_isles(tmp_path):
    (tmp_path / "BraTS2021_00000_t1.nii.gz").touch()

    assert bids.find(ISLES, tmp_path) is None
