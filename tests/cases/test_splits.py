from dataclasses import replace
from pathlib import Path

import pytest

from inspire_med.cases.case import Case
from inspire_med.cases.splits import (
    Split,
    assign_folds,
    leave_sites_out,
    split_cases,
)
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


def dealt_by_patient(some, sizes, *, folds, seed):
    return assign_folds(some, [case.patient for case in some], sizes, folds=folds, seed=seed)


def sizes_of(dealt):
    return [sum(case.fold == fold for case in dealt) for fold in range(5)]


def test_a_patient_is_never_parted():
    dealt = dealt_by_patient(cases(60, per_patient=3), [0.0] * 60, folds=5, seed=0)

    for patient in {case.patient for case in dealt}:
        assert len({case.fold for case in dealt if case.patient == patient}) == 1
    assert sizes_of(dealt) == [12] * 5


def test_folds_are_alike_in_site_and_lesion_size():
    sizes = [0.001 * number for number in range(100)]

    dealt = dealt_by_patient(cases(100, sites=("A", "B")), sizes, folds=5, seed=3)

    for fold in range(5):
        members = [
            (case, size) for case, size in zip(dealt, sizes, strict=True) if case.fold == fold
        ]
        assert sum(case.site == "A" for case, _ in members) == 10
        assert sum(size for _, size in members) / 20 == pytest.approx(0.0495, abs=0.005)


def test_the_seed_decides_and_nothing_else():
    once, again = (dealt_by_patient(cases(30), [0.0] * 30, folds=5, seed=1) for _ in range(2))
    other = dealt_by_patient(cases(30), [0.0] * 30, folds=5, seed=2)

    assert once == again
    assert once != other


def test_fewer_patients_than_folds_make_as_many_folds_as_patients():
    dealt = dealt_by_patient(cases(2), [0.0, 0.0], folds=5, seed=0)

    assert sorted(case.fold for case in dealt) == [0, 1]


def test_one_patient_has_no_fold():
    assert dealt_by_patient(cases(1), [0.0], folds=5, seed=0)[0].fold is None


def video(count, frames, sequences, patients=None, sites=("",)):
    """Frames in order, `frames` to a sequence."""
    return tuple(
        replace(
            case,
            sequence=sequences[number // frames],
            patient=(patients or sequences)[number // frames],
            site=sites[number // frames % len(sites)],
        )
        for number, case in enumerate(cases(count))
    )


def folds_of(dealt, what):
    """By patient, sequence or site: the folds of its cases."""
    return {
        getattr(each, what): {
            case.fold for case in dealt if getattr(case, what) == getattr(each, what)
        }
        for each in dealt
    }


def test_sequences_are_whole_though_a_patients_are_not():
    frames = video(60, 10, "abcdef", "ppqqrr")
    none = [set()] * 60

    by_patient = split_cases(frames, [0.0] * 60, none, Split(folds=3))
    by_sequence = split_cases(frames, [0.0] * 60, none, Split(folds=6, group_by="sequence"))

    assert all(len(folds) == 1 for folds in folds_of(by_patient, "patient").values())
    assert all(len(folds) == 1 for folds in folds_of(by_sequence, "sequence").values())
    assert {case.fold for case in by_sequence} == set(range(6))


def test_folds_of_sequences_of_unlike_length_hold_alike_many_frames():
    lengths = [3, 30, 4, 28, 5, 31, 2, 33, 4, 29]
    frames = tuple(
        replace(case, sequence=f"v{place}", patient=f"v{place}")
        for place, length in enumerate(lengths)
        for case in cases(length)
    )

    for seed in range(4):
        dealt = split_cases(frames, [0.0] * 169, [set()] * 169, Split(folds=2, seed=seed))
        assert abs(sizes_of(dealt)[0] - sizes_of(dealt)[1]) <= 31  # dealt blindly, up to 133


def test_what_shares_an_image_with_a_sequence_goes_with_it():
    frames = video(6, 1, "abcdef")
    images = [{b"x"}, {b"1"}, {b"2"}, {b"3"}, {b"4"}, {b"x"}]

    for seed in range(5):
        dealt = split_cases(
            frames, [0.0] * 6, images, Split(folds=5, seed=seed, group_by="sequence")
        )
        assert dealt[0].fold == dealt[5].fold


def test_cases_without_sequences_are_not_dealt_by_them():
    with pytest.raises(InputError, match="--group_by sequence: no case is known to be a frame"):
        split_cases(cases(4), [0.0] * 4, [set()] * 4, Split(group_by="sequence"))


def test_one_fold_a_site_leaves_each_out_once():
    dealt = leave_sites_out(cases(40, sites=("C1", "C3", "C2", "C1")), None)

    assert folds_of(dealt, "site") == {"C1": {0}, "C2": {1}, "C3": {2}}


def test_fewer_folds_than_sites_hold_alike_many_cases():
    sites = ["A"] * 50 + ["B"] * 30 + ["C"] * 15 + ["D"] * 10
    some = tuple(replace(case, site=site) for case, site in zip(cases(105), sites, strict=True))

    dealt = leave_sites_out(some, 2)

    assert folds_of(dealt, "site") == {"A": {0}, "B": {1}, "C": {1}, "D": {1}}
    assert folds_of(leave_sites_out(some, 9), "site").keys() == set("ABCD")
    assert {case.fold for case in leave_sites_out(some, 9)} == {0, 1, 2, 3}


def test_sites_must_be_known_and_several():
    with pytest.raises(InputError, match=r"--group_by site: every case is of one site \(A\), so"):
        leave_sites_out(cases(4, sites=("A",)), None)
    with pytest.raises(InputError, match="--group_by site: case c001 is of no known site; give"):
        leave_sites_out(cases(4, sites=("A", "")), None)


def test_folds_of_the_source_stay_and_a_named_split_goes_before_them(tmp_path):
    own = tuple(replace(case, fold=number) for number, case in enumerate(cases(3)))
    (tmp_path / "val.txt").write_text("c001\n")
    none = [set()] * 3

    assert split_cases(own, [0.0] * 3, none, Split()) == own
    named = split_cases(own, [0.0] * 3, none, Split(file=tmp_path / "val.txt"))
    assert [case.fold for case in named] == [None, 0, None]
    with pytest.raises(InputError, match="--folds: the source brings folds of its own"):
        split_cases(own, [0.0] * 3, none, Split(folds=2))
    with pytest.raises(InputError, match="--group_by: the source brings folds of its own"):
        split_cases(own, [0.0] * 3, none, Split(group_by="site"))
