"""Inputs: the cases that are to be predicted, and the files that they go to."""

import sys
import zipfile
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from inspire_med.cases.case import Case
from inspire_med.cases.layouts import datalist
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.cases.layouts.recognise import find_inputs, named_files
from inspire_med.cases.layouts.series_choice import by_channel, with_named
from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.fetching.unpack import unpack
from inspire_med.imaging.output import file_names
from inspire_med.imaging.picture import is_picture
from inspire_med.imaging.volume import bare_name
from inspire_med.inference.predictor import Predictor
from inspire_med.predicting.doubt_files import FOLDER
from inspire_med.predicting.options import PredictOptions
from inspire_med.predicting.overlays import FOLDER as OVERLAYS
from inspire_med.predicting.segmentations import FOLDER as DICOM_SEG
from inspire_med.tasks.datalist import is_datalist
from inspire_med.tasks.task import Task
from inspire_med.wording import counted


@contextmanager
def unpacked(options: PredictOptions) -> Generator[PredictOptions]:
    """The options with a zip's content in place of the zip, for as long as it is needed.

    Raises:
        InputError: As `unpack`.
    """
    if options.input is None or not zipfile.is_zipfile(options.input):
        yield options
        return
    with TemporaryDirectory(prefix="inspire-med-") as folder:
        unpack(options.input, Path(folder))
        yield replace(options, input=Path(folder))


def find_cases(options: PredictOptions, predictor: Predictor) -> Sequence[Case | FoundCase]:
    """What is to be predicted; all of it can be, by its names."""
    task, source = predictor.card.task, options.input
    if source is None:
        _refuse_fold(options, "--channel")
        return [_case_of_files(task, options.channel)]
    listed = datalist.NAME in task.layouts and is_datalist(source)
    if source.suffix != ".json" or listed:
        _refuse_fold(options, str(source))
        found = find_inputs(with_named(task, options.channel), source)
        for note in found.notes:
            print(note, file=sys.stderr)
        refuse_problems(found.problems)
        return found.cases
    if options.channel:
        raise InputError(f"--channel: {source} names the files already; leave out one of the two.")
    manifest = Manifest.load(source)
    if manifest.task.name != task.name:
        raise InputError(
            f"{source}: is for task {manifest.task.name}, but the model is for {task.name}; choose "
            "another --run."
        )
    predictor.paint_as(manifest.regions, source)
    return manifest.cases if options.fold is None else manifest.fold(options.fold)[1]


def _refuse_fold(options: PredictOptions, what: str) -> None:
    if options.fold is not None:
        raise InputError(f"--fold: {what} has no folds; give a manifest, or no fold.")


def _case_of_files(task: Task, words: Sequence[str]) -> FoundCase:
    """A case of files that were named one by one, called as the first is."""
    files = {name: Path(value) for name, value in by_channel(task, words).items()}
    for name, path in files.items():
        if not path.is_file():
            raise InputError(
                f"--channel {name}={path}: no such file; check the path, or give --input beside it "
                "if it names a series of a DICOM study."
            )
    ordered = {name: files[name] for name in task.channels if name in files}
    name = bare_name(next(iter(ordered.values())))
    return replace(named_files(task, ordered), id=name, patient=name)


def without(
    names: Sequence[str], cases: Sequence[Case | FoundCase], predictor: Predictor
) -> Sequence[Case | FoundCase]:
    """The cases as if some channels were missing."""
    channels = predictor.card.channels
    unknown = [name for name in names if name not in channels]
    if unknown or (names and len({*names}) == len(channels)):
        wrong = f"{unknown[0]} is no channel of the model" if unknown else "leaves no channel"
        raise InputError(f"--without: {wrong}; give some of {', '.join(channels)}.")
    if names and predictor.card.task.spatial_dims == 2:
        raise InputError("--without: the colours of a picture come together; leave it out.")
    return [
        replace(case, images={name: p for name, p in case.images.items() if name not in names})
        for case in cases
    ]


def refuse_problems(problems: Sequence[str]) -> None:
    """Name every problem before anything is predicted, so that no case is left out in silence."""
    if len(problems) == 1:
        raise InputError(problems[0])
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        raise InputError(
            f"{counted(len(problems), 'problem')} named above, nothing predicted; mend the "
            "files, or give the good cases by themselves."
        )


def refuse_inputs_as_output(cases: Sequence[Case | FoundCase], folder: Path) -> None:
    """Never write over a scan, a picture or a reference, however it is reached."""
    files = {
        file.resolve()
        for case in cases
        for file in (*case.images.values(), *([] if case.label is None else [case.label]))
    }
    for case in cases:
        mask, maps = file_names(case.id, is_picture=is_picture(case.images))
        beside = [folder / FOLDER / mask]
        beside += [folder / OVERLAYS / f"{case.id}.png", folder / DICOM_SEG / f"{case.id}.dcm"]
        for own in (folder / mask, folder / maps, *beside):
            if own.resolve() in files:
                raise InputError(
                    f"--output: {own} is a file of the input, which would be replaced; choose "
                    "another folder."
                )


def name_older_masks(folder: Path, written: Collection[Path]) -> None:
    """Say which masks are not of this request: an evaluation of the folder would mix them in."""
    older = [
        path.name
        for path in sorted(folder.iterdir())
        if path.name.endswith((".png", ".nii.gz")) and path not in written
    ]
    if older:
        print(f"also there, of an earlier request: {', '.join(older)}", file=sys.stderr)
