import pytest

from inspire_med.cases.layouts.bids import find
from inspire_med.cases.layouts.participants import sites_of
from inspire_med.errors import InputError
from inspire_med.tasks.isles import ISLES, ISLES_2026


@pytest.mark.parametrize("column", ["site", "center"])
@pytest.mark.parametrize("place", [".", "rawdata"])
def test_sites_are_those_of_the_table(tmp_path, place, column):
    table = tmp_path / place / "participants.tsv"
    table.parent.mkdir(exist_ok=True)
    table.write_text(f"participant_id\tage\t{column}\nsub-1\t50\tBern\nsub-2\t60\tn/a\nsub-3\t\t\n")

    assert sites_of(tmp_path) == {"sub-1": "Bern"}


@pytest.mark.parametrize("content", [None, "", "participant_id\tsite\n", "participant_id\nsub-1\n"])
def test_a_table_may_be_missing_or_say_nothing(tmp_path, content):
    if content is not None:
        (tmp_path / "participants.tsv").write_text(content)

    assert sites_of(tmp_path) == {}


def test_cases_of_a_subject_have_its_site_unless_their_names_say_one(tmp_path):
    (tmp_path / "participants.tsv").write_text(
        "participant_id\tsite\nsub-1\tBern\nsub-r001s002\tBern\n"
    )
    for name in ("sub-1_ses-1_dwi", "sub-1_ses-2_dwi", "sub-2_dwi", "sub-r001s002_ses-1_T1w"):
        (tmp_path / f"{name}.nii.gz").touch()

    found, named = find(ISLES, tmp_path), find(ISLES_2026, tmp_path)

    assert found is not None
    assert named is not None
    sites = {case.id: case.site for case in found.cases}
    assert (sites["sub-1_ses-1"], sites["sub-1_ses-2"], sites["sub-2"]) == ("Bern", "Bern", "")
    assert {case.id: case.site for case in named.cases}["sub-r001s002_ses-1"] == "R001"


def test_a_table_that_is_no_text_is_named(tmp_path):
    (tmp_path / "participants.tsv").write_bytes(b"\xff\xfe\0s")

    with pytest.raises(InputError, match=r"participants\.tsv: is UTF-16 text"):
        sites_of(tmp_path)
