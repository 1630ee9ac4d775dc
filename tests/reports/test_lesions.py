import math

import pytest

from inspire_med.evaluation.result import CaseScores, Lesion, RegionResult
from inspire_med.reports.lesions import Listed, Third, choose, count_lesions

PLACE = (1.0, 2.0, 3.0)


def lesion(kind, size, dice=math.nan, counted=True):
    return Lesion(kind, size, PLACE, dice, counted=counted)


def test_counts_by_hand():
    found = count_lesions(
        [
            lesion("matched", 90.0, 0.8),
            lesion("matched", 60.0, 0.6),
            lesion("missed", 30.0, 0.0),
            lesion("missed", 5.0, 0.0, counted=False),
            lesion("spurious", 7.0),
        ]
    )

    assert (found.matched, found.missed, found.spurious, found.uncounted) == (2, 1, 1, 1)
    assert found.mean_dice == pytest.approx(0.7)
    assert found.thirds == (Third(30.0, 1, 0), Third(60.0, 1, 1), Third(90.0, 1, 1))


def test_thirds_are_of_the_references_lesions_in_order_of_size():
    found = count_lesions(
        [lesion("matched" if size > 4 else "missed", float(size)) for size in range(1, 10)]
        + [lesion("spurious", 1000.0)]
    )

    assert found.thirds == (Third(3.0, 3, 0), Third(6.0, 3, 2), Third(9.0, 3, 3))


def test_lesions_of_one_size_stay_together():
    assert count_lesions([lesion("matched", 5.0, 1.0)] * 6).thirds == (Third(5.0, 6, 6),)


def test_no_lesions_have_no_thirds_and_no_dice():
    found = count_lesions([lesion("spurious", 5.0)])

    assert found.thirds == ()
    assert found.mean_dice is None


def test_the_smallest_spurious_lesions_are_left_out_first():
    lesions = [
        Listed("a", "WT", lesion(kind, size))
        for kind, size in (
            ("spurious", 3.0),
            ("matched", 1.0),
            ("spurious", 9.0),
            ("missed", 2.0),
            ("spurious", 5.0),
        )
    ]

    shown, left_out = choose(lesions, 3)

    assert [each.lesion.size for each in shown] == [1.0, 9.0, 2.0]  # in their own order
    assert sorted(each.lesion.size for each in left_out) == [3.0, 5.0]


def test_then_the_smallest_of_the_reference():
    lesions = [Listed("a", "WT", lesion(*each)) for each in (("missed", 1.0), ("matched", 4.0))]

    assert choose(lesions, 1)[0] == [lesions[1]]


def test_what_is_not_listed_is_said_and_yet_counted(section_of):
    many = tuple(lesion("spurious", float(size)) for size in range(1, 2501))
    scores = {"dice": 0.5}
    cases = [CaseScores("a", {"WT": RegionResult(scores, (lesion("missed", 0.5, 0.0), *many))})]

    found = section_of("lesions", cases)

    assert found.html.count("<tr>") == 1 + 1 + 2000  # headings of both tables, rows
    assert (
        "2,000 of 2,501 lesions, one by one; not listed: the 501 smallest spurious ones "
        "(up to 501 mm³)" in found.text
    )
    assert "WT 0 1 2,500" in found.text


def test_a_protocol_without_lesions_has_no_such_section(section_of):
    assert section_of("lesions", [CaseScores("a", {"WT": RegionResult({"dice": 1.0})})]).html == ""


def test_colours_follow_the_order_of_the_regions(section_of):
    scores = {"dice": 0.5}
    regions = {name: RegionResult(scores) for name in ("WT", "TC")}
    regions["ET"] = RegionResult(scores, (lesion("missed", 1.0, 0.0),))

    found = section_of("lesions", [CaseScores("a", regions)])

    assert 'class="mark region2"><td>ET' in found.html
    assert "WT 0 0 0 – –" in found.text
