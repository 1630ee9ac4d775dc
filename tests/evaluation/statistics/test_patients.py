import pytest

from inspire_med.evaluation.statistics.patients import patients_note


@pytest.mark.parametrize("patients", [{}, {"a": "1"}, {"a": "1", "b": "2"}])
def test_a_patient_for_each_case_needs_no_note(patients):
    assert patients_note(patients) == ""


def test_cases_that_share_a_patient_are_said_to():
    note = patients_note({"a": "1", "b": "1", "c": "2"})

    assert note.startswith("3 cases of 2 patients (or videos): intervals and tests take cases as")
    assert note.endswith("the intervals are too narrow and p is too small.")


def test_one_patient_is_one():
    assert patients_note({"a": "1", "b": "1"}).startswith("2 cases of 1 patient (or video):")
