import pytest

from inspire_med.cases.layouts import case_folders
from inspire_med.tasks.brats import BRATS

NAMES_2021 = ("_flair", "_t1", "_t1ce", "_t2", "_seg")
NAMES_2023 = ("-t2f", "-t1n", "-t1c", "-t2w", "-seg")


def lay(folder, case, names, suffix=".nii.gz"):
    (folder / case).mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / case / f"{case}{name}{suffix}").touch()


def test_reads_the_2018_tree_of_grades(tmp_path):
    lay(tmp_path / "HGG", "Brats18_TCIA01_201_1", NAMES_2021)
    lay(tmp_path / "LGG", "Brats18_TCIA10_628_1", NAMES_2021)

    found = case_folders.find(BRATS, tmp_path)

    assert found is not None
    assert found.problems == ()
    assert [case.id for case in found.cases] == ["Brats18_TCIA01_201_1", "Brats18_TCIA10_628_1"]
    assert [case.site for case in found.cases] == ["HGG", "LGG"]
    assert [case.patient for case in found.cases] == ["Brats18_TCIA01_201", "Brats18_TCIA10_628"]
    assert list(found.cases[0].images) == ["flair", "t1", "t1ce", "t2"]
    assert found.cases[0].label is not None
    assert found.cases[0].label.name == "Brats18_TCIA01_201_1_seg.nii.gz"


@pytest.mark.parametrize(
    ("case", "patient"),
    [
        ("BraTS19_CBICA_AAB_1", "BraTS19_CBICA_AAB"),
        ("BraTS20_Training_001", "BraTS20_Training_001"),
        ("BraTS2021_00002", "BraTS2021_00002"),
        ("BraTS-GLI-00005-100", "BraTS-GLI-00005"),
        ("BraTS-MET-00003-000", "BraTS-MET-00003"),
    ],
)
def test_scans_of_one_patient_share_the_patient(case, patient):
    assert BRATS.patient_of(case) == patient


@pytest.mark.parametrize("kind", ["GLI", "MET", "PED", "MEN", "SSA"])
def test_reads_the_names_since_2023(tmp_path, kind):
    lay(tmp_path, f"BraTS-{kind}-00001-000", NAMES_2023)

    found = case_folders.find(BRATS, tmp_path)

    assert found is not None
    (case,) = found.cases
    assert list(case.images) == ["flair", "t1", "t1ce", "t2"]
    assert case.images["flair"].name == f"BraTS-{kind}-00001-000-t2f.nii.gz"
    assert case.site == kind
    assert case.label is not None


def test_reads_unpacked_files_and_the_odd_segmentation_of_2020(tmp_path):
    lay(tmp_path, "BraTS20_Training_355", NAMES_2021[:4], suffix=".nii")
    (tmp_path / "BraTS20_Training_355" / "W39_1998.09.19_Segm.nii").touch()

    found = case_folders.find(BRATS, tmp_path)

    assert found is not None
    (case,) = found.cases
    assert case.id == "BraTS20_Training_355"
    assert case.label is not None
    assert case.label.name == "W39_1998.09.19_Segm.nii"


def test_reads_many_cases_in_one_folder(tmp_path):
    for case in ("BraTS2021_00000", "BraTS2021_00001"):
        for name in NAMES_2021:
            (tmp_path / f"{case}{name}.nii.gz").touch()

    found = case_folders.find(BRATS, tmp_path)

    assert found is not None
    assert [case.id for case in found.cases] == ["BraTS2021_00000", "BraTS2021_00001"]
    assert all(len(case.images) == 4 and case.label is not None for case in found.cases)


def test_names_an_unknown_modality(tmp_path):
    lay(tmp_path, "BraTS2021_00000", (*NAMES_2021, "_pd"))

    found = case_folders.find(BRATS, tmp_path)

    assert found is not None
    (problem,) = found.problems
    assert "BraTS2021_00000_pd.nii.gz: unknown modality 'pd'; expected one of flair" in problem


def test_names_a_second_file_of_one_sequence(tmp_path):
    lay(tmp_path, "BraTS2021_00000", NAMES_2021)
    (tmp_path / "BraTS2021_00000" / "BraTS2021_00000_t1.nii").touch()

    found = case_folders.find(BRATS, tmp_path)

    assert found is not None
    (problem,) = found.problems
    assert "case BraTS2021_00000 has two files for the channel t1, this and" in problem
    assert found.cases == ()


def test_names_a_second_file_among_the_cases_of_one_folder(tmp_path):
    for name in ("a_t1.nii", "a_t1.nii.gz", "a_t2.nii", "b_t1.nii", "b_t2.nii"):
        (tmp_path / name).touch()

    found = case_folders.find(BRATS, tmp_path)

    assert found is not None
    assert [case.id for case in found.cases] == ["b"]
    assert "a_t1.nii.gz: case a has two files for the channel t1, this and" in found.problems[0]


def test_passes_over_hidden_files(tmp_path):
    lay(tmp_path, "BraTS2021_00000", NAMES_2021)
    (tmp_path / "BraTS2021_00000" / "._BraTS2021_00000_t1.nii.gz").touch()

    found = case_folders.find(BRATS, tmp_path)

    assert found is not None
    assert found.problems == ()


def test_a_folder_of_other_files_is_not_brats(tmp_path):
    (tmp_path / "sub-1_dwi.nii.gz").touch()
    (tmp_path / "readme.txt").touch()

    assert case_folders.find(BRATS, tmp_path) is None
