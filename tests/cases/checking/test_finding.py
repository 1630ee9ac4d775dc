from pathlib import Path

import pytest

from inspire_med.cases.checking.finding import Finding, fault_of, worst_first


@pytest.mark.parametrize(
    ("sentence", "file", "cause", "remedy"),
    [
        ("/a/x.nii: truncated; fetch it again.", "/a/x.nii", "truncated", "fetch it again"),
        ("/a: b/x.nii: truncated; fetch it.", "/a: b/x.nii", "truncated", "fetch it"),
        ("m.png: not its size; is it the mask?", "m.png", "not its size", "is it the mask?"),
        ("m.png: one; two; three.", "m.png", "one; two", "three"),
        ("m.png: odd.", "m.png", "odd", ""),
    ],
)
def test_a_sentence_is_taken_apart_and_put_together_again(sentence, file, cause, remedy):
    found = fault_of(sentence, "c", [Path("/a: b/x.nii")])

    assert found == Finding("c", file, "fault", cause, remedy)
    assert found.sentence == sentence


def test_faults_come_first_and_the_order_of_each_stays():
    grades = ["note", "fault", "warning", "note", "fault"]
    findings = [Finding(str(n), "", grade, "") for n, grade in enumerate(grades)]

    assert [each.case for each in worst_first(findings)] == ["1", "4", "2", "0", "3"]
