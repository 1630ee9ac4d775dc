"""Case: is one case fit for use; if not, which of its files is at fault and why."""

from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from inspire_med.cases.align import (
    grid_problems,
    grid_sentence,
    lie_alike,
    read_grids,
    reference_channel,
)
from inspire_med.cases.case import Case
from inspire_med.cases.checking.finding import Finding, fault_of
from inspire_med.cases.checking.label import label_findings
from inspire_med.cases.checking.picture import look_at_picture, refuse_other_size
from inspire_med.cases.checking.scan import Reading, Scan
from inspire_med.cases.layouts.found import FoundCase, broken_sentence, is_broken
from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.imaging.labels import LabelMap, read_labels, refuse_others
from inspire_med.imaging.masks import Regions, values_of
from inspire_med.imaging.picture import is_picture
from inspire_med.tasks.task import Preparation

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Verdict:
    """What the check of one case found.

    Args:
        case: The case with shape and spacing, or None if it cannot be used.
        findings: All that was seen.
        values: Label values that occur in its label file.
        foreground: Share of labelled voxels, for balanced folds.
        signature: Perceptual hash of an image, to find near-duplicates; empty for volumes.
        fingerprints: Of the content of each image, to find twins.
        scans: What is known of each channel's file, to find what stands apart; none of pictures.
    """

    case: Case | None
    findings: tuple[Finding, ...] = ()
    values: frozenset[int] = frozenset()
    foreground: float = 0.0
    signature: bytes = b""
    fingerprints: frozenset[bytes] = frozenset()
    scans: tuple[tuple[str, Scan], ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each fault."""
        return tuple(each.sentence for each in self.findings if each.verdict == "fault")

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be decided about its files, by their names, one sentence each."""
        notes = (each for each in self.findings if each.verdict == "note")
        return tuple(replace(each, file=Path(each.file).name).sentence for each in notes)


@dataclass(frozen=True)
class Expectation:
    """What every case of a set must fulfil.

    Args:
        channels: Channels the network will read.
        values: Label values that may occur.
        fill_missing: Channels that a case lacks are filled with zeros and marked.
        preparation: Names the reference, and the channels that may lie on another grid.
    """

    channels: tuple[str, ...]
    values: tuple[int, ...]
    fill_missing: bool = False
    preparation: Preparation = field(default_factory=Preparation)


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


def check_all(
    cases: Sequence[FoundCase],
    expected: Expectation,
    workers: int,
    progress: Progress | None = None,
) -> list[Verdict]:
    """Check many cases, several at a time.

    Args:
        cases: The cases.
        expected: What each must fulfil.
        workers: Threads; reading leaves the interpreter free.
        progress: Is told after each case how many are done, and of how many.
    """
    verdicts: list[Verdict] = []
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for verdict in pool.map(lambda case: check_case(case, expected), cases):
            verdicts.append(verdict)
            if progress is not None:
                progress(len(verdicts), len(cases))
    return verdicts


def check_again(manifest: Manifest, progress: Progress) -> list[Verdict]:
    """Open every file of a manifest's cases once more.

    Args:
        manifest: The manifest.
        progress: Is told after each case how many are done, and of how many.
    """
    values = {0, *values_of(manifest.regions)}
    verdicts: list[Verdict] = []
    with ThreadPoolExecutor(2) as pool:
        for verdict in pool.map(lambda case: _check_again(case, manifest, values), manifest.cases):
            verdicts.append(verdict)
            progress(len(verdicts), len(manifest.cases))
    return verdicts


def empty_in(verdicts: Sequence[Verdict], regions: Regions) -> tuple[dict[str, list[str]], int]:
    """Ids of the cases in whose label each region is empty, and how many labels there are."""
    labels = [
        (verdict.case.id, verdict) for verdict in verdicts if verdict.case and verdict.case.label
    ]
    empty = {
        name: [case for case, verdict in labels if verdict.values.isdisjoint(values)]
        for name, values in regions.items()
    }
    return empty, len(labels)


def _check_again(case: Case, manifest: Manifest, values: Set[int]) -> Verdict:
    found = FoundCase(case.id, case.patient, case.images, case.label, case.site, case.components)
    channels = tuple(name for name in manifest.channels if name not in case.filled)
    preparation = manifest.task.preparation
    return check_case(found, Expectation(channels, tuple(sorted(values)), preparation=preparation))


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
    path = next(iter(found.images.values()))
    seen = look_at_picture(found.id, path)
    fit = Verdict(
        _case(found, seen.size, (1.0, 1.0), missing),
        seen.findings,
        signature=seen.signature,
        fingerprints=seen.fingerprint,
    )
    if found.label is None:
        return fit
    label = read_labels(found.label, expected.values)
    refuse_other_size(label, found.label, path, seen.size)
    refuse_others(label.labels, expected.values, label.name)
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
    reference = reference_channel(found.images, preparation)
    own = grids.get(reference)
    label = None
    if found.label is not None:
        try:
            label = read_labels(found.label, expected.values)
            refuse_others(label.labels, expected.values, label.name)
            grid = label.grid
            if own is not None and not (grid and lie_alike(grid, own)):
                problems.append(grid_sentence(found.label, grid, found.images[reference], own))
        except InputError as error:
            problems.append(str(error))
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
