"""prepare: find, check and index a data set where it lies; make phantoms."""

import shutil
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspire_med.command import CommandParser, run_command
from inspire_med.errors import InputError
from inspire_med.files import atomic_folder, refuse_existing

if TYPE_CHECKING:
    from inspire_med.data.case import Manifest
    from inspire_med.data.index import Index

SHOWN = 10  # look-alike pairs named on screen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is `run_command`'s."""
    return run_command(_parser(), _prepare, arguments)


def _parser() -> CommandParser:
    parser = CommandParser(prog="inspire-med prepare", description=__doc__)
    add = parser.add_argument
    add("--task", type=str, required=True, help="brats, isles or polyp.")
    add("--source", type=str, action="append", help="Folder of a public set; may be repeated.")
    add("--out", type=str, required=True, help="manifest.json, or with --phantom a new folder.")
    add("--phantom", type=int, help="Make this many cases with known truth in --out instead.")
    add("--folds", type=int, default=5, help="Folds, patient-wise and balanced.")
    add("--seed", type=int, default=0, help="Of the folds and of the phantoms.")
    add("--split", type=str, help="File of case ids, one a line: they become fold 0 (validation).")
    add(
        "--channels", type=str, nargs="+", help="Channels to use, in order. Default: all there are."
    )
    add("--fill_missing", action="store_true", help="Fill a case's missing channels with zeros.")
    add("--register", action="store_true", help="ISLES: register FLAIR rigidly to DWI.")
    add("--skip_bad", "--skip-bad", action="store_true", help="Leave bad cases out, named.")
    add("--workers", type=int, default=2, help="Threads that open files.")
    add("--overwrite", action="store_true", help="Replace what --out names.")
    return parser


def _prepare(options: Any) -> None:
    if options.folds < 1:
        raise InputError(f"--folds {options.folds}: not a number of folds; give 1 or more.")
    if options.workers < 1:
        raise InputError(f"--workers {options.workers}: not a number of threads; give 1 or more.")
    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: below zero; give 0 or more.")
    if options.register and options.task != "isles":
        raise InputError(f"--register: {options.task} lies on one grid already; leave it out.")
    out = Path(options.out)
    if options.phantom is not None:
        _make(options, out)
        return
    if not options.source:
        raise InputError("--source: missing; give the data set's folder, or --phantom N.")
    if out.is_dir():
        raise InputError(f"{out}: a folder; give the manifest's file name, such as manifest.json.")
    refuse_existing(out, overwrite=options.overwrite)
    sources = tuple(Path(source) for source in options.source)
    manifest = _index(options, sources, out.resolve().parent)
    manifest.save(out, overwrite=options.overwrite)
    print(f"Written: {out}")


def _make(options: Any, out: Path) -> None:
    """Phantoms and their manifest, in a folder that appears whole."""
    from inspire_med.data.phantom.make import MARKER, make_phantom

    refuse_existing(out, overwrite=options.overwrite)
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file()):
        raise InputError(f"{out}: holds other things than phantoms; choose another --out.")

    def clear() -> None:
        if out.is_dir():
            shutil.rmtree(out)

    with atomic_folder(out, before_commit=clear) as folder:
        make_phantom(options.task, options.phantom, folder, seed=options.seed)
        manifest = _index(options, (folder,), folder.resolve())
        manifest.save(folder / "manifest.json")
    print(f"Written: {out / 'manifest.json'}")


def _index(options: Any, sources: tuple[Path, ...], root: Path) -> "Manifest":
    from inspire_med.data.index import Request, index_sources

    channels = None if options.channels is None else tuple(options.channels)
    request = Request(options.task, sources, channels, options.fill_missing, options.workers)
    with _progress("Checking") as advance:
        index = index_sources(request, advance)
    _report_problems(index, skip_bad=options.skip_bad)
    split = None if options.split is None else Path(options.split)
    manifest, pairs = index.manifest(root, folds=options.folds, seed=options.seed, split=split)
    manifest = replace(manifest, register=options.register)
    _summarise(manifest)
    _warn_of_look_alikes(pairs)
    return manifest


def _report_problems(index: "Index", *, skip_bad: bool) -> None:
    for problem in index.problems:
        print(problem, file=sys.stderr)
    if index.problems and not skip_bad:
        count = len(index.problems)
        raise InputError(
            f"{count} problem{'s' * (count > 1)} named above, nothing written; mend the files, or "
            "pass --skip_bad to leave these cases out."
        )


def _summarise(manifest: "Manifest") -> None:
    cases = manifest.cases
    labelled = sum(case.label is not None for case in cases)
    patients = len({case.patient for case in cases})
    print(f"{manifest.task}: {len(cases)} cases of {patients} patients, {labelled} with a label")
    print(f"channels: {' '.join(manifest.channels)}")
    for name, values in manifest.regions.items():
        print(f"region {name}: label {' '.join(map(str, values))}")
    for fold in sorted({case.fold for case in cases if case.fold is not None}):
        print(f"fold {fold}: {sum(case.fold == fold for case in cases)} cases")
    unfolded = sum(case.fold is None for case in cases)
    if unfolded:
        print(f"no fold: {unfolded} cases, never validated on")
    for note in manifest.notes:
        print(f"note: {note}")


def _warn_of_look_alikes(pairs: list[tuple[str, str]]) -> None:
    if not pairs:
        return
    print(
        f"warning: {len(pairs)} pairs of images look alike across folds; validation may flatter:",
        file=sys.stderr,
    )
    for first, second in pairs[:SHOWN]:
        print(f"warning: {first} and {second}", file=sys.stderr)


@contextmanager
def _progress(words: str) -> Generator[Callable[[int, int], None]]:
    """A progress bar on stderr that vanishes when done."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(words, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


if __name__ == "__main__":
    raise SystemExit(main())
