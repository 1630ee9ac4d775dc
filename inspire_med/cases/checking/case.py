"""Case: is one case fit for use; if not, which of its files is at fault and why."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from inspire_med.cases.align import (
    grid_problems,
    grid_sentence,
    lie_alike,
    read_grids,
    reference_channel,
)
from inspire_med.cases.case import Case
from inspire_med.cases.checking.finding import fault_of
from inspire_med.cases.checking.label import label_findings, read_label
from inspire_med.cases.checking.picture import (
    look_at_picture,
    refuse_odd_parts,
    size_problems,
)
from inspire_med.cases.checking.scan import Reading
from inspire_med.cases.checking.verdict import Expectation, Verdict
from inspire_med.cases.layouts.found import FoundCase, broken_sentence, is_broken
from inspire_med.errors import InputError
from inspire_med.imaging.labels import LabelMap
from inspire_med.imaging.picture import is_picture
from inspire_med.imaging.volume import read_grid


def check_case(found: FoundCase, expected: Expectation) -> Verdict:
    """Open every file of a case and say everything that is wrong with it, not only the first."""
    broken = dict.fromkeys(broken_sentence(path) for path in found.files if is_broken(path))
    if broken:
        return _refused(found, broken)
    missing = tuple(name for name in expected.channels if name not in found.images)
    if missing and not (expected.fill_missing and len(missing) < len(expected.channels)):
        return _refused(found, [_missing_sentence(found, missing)])
    look = _check_picture if is_picture(found.images) else _check_volumes
    try:
        return look(found, expected, missing)
    except InputError as error:
        return _refused(found, [str(error)])
    except OSError as error:  # of a file that goes while it is looked at
        place = error.filename or found.files[0]
        return _refused(found, [f"{place}: {error.strerror}; check that the file stays there."])


def _refused(found: FoundCase, sentences: Sequence[str] | dict[str, None]) -> Verdict:
    return Verdict(None, tuple(fault_of(each, found.id, found.files) for each in sentences))


def _missing_sentence(found: FoundCase, missing: tuple[str, ...]) -> str:
    place = next(iter(found.images.values()), found.label)
    folder = found.id if place is None else f"{place.parent}"
    return (
        f"{folder}: case {found.id} lacks {' and '.join(missing)}; add the file, leave the channel "
        "out with --channels, or fill it with --fill_missing."
    )


def _check_picture(found: FoundCase, expected: Expectation, missing: tuple[str, ...]) -> Verdict:
    seen = {path: look_at_picture(found.id, path) for path in dict.fromkeys(found.images.values())}
    refuse_odd_parts(seen)
    path, first = next(iter(seen.items()))
    fit = Verdict(
        _case(found, first.size, (1.0, 1.0), missing),
        tuple(finding for each in seen.values() for finding in each.findings),
        signature=first.signature,
        fingerprints=frozenset[bytes]().union(*(each.fingerprint for each in seen.values())),
    )
    if found.label is None:
        return fit
    label, problems = read_label(found.label, expected)
    problems += size_problems(label, found.label, path, first.size)
    if problems or label is None:
        return _refused(found, problems)
    return _labelled(fit, label, found.label, outside=0.0)


def _check_volumes(found: FoundCase, expected: Expectation, missing: tuple[str, ...]) -> Verdict:
    preparation, reading = expected.preparation, Reading()
    grids, problems = read_grids(
        found,
        expected.channels,
        preparation,
        lambda name: reading.read(name, found.images[name], found.components.get(name)),
    )
    problems += grid_problems(found, grids, preparation)
    reference = reference_channel(found.images, expected.channels, preparation)
    own = grids.get(reference)
    label = None
    if found.label is not None:
        label, said = read_label(found.label, expected)
        problems += said
        with suppress(InputError):  # of a label that cannot be read, which is said already
            grid = read_grid(found.label) if label is None else label.grid
            if own is not None and not (grid and lie_alike(grid, own)):
                problems.append(grid_sentence(found.label, grid, found.images[reference], own))
    if problems or own is None:
        return _refused(found, problems)
    prints = [scan.fingerprint for scan in reading.scans.values()]
    fit = Verdict(
        _case(found, own.shape, own.spacing_mm, missing),
        fingerprints=frozenset[bytes]().union(*prints),
        scans=tuple(reading.scans.items()),
    )
    if label is None or label.grid is None or found.label is None:
        return fit
    return _labelled(fit, label, found.label, outside=reading.outside(label.labels, label.grid))


def _labelled(fit: Verdict, label: LabelMap, path: Path, *, outside: float) -> Verdict:
    """The verdict of a case that is fit for use, with what its label shows."""
    case = fit.case.id if fit.case else ""
    return replace(
        fit,
        findings=(*fit.findings, *label_findings(case, path, label, outside)),
        values=label.values,
        foreground=float((label.labels > 0).mean()),
        judged=1.0 if label.judged is None else float(label.judged.mean()),
    )


def _case(
    found: FoundCase, shape: Sequence[int], spacing_mm: tuple[float, ...], filled: tuple[str, ...]
) -> Case:
    return Case(
        id=found.id,
        patient=found.patient,
        images=found.images,
        shape=tuple(shape),
        spacing_mm=spacing_mm,
        label=found.label,
        site=found.site,
        fold=found.fold,
        components=found.components,
        filled=filled,
        sequence=found.sequence,
    )
