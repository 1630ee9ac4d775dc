import pytest

from inspire_med.cases.releases import label_values, others_that_fit, release_of
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
    assert release_of(BRATS, "case-folders", values, names).regions == expected


def test_refuses_years_mixed():
    with pytest.raises(
        InputError, match="the values 1 2 3 4 in .*BraTS2021_00000 fit no .*by itself"
    ):
        release_of(BRATS, "case-folders", {0, 1, 2, 3, 4}, OLD)


@pytest.mark.parametrize("names", [OLD + NEW, NEW + PED])
def test_refuses_releases_in_which_4_is_another_thing(names):
    with pytest.raises(
        InputError,
        match="labels: the values 1 2 4 in cases such as .*BraTS-",
    ):
        release_of(BRATS, "case-folders", {0, 1, 2, 4}, names)


def test_the_decathlon_numbers_its_labels_otherwise():
    regions = release_of(BRATS, "decathlon", {1, 2, 3}, ["BRATS_001"]).regions

    assert regions == {"WT": (1, 2, 3), "TC": (2, 3), "ET": (3,)}


def test_every_value_of_a_release_may_occur():
    assert label_values(BRATS, "case-folders") == (0, 1, 2, 3, 4)
    assert label_values(BRATS, "decathlon") == (0, 1, 2, 3)
    assert label_values(POLYP, "image-mask-folders") == (0, 1)


def test_a_task_without_releases_has_its_own_regions():
    release = release_of(POLYP, "image-mask-folders", {0, 1}, ["a"])

    assert release.regions == {"polyp": (1,)}
    assert others_that_fit(POLYP, "image-mask-folders", release, {0, 1}, ["a"]) == []


def test_the_folders_of_2015_have_a_fourth_tumour_label():
    names = ["HGG_brats_tcia_pat105_0001"]

    regions = release_of(BRATS, "vsd", {0, 1, 2, 3, 4}, names).regions

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
    release = release_of(BRATS, "case-folders", values, names)

    assert others_that_fit(BRATS, "case-folders", release, values, names) == [said] * bool(said)
