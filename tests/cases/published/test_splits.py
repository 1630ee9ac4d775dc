from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from inspire_med.cases.case import Case
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.cases.layouts.recognise import find_together
from inspire_med.cases.leaks import find_leaks
from inspire_med.cases.published.sets import published_set
from inspire_med.cases.published.splits import (
    part_names,
    published_note,
    published_part,
    split_as_published,
    split_names,
)
from inspire_med.errors import InputError
from inspire_med.tasks.polyp import POLYP

CLINICDB, KVASIR = published_set("CVC-ClinicDB"), published_set("Kvasir-SEG")


def pictures(known, kind=Case, prefix=""):
    """All of a set's cases; ids may have its name before them, as where numbers clash."""
    more = {} if kind is FoundCase else {"shape": (288, 384), "spacing_mm": (1.0, 1.0)}
    return tuple(
        kind(
            id=f"{prefix}{name}",
            patient=row.get("sequence", name),
            images={"red": Path(f"{name}.jpg")},
            site=known.name,
            sequence=row.get("sequence", ""),
            **more,
        )
        for name, row in known.rows.items()
    )


def test_the_names_of_splits_and_their_parts():
    assert split_names() == ("kvasir-official", "pranet")
    assert set(part_names()) == {
        "kvasir-official-train",
        "kvasir-official-val",
        "pranet-train",
        "pranet-test",
    }


def test_kvasirs_own_split_is_880_to_120():
    split = split_as_published(pictures(KVASIR), "kvasir-official")

    assert Counter(case.fold for case in split) == {None: 880, 0: 120}
    assert published_note(split, "kvasir-official") == (
        "The split kvasir-official, as published: Kvasir-SEG 880 train, 120 val."
    )


def test_pranets_split_is_of_two_sets_whatever_their_ids():
    both = pictures(KVASIR) + pictures(CLINICDB, prefix="CVC-ClinicDB-")

    split = split_as_published(both, "pranet")

    assert Counter((case.site, case.fold) for case in split) == {
        ("Kvasir-SEG", None): 900,
        ("Kvasir-SEG", 0): 100,
        ("CVC-ClinicDB", None): 550,
        ("CVC-ClinicDB", 0): 62,
    }
    assert published_note(split, "pranet") == (
        "The split pranet, as published: Kvasir-SEG 900 train, 100 test; CVC-ClinicDB 550 train, "
        "62 test; not there: ETIS-LaribPolypDB, CVC-ColonDB, CVC-300."
    )


def test_sets_that_are_tested_on_alone_are_fold_0():
    etis = published_set("ETIS-LaribPolypDB")

    split = split_as_published(pictures(KVASIR) + pictures(etis), "pranet")

    assert {case.fold for case in split if case.site == etis.name} == {0}


def test_a_missing_picture_is_named():
    some = [case for case in pictures(CLINICDB) if case.id != "14"]

    with pytest.raises(
        InputError, match="--split pranet: 1 picture of CVC-ClinicDB not there, such as 14; give"
    ):
        split_as_published(some, "pranet")


def test_a_case_of_another_set_is_named():
    with pytest.raises(InputError, match=r"--split kvasir-official: 1.jpg is of no set that it kn"):
        split_as_published(pictures(KVASIR) + pictures(CLINICDB), "kvasir-official")
    strange = replace(pictures(KVASIR)[0], images={"red": Path("strange.jpg")})
    with pytest.raises(InputError, match="strange.jpg is of no set that it knows"):
        split_as_published([*pictures(KVASIR), strange], "pranet")


def test_a_part_is_of_the_sets_that_are_there():
    found = (*pictures(CLINICDB, FoundCase), FoundCase("own", "own", {"red": Path("1.png")}))

    assert len(published_part(found, "pranet-test")) == 62
    assert len(published_part(found, "pranet-train")) == 550
    assert len(published_part([*found, *pictures(KVASIR, FoundCase)], "pranet-test")) == 162
    with pytest.raises(
        InputError, match="--cases kvasir-official-val: no picture of Kvasir-SEG is"
    ):
        published_part(found, "kvasir-official-val")
    with pytest.raises(InputError, match="--cases pranet-test: 61 pictures of CVC-ClinicDB not th"):
        published_part(found[13:14], "pranet-test")


@pytest.mark.slow
def test_pranets_leak_is_found_in_the_real_files(real_data):
    """All 26 sequences that PraNet's ClinicDB test frames are of have frames that train."""
    polyp = real_data / "polyp"
    found = find_together(POLYP, [polyp / "Kvasir-SEG", polyp / "CVC-ClinicDB"])
    assert found.notes == found.problems == ()
    cases = [
        Case(each.id, each.patient, each.images, (1, 1), (1.0, 1.0), each.label, each.site)
        for each in found.cases
    ]
    cases = [
        replace(case, sequence=each.sequence) for case, each in zip(cases, found.cases, strict=True)
    ]

    split = split_as_published(cases, "pranet")

    (leak,) = find_leaks(split, [case.fold for case in split], [set()] * len(split))
    assert (leak.kind, leak.leaking, leak.tested) == ("sequence", 26, 26)
