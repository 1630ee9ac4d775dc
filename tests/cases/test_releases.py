import pytest

from inspire_med.cases.releases import label_values, others_that_fit, release_of, strangers
from inspire_med.errors import InputError
from inspire_med.tasks.brats import BRATS
from inspire_med.tasks.polyp import POLYP

OLD, NEW, PED = ["BraTS2021_00000"], ["BraTS-GLI-00000-000"], ["BraTS-PED-00001-000"]


@pytest.mark.parametrize(
    ("values", "names", "expected"),
    [
        ({0, 1, 2, 4}, OLD, {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}),
        ({0, 1, 2, 3}, OLD, {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}),
        ({0, 1, 2, 3}, NEW, {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}),
        ({0, 1, 2, 4}, NEW, {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,), "RC": (4,)}),
        ({0, 1, 4}, PED, {"WT": (1, 2, 3, 4), "TC": (1, 2, 3), "ET": (1,)}),
        ({0, 1, 2}, OLD, {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}),
        ({0, 1, 2}, NEW, {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}),
        ({0, 1, 2, 3, 4}, NEW, {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,), "RC": (4,)}),
        ({0, 1, 2, 3, 4}, PED, {"WT": (1, 2, 3, 4), "TC": (1, 2, 3), "ET": (1,)}),
    ],
)
def test_the_files_values_tell_which_label_enhances(values, names, expected):
    assert release_of(BRATS, "case-folders", dict.fromkeys(names, values)).regions == expected


def test_refuses_years_mixed():
    with pytest.raises(
        InputError, match="the values 1 2 3 4 of case BraTS2021_00000 fit no .*by itself"
    ):
        release_of(BRATS, "case-folders", {"BraTS2021_00000": {0, 1, 2, 3, 4}})


@pytest.mark.parametrize("names", [OLD + NEW, PED + NEW])
def test_refuses_releases_in_which_4_is_another_thing(names):
    with pytest.raises(InputError) as caught:
        release_of(BRATS, "case-folders", dict.fromkeys(names, (0, 1, 2, 4)))

    assert all(f"1 2 4 of case {name}" in str(caught.value) for name in names)


def test_the_cases_that_do_not_fit_the_others_release_are_blamed():
    held = {f"BraTS2021_{number}": {0, 1, 2, 4} for number in range(4)}
    held |= {"BraTS2021_9": {0, 1, 2, 3, 4}, "BraTS-GLI-1": {1, 2}}

    release = release_of(BRATS, "case-folders", held)

    assert release.name == "until 2022"
    assert strangers(release, held) == {
        "BraTS2021_9": "holds label 3, which 'until 2022' has not, and 4 of the 6 cases are of "
        "that release",
        "BraTS-GLI-1": "is named as no case that 'until 2022' has, and 4 of the 6 cases are of "
        "that release",
    }


def test_a_release_that_must_hold_a_value_is_not_told_by_a_case_of_another():
    held = {"a": {1, 2}, "b": {1, 2}, "c": {1, 2}, "d": {1, 3, 4}}

    assert release_of(BRATS, "case-folders", held).name == "until 2022"


def test_the_decathlon_numbers_its_labels_otherwise():
    regions = release_of(BRATS, "decathlon", {"BRATS_001": {1, 2, 3}}).regions

    assert regions == {"WT": (1, 2, 3), "TC": (2, 3), "ET": (3,)}


def test_every_value_of_a_release_may_occur():
    assert label_values(BRATS, "case-folders") == (0, 1, 2, 3, 4)
    assert label_values(BRATS, "decathlon") == (0, 1, 2, 3)
    assert label_values(POLYP, "image-mask-folders") == (0, 1)


def test_a_task_without_releases_has_its_own_regions():
    release = release_of(POLYP, "image-mask-folders", {"a": {0, 1}})

    assert release.regions == {"polyp": (1,)}
    assert others_that_fit(POLYP, "image-mask-folders", release, {"a": {0, 1}}) == []


def test_the_folders_of_2015_have_a_fourth_tumour_label():
    held = {"HGG_brats_tcia_pat105_0001": {0, 1, 2, 3, 4}}

    regions = release_of(BRATS, "vsd", held).regions

    assert regions == {"WT": (1, 2, 3, 4), "TC": (1, 3, 4), "ET": (4,)}


@pytest.mark.parametrize(
    ("values", "names", "said"),
    [
        ({0, 1, 2, 3}, PED, "The labels 1 2 3 are read as in 'since 2023'; they would fit "
         "'since 2024, paediatric' too, with other regions."),
        ({0, 1, 2, 3, 4}, PED, ""),
        ({0, 1, 2, 3}, NEW, ""),
        ({0, 1, 2, 4}, OLD, ""),
        ({0, 1, 2}, OLD, ""),
    ],
)  # fmt: skip
def test_says_where_the_labels_could_mean_something_else(values, names, said):
    held = dict.fromkeys(names, values)
    release = release_of(BRATS, "case-folders", held)

    assert others_that_fit(BRATS, "case-folders", release, held) == [said] * bool(said)
