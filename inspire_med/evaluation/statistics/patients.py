"""Patients: what to say where several cases are of one patient."""

from collections.abc import Mapping


def patients_note(patients: Mapping[str, str]) -> str:
    """A sentence where there are fewer patients than cases; empty where each case has its own.

    Args:
        patients: The patient (or video) of each case, by case id.
    """
    number = len(set(patients.values()))
    if number == len(patients):
        return ""
    thing = "patient (or video)" if number == 1 else "patients (or videos)"
    return (
        f"{len(patients):,} cases of {number:,} {thing}: intervals and tests take cases as "
        "independent, so the intervals are too narrow and p is too small."
    )
