"""Editions of a task told apart by what is in the folder, in trees of their exact names."""

import pytest

from inspire_med.cases.layouts.recognise import edition_of, find_cases, find_inputs
from inspire_med.errors import InputError
from inspire_med.tasks.brats import BRATS
from inspire_med.tasks.find import TASKS, refuse_other_task, task_named
from inspire_med.tasks.isles import ISLES, ISLES_2024

MAPS = ("cbf", "cbv", "mtt", "tmax")


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def isles_2022(folder):
    case = "sub-strokecase0001/ses-0001"
    name = "sub-strokecase0001_ses-0001"
    touch(folder, f"rawdata/{case}/dwi/{name}_dwi.nii.gz", f"rawdata/{case}/dwi/{name}_adc.nii.gz")
    touch(folder, f"rawdata/{case}/anat/{name}_FLAIR.nii.gz")
    touch(folder, f"derivatives/{case}/{name}_msk.nii.gz")


def isles_2015(folder):
    for word in ("MR_DWI.70613", "MR_Flair.70614", "MR_T1.70615", "MR_T2.70616"):
        touch(folder, f"1/VSD.Brain.XX.O.{word}/VSD.Brain.XX.O.{word}.nii")
    touch(folder, "1/VSD.Brain.XX.O.OT.70617/VSD.Brain.XX.O.OT.70617.nii")


def isles_2017(folder):
    """Both prefixes are in the release, and the series that the maps were made of."""
    words = ("MR_4DPWI", "MR_ADC", "MR_MTT", "MR_rCBF", "MR_rCBV", "MR_TTP", "MR_Tmax", "OT")
    for case, base, number in (("training_1", "VSD", 127014), ("training_43", "SMIR", 188919)):
        names = [f"{base}.Brain.XX.O.{word}.{number + i}" for i, word in enumerate(words)]
        touch(folder, *(f"{case}/{name}/{name}.nii" for name in names))


def isles_2024(folder, case="sub-stroke0001"):
    """As the release of November 2025 has it, one file that was left in the mask's place too."""
    raw, derived = f"raw_data/{case}", f"derivatives/{case}"
    first, second = f"{case}_ses-01", f"{case}_ses-02"
    touch(folder, *(f"{raw}/ses-01/{first}_{name}.nii.gz" for name in ("ncct", "cta", "ctp")))
    touch(folder, *(f"{raw}/ses-01/perfusion-maps/{first}_{name}.nii.gz" for name in MAPS))
    touch(folder, *(f"{raw}/ses-02/{second}_{name}.nii.gz" for name in ("dwi", "adc")))
    aligned = [f"{derived}/ses-01/perfusion-maps/{first}_space-ncct_{name}" for name in MAPS]
    words = ("cta", "ctp", "lvo-msk", "cow-msk")
    aligned += [f"{derived}/ses-01/{first}_space-ncct_{name}" for name in words]
    words = ("dwi", "adc", "lesion-msk")
    aligned += [f"{derived}/ses-02/{second}_space-ncct_{name}" for name in words]
    touch(folder, *(f"{name}.nii.gz" for name in aligned))
    touch(folder, f"{derived}/ses-02/{second}_lesion-msk.nii")


def isles_2024_of_the_challenge(folder):
    """As the challenge gave it out."""
    raw, derived = "rawdata/sub-strokecase0001", "derivatives/sub-strokecase0001"
    first, second = "sub-strokecase0001_ses-0001", "sub-strokecase0001_ses-0002"
    touch(folder, *(f"{raw}/ses-0001/{first}_{name}.nii.gz" for name in ("ncct", "cta", "ctp")))
    touch(folder, *(f"{raw}/ses-0002/{second}_{name}.nii.gz" for name in ("dwi", "adc")))
    maps = f"{derived}/ses-0001/perfusion-maps/{first}_space-ncct"
    touch(folder, *(f"{maps}_{name}.nii.gz" for name in MAPS))
    touch(folder, f"{derived}/ses-0001/{first}_space-ncct_cta.nii.gz")
    touch(folder, f"{derived}/ses-0002/{second}_lesion-msk.nii.gz")


def atlas_2(folder):
    anat = "Training/R001/sub-r001s001/ses-1/anat/sub-r001s001_ses-1_space-MNI152NLin2009aSym"
    touch(folder, f"{anat}_T1w.nii.gz", f"{anat}_label-L_desc-T1lesion_mask.nii.gz")
    touch(folder, "MNI152NLin2009aSym.nii.gz")


def isles_2026(folder):
    anat = "R001/sub-r001s001/ses-1/anat/sub-r001s001_ses-1"
    touch(folder, f"{anat}_space-orig_desc-brain_T1w.nii.gz")
    touch(folder, f"{anat}_space-orig_label-lesion_desc-T1lesion_mask.nii.gz")
    touch(folder, f"{anat}_metadata.csv")


def meningioma_rt(folder):
    for name in ("BraTS-MEN-RT-0002-1", "BraTS-MEN-RT-0003-1"):
        touch(folder, f"{name}/{name}_t1c.nii.gz", f"{name}/{name}_gtv.nii.gz")


def brats_2023(folder):
    name = "BraTS-GLI-00000-000"
    touch(folder, *(f"{name}/{name}-{word}.nii.gz" for word in ("t1n", "t1c", "t2w", "t2f", "seg")))


@pytest.mark.parametrize(
    ("task", "lay", "edition", "channels", "case"),
    [
        (ISLES, isles_2022, "isles", "dwi adc flair", "sub-strokecase0001_ses-0001"),
        (ISLES, isles_2015, "isles2015", "flair t1 t2 dwi", "1"),
        (ISLES, isles_2017, "isles2017", "adc mtt rcbf rcbv tmax ttp", "training_1"),
        (ISLES, isles_2024, "isles2024", "ncct cta cbf cbv mtt tmax", "sub-stroke0001"),
        (ISLES, isles_2024_of_the_challenge, "isles2024", "ncct cta cbf cbv mtt tmax",
         "sub-strokecase0001"),
        (ISLES, atlas_2, "isles2026", "t1", "sub-r001s001_ses-1"),
        (ISLES, isles_2026, "isles2026", "t1", "sub-r001s001_ses-1"),
        (BRATS, meningioma_rt, "brats-menrt", "t1ce", "BraTS-MEN-RT-0002-1"),
        (BRATS, brats_2023, "brats", "flair t1 t1ce t2", "BraTS-GLI-00000-000"),
    ],
)  # fmt: skip
def test_the_files_tell_the_edition(tmp_path, task, lay, edition, channels, case):
    lay(tmp_path / "any name")

    found = edition_of(task, [tmp_path])
    cases = find_cases(found, tmp_path)

    assert found.name == edition
    assert cases.problems == ()
    assert (cases.cases[0].id, " ".join(cases.cases[0].images)) == (case, channels)
    assert cases.cases[0].label is not None


def test_the_mri_that_the_lesion_was_drawn_on_is_no_input(tmp_path):
    isles_2024(tmp_path)

    found = find_cases(ISLES_2024, tmp_path)

    (case,) = found.cases
    assert case.images["cta"].name == "sub-stroke0001_ses-01_space-ncct_cta.nii.gz"
    assert case.label is not None
    assert case.label.name == "sub-stroke0001_ses-02_space-ncct_lesion-msk.nii.gz"
    assert "Left out, named as no channel and no label: 14 files, such as" in found.notes[0]


def test_the_series_of_isles_2017_are_left_out_and_counted(tmp_path):
    isles_2017(tmp_path)

    found = find_cases(edition_of(ISLES, [tmp_path]), tmp_path)

    assert [case.id for case in found.cases] == ["training_1", "training_43"]
    assert "Left out, named as no channel and no label: 2 files, such as" in found.notes[0]
    assert "4DPWI" in found.notes[0]


def test_the_sites_of_atlas_are_in_its_names(tmp_path):
    atlas_2(tmp_path)

    (case,) = find_cases(edition_of(ISLES, [tmp_path]), tmp_path).cases

    assert (case.patient, case.site) == ("sub-r001s001", "R001")


def test_a_scan_of_a_planned_meningioma_names_its_patient():
    patient = edition_of(BRATS, []).patient_of("BraTS-MEN-RT-0002-1")

    assert patient == "BraTS-MEN-RT-0002"


def test_a_brats_case_without_t2_is_still_of_brats(tmp_path):
    name = "BraTS-GLI-00000-000"
    touch(tmp_path, *(f"{name}/{name}-{word}.nii.gz" for word in ("t1n", "t1c", "t2f", "seg")))

    assert edition_of(BRATS, [tmp_path]) == BRATS


def test_a_task_without_editions_is_itself(tmp_path):
    assert edition_of(TASKS["polyp"], [tmp_path]) == TASKS["polyp"]


def test_an_edition_can_be_named_and_its_task_may_be_named_for_it(tmp_path):
    assert task_named("isles2024") == ISLES_2024
    refuse_other_task("isles", ISLES_2024, tmp_path)
    with pytest.raises(InputError, match="is for task isles2024, not brats; pass --task isles2024"):
        refuse_other_task("brats", ISLES_2024, tmp_path)


def test_two_editions_in_one_folder_are_named(tmp_path):
    isles_2022(tmp_path / "a")
    isles_2015(tmp_path / "b")

    with pytest.raises(InputError, match=r"holds the layouts vsd .* and bids \(such as sub-stroke"):
        find_cases(edition_of(ISLES, [tmp_path]), tmp_path)


@pytest.mark.parametrize(
    ("model", "lay", "wanted", "there"),
    [
        ("isles2026", isles_2022, r"\*_t1 ", "_FLAIR.nii.gz|_dwi.nii.gz|_adc.nii.gz|_msk.nii.gz"),
        ("isles", isles_2015, r"\*_dwi \*_adc", "VSD.Brain"),
        ("brats", meningioma_rt, r"\*_flair \*_t1 \*_t1ce \*_t2", "_t1c.nii.gz|_gtv.nii.gz"),
        ("brats", atlas_2, r"\*_flair \*_t1 \*_t1ce \*_t2", "sub-r001s001|MNI152"),
    ],
)
def test_a_model_names_its_channels_and_what_is_there_instead(tmp_path, model, lay, wanted, there):
    lay(tmp_path)

    message = f"no {model} case found; expected .*{wanted}.*; there are files such as .*({there})"
    with pytest.raises(InputError, match=message):
        find_inputs(task_named(model), tmp_path)
