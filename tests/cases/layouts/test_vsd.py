import pytest

from inspire_med.cases.layouts import vsd
from inspire_med.tasks.brats import BRATS
from inspire_med.tasks.isles import ISLES_2015

BRATS_2015 = {
    "VSD.Brain.XX.O.MR_Flair.35533": "flair",
    "VSD.Brain.XX.O.MR_T1.35534": "t1",
    "VSD.Brain.XX.O.MR_T1c.35535": "t1ce",
    "VSD.Brain.XX.O.MR_T2.35536": "t2",
}


def lay(case, *names, suffix=".mha"):
    for name in names:
        (case / name).mkdir(parents=True, exist_ok=True)
        (case / name / f"{name}{suffix}").touch()


def cases(task, folder):
    found = vsd.find(task, folder)
    assert found is not None
    assert found.problems == ()
    return found.cases


def test_reads_brats_2015(tmp_path):
    case = tmp_path / "BRATS2015_Training" / "HGG" / "brats_tcia_pat105_0001"
    lay(case, *BRATS_2015, "VSD.Brain_3more.XX.O.OT.42283")

    (found,) = cases(BRATS, tmp_path)

    assert found.id == "HGG_brats_tcia_pat105_0001"
    assert (found.patient, found.site) == ("HGG_brats_tcia_pat105", "HGG")
    assert {path.parent.name: name for name, path in found.images.items()} == BRATS_2015
    assert found.label is not None
    assert found.label.name == "VSD.Brain_3more.XX.O.OT.42283.mha"


def test_high_and_low_grades_of_one_number_are_two_patients(tmp_path):
    for grade in ("HGG", "LGG"):
        lay(tmp_path / grade / "brats_2013_pat0013_1", *BRATS_2015)

    assert [case.patient for case in cases(BRATS, tmp_path)] == [
        "HGG_brats_2013_pat0013",
        "LGG_brats_2013_pat0013",
    ]


def test_reads_brats_2013(tmp_path):
    case = tmp_path / "BRATS_2013_Training" / "Image_Data" / "HG" / "0001"
    for word, number in (("MR_Flair", 684), ("MR_T1", 685), ("MR_T1c", 686), ("MR_T2", 687)):
        (case / f"VSD.Brain.XX.O.{word}").mkdir(parents=True)
        (case / f"VSD.Brain.XX.O.{word}" / f"VSD.Brain.XX.O.{word}.{number}.mha").touch()
    (case / "VSD.Brain_3more.XX.XX.OT").mkdir()
    (case / "VSD.Brain_3more.XX.XX.OT" / "VSD.Brain_3more.XX.XX.OT.6560.mha").touch()

    (found,) = cases(BRATS, tmp_path)

    assert (found.id, list(found.images)) == ("HG_0001", ["flair", "t1", "t1ce", "t2"])
    assert found.label is not None


@pytest.mark.parametrize("suffix", [".nii", ".mha", ".nii.gz"])
def test_reads_isles_2015(tmp_path, suffix):
    words = ("MR_DWI.70613", "MR_Flair.70614", "MR_T1.70615", "MR_T2.70616", "OT.70617")
    names = [f"VSD.Brain.XX.O.{word}" for word in words]
    lay(tmp_path / "SISS2015_Training" / "1", *names, suffix=suffix)

    (found,) = cases(ISLES_2015, tmp_path)

    assert (found.id, list(found.images)) == ("1", ["flair", "t1", "t2", "dwi"])
    assert found.label is not None


def test_names_an_unknown_modality_and_a_second_file(tmp_path):
    lay(tmp_path / "1", *BRATS_2015, "VSD.Brain.XX.O.MR_PD.1")
    lay(tmp_path / "2", *BRATS_2015, "VSD.Brain.XX.O.MR_T2.2")

    found = vsd.find(BRATS, tmp_path)

    assert found is not None
    assert [case.id for case in found.cases] == ["1"]
    assert "MR_PD.1.mha: unknown modality 'PD'; expected flair, t1, t1ce, t2" in found.problems[0]
    assert "MR_T2.35536.mha: case 2 has two files for the channel t2, this and" in found.problems[1]


def test_one_file_brings_its_case_along(tmp_path):
    lay(tmp_path / "1", *BRATS_2015)
    name = "VSD.Brain.XX.O.MR_T2.35536"

    found = vsd.find_with(BRATS, tmp_path / "1" / name / f"{name}.mha")

    assert found is not None
    assert len(found.cases[0].images) == 4
    assert vsd.find_with(BRATS, tmp_path / "scan.mha") is None


def test_other_files_are_not_its(tmp_path):
    (tmp_path / "BraTS2021_00000_t1.nii.gz").touch()

    assert vsd.find(BRATS, tmp_path) is None
