"""Index: folders of public sets to a manifest, every file opened and checked once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inspire_med.cases.case import Case
from inspire_med.cases.checking.every_case import Progress, check_all
from inspire_med.cases.checking.finding import Finding, fault_of
from inspire_med.cases.checking.verdict import Expectation, Verdict
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.cases.layouts.recognise import edition_of, find_together
from inspire_med.cases.layouts.series_choice import with_named
from inspire_med.cases.leaks import find_leaks, refuse_leaks
from inspire_med.cases.look_alike import look_alikes
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.named_splits import named_in
from inspire_med.cases.published.splits import part_names, published_note, published_part
from inspire_med.cases.releases import label_values, others_that_fit, release_of, strangers
from inspire_med.cases.splits import Split, split_cases
from inspire_med.cases.twins import Twins, as_one_patient, find_twins
from inspire_med.errors import InputError
from inspire_med.imaging.labels import said_once
from inspire_med.imaging.picture import is_picture
from inspire_med.tasks.task import Release, Task
from inspire_med.wording import counted, listed


@dataclass(frozen=True)
class Request:
    """What to index and how.

    Args:
        task: What is segmented; an edition of it where the sources are of one.
        sources: Folders of public sets.
        names: Which cases to use: a part of a published split by its name, or a file of ids, one a
            line; None takes all.
        channels: Channels to use; None takes all, without optional ones that some case lacks.
        fill_missing: Keep channels that a case lacks, filled with zeros and marked.
        workers: Threads that open files.
        series: `CHANNEL=description, protocol or UID` of channels whose DICOM series are named.
    """

    task: Task
    sources: tuple[Path, ...]
    names: str | None = None
    channels: tuple[str, ...] | None = None
    fill_missing: bool = False
    workers: int = 1
    series: tuple[str, ...] = ()


@dataclass(frozen=True)
class Index:
    """The sources as they are: usable cases with what folds need, and what is wrong.

    Args:
        task: What is segmented.
        channels: Channels of the network's input.
        regions: Region name to label values.
        cases: Usable cases.
        verdicts: Of each of these cases.
        findings: All that was seen; the cases or files that faults name are left out.
        notes: What was decided or left out, one sentence each.
        checked: All cases that were opened, usable or not.
        expected: What each had to fulfil.
    """

    task: Task
    channels: tuple[str, ...]
    regions: Mapping[str, tuple[int, ...]]
    cases: tuple[Case, ...]
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    checked: tuple[tuple[FoundCase, Verdict], ...]
    expected: Expectation

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each fault."""
        return tuple(each.sentence for each in self.findings if each.verdict == "fault")

    def manifest(self, root: Path, split: Split) -> tuple[Manifest, list[tuple[str, str]]]:
        """The manifest with folds, and the pairs of look-alike images across them.

        Raises:
            InputError: If no usable case is left, the split does not fit the cases, or it lets a
                patient, a sequence or an image train and be tested on that is not allowed to.
        """
        if not self.cases:
            raise InputError(
                f"{self.task.name}: no usable case is left; mend the files named above."
            )
        sizes = [verdict.foreground for verdict in self.verdicts]
        images = [verdict.fingerprints for verdict in self.verdicts]
        cases = split_cases(self.cases, sizes, images, split)
        leaks = find_leaks(cases, [case.fold for case in cases], images)
        notes = refuse_leaks(leaks, split.allowed, "the split")
        if split.published is not None:
            notes.insert(0, published_note(cases, split.published))
        pairs = look_alikes(cases, [verdict.signature for verdict in self.verdicts])
        twins = find_twins(cases, images)
        notes = (*self.notes, *_twin_notes(twins), *notes)
        cases = as_one_patient(cases, images)
        return Manifest(self.task, self.channels, self.regions, cases, root, notes), pairs


def index_sources(request: Request, progress: Progress | None = None) -> Index:
    """Recognise the sources' layouts, open every file, and decide channels and regions.

    Raises:
        InputError: If a source has no known layout, two layouts or label tables are mixed, or a
            channel is unknown; also as `named_in`.
    """
    task = edition_of(request.task, request.sources)
    edition = [f"Read as the edition {task.name}."] if task != request.task else []
    found = find_together(with_named(task, request.series), request.sources)
    layout, cases = found.layout, _named(found.cases, request.names)
    _refuse_other_kind(task, cases)
    channels, channel_notes = _choose_channels(task, request, cases)
    labelled, unlabelled = _part_by_label(cases)
    findings = [fault_of(sentence) for sentence in (*found.problems, *unlabelled)]
    expected = Expectation(
        channels,
        label_values(task, layout),
        request.fill_missing,
        preparation=task.preparation,
    )
    verdicts = check_all(labelled, expected, request.workers, progress)
    findings += [finding for verdict in verdicts for finding in verdict.findings]
    good = [(v.case, v) for v in verdicts if v.case is not None]
    held = {case.id: verdict.values for case, verdict in good}
    release = release_of(task, layout, held) if good else Release("none", {})
    odd = strangers(release, held)
    findings += [_stranger(case, odd[case.id]) for case, _ in good if case.id in odd]
    good = [(case, verdict) for case, verdict in good if case.id not in odd]
    set_notes = (
        *edition,
        *found.notes,
        *others_that_fit(task, layout, release, {c.id: held[c.id] for c, _ in good}),
        *channel_notes,
        *_filled_notes([case for case, _ in good]),
        *_ignored_notes(task, [verdict for _, verdict in good]),
    )
    findings += [Finding("", "", "note", note.removesuffix(".")) for note in set_notes]
    return Index(
        task=task,
        channels=channels,
        regions=release.regions,
        cases=tuple(case for case, _ in good),
        verdicts=tuple(verdict for _, verdict in good),
        findings=tuple(findings),
        notes=(*set_notes, *said_once(note for _, verdict in good for note in verdict.notes)),
        checked=tuple(zip(labelled, verdicts, strict=True)),
        expected=expected,
    )


def _named(cases: Sequence[FoundCase], names: str | None) -> Sequence[FoundCase]:
    if names is None:
        return cases
    if names in part_names():
        return published_part(cases, names)
    wanted = named_in(Path(names), {case.id for case in cases})
    return [case for case in cases if case.id in wanted]


def _refuse_other_kind(task: Task, cases: Sequence[FoundCase]) -> None:
    for case in cases:
        if case.images and is_picture(case.images) != (task.spatial_dims == 2):
            kind = "a volume" if task.spatial_dims == 2 else "a picture"
            raise InputError(
                f"{next(iter(case.images.values()))}: {kind}, but the task {task.name} has "
                f"spatial_dims {task.spatial_dims} (volumes have 3, pictures 2); mend the task, or "
                "choose another --source."
            )


def _choose_channels(
    task: Task, request: Request, cases: Sequence[FoundCase]
) -> tuple[tuple[str, ...], list[str]]:
    if request.channels is not None:
        unknown = [name for name in request.channels if name not in task.channels]
        if unknown:
            raise InputError(
                f"channel {unknown[0]}: unknown; choose from {', '.join(task.channels)}."
            )
        name, count = Counter(request.channels).most_common(1)[0]
        if count > 1:
            raise InputError(f"option --channels: names {name} twice; name it once.")
        return request.channels, []
    dropped: list[str] = []
    notes: list[str] = []
    for name in () if request.fill_missing else task.optional:
        without = [case.id for case in cases if name not in case.images]
        if without:
            dropped.append(name)
            notes.append(
                f"The channel {name} is left out, because {len(without)} of {len(cases)} cases "
                f"lack it ({listed(without)}); --fill_missing keeps it."
            )
    return tuple(name for name in task.channels if name not in dropped), notes


def _part_by_label(cases: Sequence[FoundCase]) -> tuple[list[FoundCase], list[str]]:
    """Cases to check, and complaints of those that alone lack a label."""
    labelled = [case for case in cases if case.label is not None]
    if not labelled:
        return list(cases), []
    return labelled, [
        f"{next(iter(case.images.values())).parent}: case {case.id} has no label file and others "
        "have; add it, or move the case away."
        for case in cases
        if case.label is None and case.images
    ]


def _stranger(case: Case, why: str) -> Finding:
    return Finding(
        case.id, str(case.label), "fault", why, "mend the label, or prepare the case by itself"
    )


def _filled_notes(cases: Sequence[Case]) -> list[str]:
    return [
        f"Case {case.id} lacks {' and '.join(case.filled)}, filled with zeros by request."
        for case in cases
        if case.filled
    ]


def _ignored_notes(task: Task, verdicts: Sequence[Verdict]) -> list[str]:
    shares = [verdict.judged for verdict in verdicts if verdict.case and verdict.case.label]
    if task.preparation.ignore is None or not shares:
        return []
    count = sum(share < 1 for share in shares)
    median, least = 100 * np.median(shares), 100 * min(shares)
    return [
        f"Label {task.preparation.ignore} stands where nobody has judged, in {count:,} of "
        f"{counted(len(shares), 'case')}: judged are {median:.3g} % of a case's voxels (median; "
        f"least {least:.3g} %), and these alone teach and are scored."
    ]


def _twin_notes(twins: Sequence[Twins]) -> list[str]:
    if not twins:
        return []
    named = listed([f"{case} that of {other}" for case, other in twins], limit=10)
    return [f"The same image under two names, counted as one patient's: {named}."]
