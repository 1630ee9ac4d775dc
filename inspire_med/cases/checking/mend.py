"""Mend: the files of one case as they should be, and which of them know no way."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from inspire_med.cases.align import reference_channel
from inspire_med.cases.checking.finding import Finding
from inspire_med.cases.checking.mend_picture import mend_mask, mend_picture, upright_size
from inspire_med.cases.checking.mend_volume import Mended, Place, mend_label, mend_scan
from inspire_med.cases.checking.verdict import Expectation
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.errors import InputError
from inspire_med.imaging.picture import is_picture, picture_size
from inspire_med.imaging.volume import is_volume

Mender = Callable[[], Mended]


def with_ways(
    findings: Iterable[Finding],
    cases: Sequence[FoundCase],
    expected: Expectation,
    orientations: Mapping[str, str],
) -> list[Finding]:
    """The findings, those marked that a repair knows a way for: tried in memory, not guessed.

    Args:
        findings: Of single cases and of the set.
        cases: All that were opened.
        expected: What each must fulfil.
        orientations: As for `mend_case`.
    """
    findings = list(findings)
    labels = {str(case.label) for case in cases if case.label and is_volume(case.label)}
    ways: set[str] = set()
    doubtful = {each.case for each in findings if _may_have_a_way(each, labels)}
    for case in cases:
        if case.id in doubtful:
            mended, _ = mend_case(case, expected, orientations)
            ways |= {str(path) for path, work in mended.items() if work.done}
    return [
        replace(each, repairable=True)
        if each.file in ways and _may_have_a_way(each, labels)
        else each
        for each in findings
    ]


def _may_have_a_way(finding: Finding, labels: Collection[str]) -> bool:
    """Faults, and what the reader of a volume's labels had to decide; warnings are for people."""
    return finding.verdict == "fault" or (finding.verdict == "note" and finding.file in labels)


def mend_case(
    found: FoundCase, expected: Expectation, orientations: Mapping[str, str]
) -> tuple[dict[Path, Mended], list[str]]:
    """What became of the files that a network would read, and a sentence for each without a way.

    Args:
        found: The case.
        expected: What it must fulfil.
        orientations: What its set has, by channel; any other keeps its own.
    """
    mended: dict[Path, Mended] = {}
    problems: list[str] = []
    try:
        menders = _menders(found, expected, orientations)
    except (InputError, OSError) as error:
        return {}, [_sentence(error, found.files[0])]
    for path, mend in menders.items():
        try:
            mended[path] = mend()
        except (InputError, OSError) as error:
            problems.append(_sentence(error, path))
    return mended, problems


def _sentence(error: InputError | OSError, path: Path) -> str:
    if isinstance(error, InputError):
        return str(error)
    return f"{error.filename or path}: {error.strerror}; check that the file stays there."


def _menders(
    found: FoundCase, expected: Expectation, orientations: Mapping[str, str]
) -> dict[Path, Mender]:
    label = found.label
    if is_picture(found.images):
        pictures = dict.fromkeys(found.images.values())
        menders: dict[Path, Mender] = {
            each: partial(mend_picture, each, label) for each in pictures
        }
        if label is not None:
            picture = next(iter(pictures))
            menders[label] = lambda: mend_mask(label, _size_of(picture, label))
        return menders
    first = reference_channel(found.images, expected.channels, expected.preparation)
    place = Place.of(found.images[first], orientations.get(first))
    names = [name for name in (first, *expected.channels) if name in found.images]
    free = expected.preparation.resampled
    menders = {
        found.images[name]: _scan_mender(
            found.images[name],
            replace(place, codes=orientations.get(name)),
            on_grid=name not in free,
        )
        for name in names
    }
    if label is not None:
        menders[label] = lambda: mend_label(
            label, place, expected.values, expected.preparation.ignore
        )
    return menders


def _scan_mender(path: Path, place: Place, *, on_grid: bool) -> Mender:
    return lambda: mend_scan(path, place, on_grid=on_grid)


def _size_of(picture: Path, mask: Path) -> tuple[int, int]:
    """(height, width) of the mended picture."""
    stored = picture_size(picture)
    return stored if upright_size(mask) == stored else upright_size(picture)
