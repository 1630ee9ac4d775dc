"""Data set: folders to a manifest, its faults named and its folds said."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from inspire_med.cases.checking.verdict import Verdict
from inspire_med.cases.checking.whole_set import empty_in
from inspire_med.cases.index import Index, Request, index_sources
from inspire_med.cases.manifest import Manifest
from inspire_med.cli.options import refuse_odd_training
from inspire_med.cli.progress import one_bar
from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import protocol
from inspire_med.preparing.check import write_check
from inspire_med.preparing.options import PrepareOptions
from inspire_med.preparing.repair import repair_set
from inspire_med.preparing.split import split_asked_for
from inspire_med.tasks.find import task_named
from inspire_med.tasks.task import Task
from inspire_med.wording import counted

SHOWN = 10  # look-alike pairs named on screen


def index_set(options: PrepareOptions, sources: Sequence[Path], root: Path) -> Manifest:
    """Find, check and split the cases in `sources`, and say what was found.

    Args:
        options: The request.
        sources: Folders of data sets.
        root: Folder that the manifest will lie in.

    Raises:
        InputError: If there is no case, or a fault that was not to be skipped.
    """
    split = split_asked_for(options)
    index = open_set(options, sources)
    if options.repair is not None:
        index = open_set(options, repair_set(index, options, options.repair))
    if options.check:
        write_check(index, tuple(sources), options.out)
    _report_problems(index, options)
    manifest, pairs = index.manifest(root, split)
    manifest = replace(manifest, register=options.register)
    _summarise(manifest, index.verdicts)
    _warn_of_look_alikes(pairs)
    return manifest


def open_set(options: PrepareOptions, sources: Sequence[Path]) -> Index:
    """Find the cases in `sources` and open every file of theirs.

    Raises:
        InputError: If there is no case, or the task is odd.
    """
    task = task_named(options.task, sources)
    refuse_odd_training(task)
    _refuse_odd_protocol(task)
    request = Request(
        task,
        tuple(sources),
        options.cases,
        options.channels,
        options.fill_missing,
        options.workers,
        options.channel,
    )
    with one_bar("checking") as advance:
        return index_sources(request, advance)


def _refuse_odd_protocol(task: Task) -> None:
    """Better now than after the trainings that it scores."""
    try:
        protocol(task.protocol)
    except InputError as error:
        raise InputError(f"task {task.name}: field protocol: {error}") from None


def _report_problems(index: Index, options: PrepareOptions) -> None:
    for problem in () if options.check else index.problems:  # else its table has named them
        print(problem, file=sys.stderr)
    if index.problems and not options.skip_bad:
        raise InputError(
            f"{counted(len(index.problems), 'problem')} named above, no manifest written; mend the "
            "files, or pass --skip_bad to leave these cases out."
        )


def _summarise(manifest: Manifest, verdicts: Sequence[Verdict]) -> None:
    cases = manifest.cases
    labelled = sum(case.label is not None for case in cases)
    patients = len({case.patient for case in cases})
    print(
        f"{manifest.task.name}: {counted(len(cases), 'case')} of {counted(patients, 'patient')}, "
        f"{labelled:,} with a label"
    )
    print(f"channels: {' '.join(manifest.channels)}")
    empty, labels = empty_in(verdicts, manifest.regions)
    for name, values in manifest.regions.items():
        count = len(empty[name])
        lacking = f"; empty in {count:,} of {counted(labels, 'case')}" if count else ""
        print(f"region {name}: label {' '.join(map(str, values))}{lacking}")
        if labels and count == labels:
            print(
                f"warning: region {name} is empty in every case; no network can learn it",
                file=sys.stderr,
            )
    for fold in sorted({case.fold for case in cases if case.fold is not None}):
        print(f"fold {fold}: {counted(sum(case.fold == fold for case in cases), 'case')}")
    unfolded = sum(case.fold is None for case in cases)
    if labelled and not manifest.folds:
        print(
            "no folds: every labelled case is of one patient or one video, which stays whole; add "
            "others, or train on all cases by --fold none"
        )
    elif unfolded:
        print(f"no fold: {counted(unfolded, 'case')}, never validated on")
    for note in manifest.notes:
        print(f"note: {note}")


def _warn_of_look_alikes(pairs: list[tuple[str, str]]) -> None:
    if not pairs:
        return
    print(
        f"warning: images look alike across folds, in {counted(len(pairs), 'pair')}; validation "
        "may flatter:",
        file=sys.stderr,
    )
    for first, second in pairs[:SHOWN]:
        print(f"warning: {first} and {second}", file=sys.stderr)
