from pathlib import Path

import pytest

from inspire_med.cases.case import Case
from inspire_med.cases.splits import assign_folds, named_in, split_by_names
from inspire_med.errors import InputError


def cases(count, per_patient=1, sites=("",)):
    return tuple(
        Case(
            id=f"c{number:03d}",
            patient=f"p{number // per_patient:03d}",
            images={},
            shape=(4, 4),
            spacing_mm=(1.0, 1.0),
            label=Path("m.png"),
            site=sites[(number // per_patient) % len(sites)],
        )
        for number in range(count)
    )


def sizes_of(dealt):
    return [sum(case.fold == fold for case in dealt) for fold in range(5)]


def test_a_patient_is_never_parted():
    dealt = assign_folds(cases(60, per_patient=3), [0.0] * 60, folds=5, seed=0)

    for patient in {case.patient for case in dealt}:
        assert len({case.fold for case in dealt if case.patient == patient}) == 1
    assert sizes_of(dealt) == [12] * 5


def test_folds_are_alike_in_site_and_lesion_size():
    sizes = [0.001 * number for number in range(100)]

    dealt = assign_folds(cases(100, sites=("A", "B")), sizes, folds=5, seed=3)

    for fold in range(5):
        members = [
            (case, size) for case, size in zip(dealt, sizes, strict=True) if case.fold == fold
        ]
        assert sum(case.site == "A" for case, _ in members) == 10
        assert sum(size for _, size in members) / 20 == pytest.approx(0.0495, abs=0.005)


def test_the_seed_decides_and_nothing_else():
    once, again = (assign_folds(cases(30), [0.0] * 30, folds=5, seed=1) for _ in range(2))
    other = assign_folds(cases(30), [0.0] * 30, folds=5, seed=2)

    assert once == again
    assert once != other


def test_fewer_patients_than_folds_make_as_many_folds_as_patients():
    dealt = assign_folds(cases(2), [0.0, 0.0], folds=5, seed=0)

    assert sorted(case.fold for case in dealt) == [0, 1]


def test_one_patient_has_no_fold():
    assert assign_folds(cases(1), [0.0], folds=5, seed=0)[0].fold is None


def test_a_published_list_names_the_validation_cases(tmp_path):
    (tmp_path / "val.txt").write_text("c001\nc003.jpg\n\n")

    split = split_by_names(cases(5), tmp_path / "val.txt")

    assert [case.fold for case in split] == [None, 0, None, 0, None]


def test_refuses_a_list_that_names_strangers(tmp_path):
    (tmp_path / "val.txt").write_text("c001\nc999\n")

    with pytest.raises(InputError, match=r"val\.txt: names c999, which is not among the cases"):
        split_by_names(cases(5), tmp_path / "val.txt")


def test_refuses_an_empty_or_missing_list(tmp_path):
    (tmp_path / "val.txt").write_text("\n")

    with pytest.raises(InputError, match=r"val\.txt: names no case"):
        split_by_names(cases(5), tmp_path / "val.txt")
    with pytest.raises(InputError, match=r"no\.txt: no such file"):
        split_by_names(cases(5), tmp_path / "no.txt")


def test_reads_a_list_with_the_mark_and_the_line_ends_of_windows(tmp_path):
    (tmp_path / "val.txt").write_bytes(b"\xef\xbb\xbfc001\r\nc003\r\n")

    split = split_by_names(cases(5), tmp_path / "val.txt")

    assert [case.fold for case in split] == [None, 0, None, 0, None]


def test_a_list_may_name_volumes_with_their_suffix(tmp_path):
    (tmp_path / "val.txt").write_text("c001.nii.gz\nc003.nii\n")

    split = split_by_names(cases(5), tmp_path / "val.txt")

    assert [case.fold for case in split] == [None, 0, None, 0, None]


def test_names_are_ids_with_or_without_suffix(tmp_path):
    (tmp_path / "names.txt").write_text("a.png\n\n b \n")

    assert named_in(tmp_path / "names.txt", {"a", "b", "c"}) == {"a", "b"}
    with pytest.raises(InputError, match="names a, which is not among the cases"):
        named_in(tmp_path / "names.txt", {"b", "c"})
