"""Command: a data set found, checked and indexed (`python -m inspire_med.prepare ...`)."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import Namespace

from inspire_med.cli.command import run_command
from inspire_med.cli.options import refuse_odd_training
from inspire_med.cli.parser import CommandParser
from inspire_med.cli.progress import one_bar
from inspire_med.errors import InputError
from inspire_med.files import atomic_folder, refuse_existing
from inspire_med.tasks.find import task_named
from inspire_med.wording import counted

if TYPE_CHECKING:
    from inspire_med.cases.check import Verdict
    from inspire_med.cases.index import Index
    from inspire_med.cases.manifest import Manifest
    from inspire_med.tasks.task import Task

SHOWN = 10  # look-alike pairs named on screen


@dataclass(frozen=True)
class PrepareOptions:
    """Find, check and index a data set where it lies; make phantoms.

    Args:
        task: brats, isles or polyp; a YAML file of your own task; or what the source describes:
            `nnunet` (a raw folder, by its dataset.json) or `monai` (a datalist).
        out: manifest.json, or with --phantom a new folder.
        source: Folders of data sets; a datalist for `monai`.
        phantom: Make this many cases with known masks in --out instead.
        folds: Folds, patient-wise and balanced.
        seed: Of the folds and of the phantoms.
        cases: File of the ids, one a line, of the cases to use; by default all.
        split: File of case ids, one a line: they become fold 0 (validation).
        channels: Channels to use, in order; by default all there are.
        fill_missing: Fill a case's missing channels with zeros.
        register: ISLES: register FLAIR rigidly to DWI.
        skip_bad: Leave bad cases out, named.
        workers: Threads that open files.
        overwrite: Replace what --out names.
    """

    task: str
    out: Path
    source: tuple[Path, ...] = ()
    phantom: int | None = None
    folds: int = 5
    seed: int = 0
    cases: Path | None = None
    split: Path | None = None
    channels: tuple[str, ...] | None = None
    fill_missing: bool = False
    register: bool = False
    skip_bad: bool = False
    workers: int = 2
    overwrite: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, prepare, and answer with the exit status."""
    words = "Find, check and index a data set where it lies; make phantoms."
    parser = CommandParser(prog="inspire-med prepare", description=words)
    parser.add_argument("--config", action="config", help="YAML file with any of these options.")
    by_hand: set[str | int] = {"source", "channels", "skip_bad"}
    parser.add_class_arguments(PrepareOptions, as_group=False, skip=by_hand)
    add = parser.add_argument
    add("--source", action="append", metavar="DIR", help="Folder of a data set; may be repeated.")
    add("--channels", nargs="+", help="Channels to use, in order; by default all there are.")
    words = "Leave bad cases out, named."
    add("--skip_bad", "--skip-bad", type=bool, default=False, help=words)
    return run_command(parser, _prepare, arguments)


def _options(namespace: Namespace) -> PrepareOptions:
    values = vars(namespace)
    values.pop("config")
    source, channels = values["source"] or (), values["channels"]
    values["source"] = tuple(map(Path, [source] if isinstance(source, str) else source))
    values["channels"] = (channels,) if isinstance(channels, str) else channels and tuple(channels)
    return PrepareOptions(**values)


def _prepare(namespace: Namespace) -> None:
    options = _options(namespace)
    if options.folds < 1:
        raise InputError(f"--folds {options.folds}: not a number of folds; give 1 or more.")
    if options.workers < 1:
        raise InputError(f"--workers {options.workers}: not a number of threads; give 1 or more.")
    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: below zero; give 0 or more.")
    if options.register and not task_named(options.task, options.source).preparation.resampled:
        raise InputError(f"--register: {options.task} lies on one grid already; leave it out.")
    out = options.out
    if options.phantom is not None:
        _make(options, options.phantom)
        return
    if not options.source:
        raise InputError("--source: missing; give the data set's folder, or --phantom N.")
    if out.is_dir():
        raise InputError(f"{out}: a folder; give the manifest's file name, such as manifest.json.")
    refuse_existing(out, overwrite=options.overwrite)
    manifest = _index(options, options.source, out.parent.resolve())
    manifest.save(out, overwrite=options.overwrite)
    print(f"Written: {out}")


def _make(options: PrepareOptions, count: int) -> None:
    """Phantoms and their manifest, in a folder that appears whole."""
    from inspire_med.cases.phantom.make import beside_phantoms, make_phantom

    out = options.out
    refuse_existing(out, overwrite=options.overwrite)
    if out.is_file() or (out.is_dir() and beside_phantoms(out)):
        raise InputError(f"{out}: holds other things than phantoms; choose another --out.")

    def clear() -> None:
        if out.is_dir():
            shutil.rmtree(out)

    with atomic_folder(out, before_commit=clear) as folder:
        make_phantom(task_named(options.task), count, folder, seed=options.seed)
        manifest = _index(options, (folder,), folder.resolve())
        manifest.save(folder / "manifest.json")
    print(f"Written: {out / 'manifest.json'}")


def _index(options: PrepareOptions, sources: tuple[Path, ...], root: Path) -> "Manifest":
    from inspire_med.cases.index import Request, index_sources

    task = task_named(options.task, sources)
    refuse_odd_training(task)
    _refuse_odd_protocol(task)
    request = Request(
        task,
        sources,
        options.cases,
        options.channels,
        options.fill_missing,
        options.workers,
    )
    with one_bar("checking") as advance:
        index = index_sources(request, advance)
    _report_problems(index, skip_bad=options.skip_bad)
    manifest, pairs = index.manifest(
        root, folds=options.folds, seed=options.seed, split=options.split
    )
    manifest = replace(manifest, register=options.register)
    _summarise(manifest, index.verdicts)
    _warn_of_look_alikes(pairs)
    return manifest


def _refuse_odd_protocol(task: "Task") -> None:
    """Better now than after the trainings that it scores."""
    from inspire_med.evaluation.protocols import protocol

    try:
        protocol(task.protocol)
    except InputError as error:
        raise InputError(f"task {task.name}: field protocol: {error}") from None


def _report_problems(index: "Index", *, skip_bad: bool) -> None:
    for problem in index.problems:
        print(problem, file=sys.stderr)
    if index.problems and not skip_bad:
        raise InputError(
            f"{counted(len(index.problems), 'problem')} named above, nothing written; mend the "
            "files, or pass --skip_bad to leave these cases out."
        )


def _summarise(manifest: "Manifest", verdicts: "Sequence[Verdict]") -> None:
    from inspire_med.cases.check import empty_in

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
        lacking = f"; empty in {empty[name]:,} of {counted(labels, 'case')}" if empty[name] else ""
        print(f"region {name}: label {' '.join(map(str, values))}{lacking}")
        if labels and empty[name] == labels:
            print(
                f"warning: region {name} is empty in every case; no network can learn it",
                file=sys.stderr,
            )
    for fold in sorted({case.fold for case in cases if case.fold is not None}):
        print(f"fold {fold}: {counted(sum(case.fold == fold for case in cases), 'case')}")
    unfolded = sum(case.fold is None for case in cases)
    if unfolded:
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


if __name__ == "__main__":
    raise SystemExit(main())
