import pytest

from inspire_med.cases.case import Case
from inspire_med.cases.leaks import find_leaks, kinds_named, refuse_leaks
from inspire_med.errors import InputError


def case(name, patient="", sequence=""):
    return Case(name, patient or name, {}, (4, 4), (1.0, 1.0), sequence=sequence)


def leaks(cases, folds, images=None):
    found = find_leaks(cases, folds, images or [set() for _ in cases])
    return {leak.kind: (leak.leaking, leak.tested) for leak in found}


def test_a_split_by_patient_and_sequence_has_no_leak():
    cases = [case("a", "p", "v"), case("b", "p", "v"), case("c", "q", "w"), case("d")]

    assert leaks(cases, [0, 0, 1, None]) == {}


def test_patients_that_train_and_are_tested_are_counted_among_those_tested():
    cases = [case("a", "p"), case("b", "p"), case("c", "q"), case("d", "r"), case("e", "r")]

    assert leaks(cases, [0, None, 0, None, None]) == {"patient": (1, 2)}
    assert leaks(cases, [0, 1, 0, 1, 1]) == {"patient": (1, 3)}
    assert leaks(cases, [None] * 5) == {}


def test_frames_of_one_sequence_leak_as_a_sequence_and_not_as_a_patient_too():
    frames = [case("1", "v1", "v1"), case("2", "v1", "v1"), case("3", "v2", "v2")]

    assert leaks(frames, [0, None, 0]) == {"sequence": (1, 2)}


def test_clips_of_one_patient_leak_as_a_patient_and_not_as_a_sequence():
    clips = [case("1", "case1", "case1_1"), case("2", "case1", "case1_2")]

    assert leaks(clips, [0, None]) == {"patient": (1, 1)}


def test_a_patient_whose_clips_and_whose_frames_are_parted_leaks_twice():
    clips = [case("1", "p", "a"), case("2", "p", "a"), case("3", "p", "b")]

    assert leaks(clips, [0, 1, 1]) == {"patient": (1, 1), "sequence": (1, 2)}


def test_patients_called_as_their_case_are_nobody():
    """Most sets number their files from 1: `1` of one is not `1` of another."""
    assert leaks([case("1"), case("1")], [None, "test"]) == {}


def test_images_on_both_sides_are_found():
    cases = [case("a"), case("b"), case("c")]

    assert leaks(cases, [0, None, 0], [{b"x"}, {b"x"}, {b"y"}]) == {"duplicate": (1, 2)}
    assert leaks(cases, [0, None, 0], [{b"x"}, {b"y"}, {b"x"}]) == {}


def test_a_leak_is_refused_with_an_example_unless_its_kind_is_allowed():
    frames = [case("1", "v1", "v1"), case("2", "v1", "v1")]
    found = find_leaks(frames, [0, None], [{b"x"}, {b"x"}])

    with pytest.raises(
        InputError,
        match=r"^the split: 1 of the 1 sequence tested on is also trained on, such as v1 \(cases 1 "
        r"and 2\); keep each on one side, or pass --allow_leak sequence, which every report",
    ):
        refuse_leaks(found, (), "the split")
    with pytest.raises(InputError, match="the 1 image tested on .* such as that of cases 1 and 2;"):
        refuse_leaks(found, ("sequence", "patient"), "the split")

    notes = refuse_leaks(found, ("sequence", "duplicate"), "the split")
    assert [note.partition(",")[0] for note in notes] == ["A leak"] * 2
    assert "1 of the 1 sequence tested on is also trained on, such as v1" in notes[0]
    assert refuse_leaks((), ("sequence",), "the split") == []


def test_kinds_are_read_from_words():
    assert kinds_named("") == frozenset()
    assert kinds_named("sequence, duplicate") == {"sequence", "duplicate"}
    with pytest.raises(InputError, match="--allow_leak: sequences is no kind of leak; did you mea"):
        kinds_named("patient,sequences")
    with pytest.raises(InputError, match="xyz is no kind of leak; choose from patient, sequence, "):
        kinds_named("xyz")


def test_a_patient_is_known_by_any_case_that_is_called_otherwise():
    sessions = [case("sub-01"), case("sub-01_ses-02", "sub-01"), case("sub-02")]

    assert leaks(sessions, [0, None, None]) == {"patient": (1, 1)}


def test_cases_that_are_numbered_alike_are_no_patient():
    assert leaks([case("1"), case("1"), case("2")], [0, None, 0]) == {}
