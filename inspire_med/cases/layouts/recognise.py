"""Recognise: in which known layout the files of a folder lie."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from inspire_med.cases.layouts import (
    bids,
    case_folders,
    datalist,
    decathlon,
    dicom,
    image_mask_folders,
    nnunet,
    pattern,
    video_folders,
    vsd,
)
from inspire_med.cases.layouts.found import (
    Findings,
    FoundCase,
    broken_folders,
    in_order,
    is_file,
    joined,
)
from inspire_med.errors import InputError
from inspire_med.imaging.picture import is_picture
from inspire_med.imaging.volume import count_components
from inspire_med.tasks.find import EDITIONS, family_of
from inspire_med.tasks.task import Task
from inspire_med.wording import counted

Finder = Callable[[Task, Path], Findings | None]


@dataclass(frozen=True)
class Layout:
    """A way of laying files out; its readers answer None where they find nothing of it.

    Args:
        expected: The folder's shape in words, for the message when none fits.
        find: Lists the cases of a folder.
        find_inputs: The same for prediction, where labels may be missing.
        find_with: From one file to the case that it belongs to, or is.
    """

    expected: Callable[[Task], str]
    find: Finder
    find_inputs: Finder
    find_with: Finder


LAYOUTS = {
    case_folders.NAME: Layout(
        case_folders.expected, case_folders.find, case_folders.find, case_folders.find_with
    ),
    decathlon.NAME: Layout(
        decathlon.expected, decathlon.find, decathlon.find_inputs, decathlon.one_volume
    ),
    vsd.NAME: Layout(vsd.expected, vsd.find, vsd.find, vsd.find_with),
    bids.NAME: Layout(bids.expected, bids.find, bids.find, bids.find_with),
    image_mask_folders.NAME: Layout(
        image_mask_folders.expected,
        image_mask_folders.find,
        image_mask_folders.find_images,
        image_mask_folders.one_image,
    ),
    video_folders.NAME: Layout(
        video_folders.expected,
        video_folders.find,
        video_folders.find_images,
        image_mask_folders.one_image,
    ),
    pattern.NAME: Layout(pattern.expected, pattern.find, pattern.find_inputs, pattern.find_with),
    nnunet.NAME: Layout(nnunet.expected, nnunet.find, nnunet.find_inputs, nnunet.find_with),
    datalist.NAME: Layout(
        datalist.expected, datalist.find, datalist.find_inputs, datalist.find_inputs
    ),
}
_DICOM = Layout(dicom.expected, dicom.find, dicom.find, dicom.find_with)  # of any task of volumes
# What is predicted may lie otherwise than what was trained on.
_INPUTS = {2: (nnunet.NAME, image_mask_folders.NAME), 3: (case_folders.NAME, nnunet.NAME)}


def find_cases(task: Task, source: Path) -> Findings:
    """List the cases in `source` by the layout that its names show; nothing is opened.

    Args:
        task: What is looked for.
        source: A folder of a set or of one case.

    Raises:
        InputError: If the source is missing or empty, no layout of the task fits, or some of its
            files lie in another layout than the others.
    """
    if source.is_file() and datalist.NAME not in task.layouts:
        raise InputError(f"{source}: a file; give the folder that holds {_expected(task)}.")
    found = _first(task, source, [layout.find for layout in _with_dicom(task)])
    _refuse_mixed(task, source, found)
    left = found.left_out
    said = [
        f"Left out, named as no channel and no label: {counted(len(left), 'file')}, such as {path}."
        for path in left[:1]
    ]
    return replace(found, notes=(*found.notes, *said))


def edition_of(task: Task, sources: Sequence[Path]) -> Task:
    """The task, or the edition of it whose channels the sources show.

    It is the one that says what most of the files are; the task itself where none says more.

    Args:
        task: What was asked for.
        sources: Folders of a set.
    """
    choices = (task, *EDITIONS.get(task.name, ()))
    return max(choices, key=lambda each: _explained(each, sources)) if choices[1:] else task


def find_together(task: Task, sources: Sequence[Path]) -> Findings:
    """List the cases of several folders, which must be of one layout; those of one id are one.

    Raises:
        InputError: As `find_cases`; also if layouts differ, or two cases of one id hold the same.
    """
    findings = [find_cases(task, source) for source in sources]
    layouts = sorted({found.layout for found in findings})
    if len(layouts) > 1:
        raise InputError(
            f"--source: the layouts {' and '.join(layouts)} differ in their label values; prepare "
            "them separately."
        )
    cases = tuple(case for found in findings for case in found.cases)
    if layouts == [image_mask_folders.NAME]:  # most of these sets number their files from 1
        cases = image_mask_folders.distinct(cases)
    return Findings(
        layouts[0],
        joined(cases, task.channels),
        tuple(problem for found in findings for problem in found.problems),
        tuple(note for found in findings for note in found.notes),
    )


def find_inputs(task: Task, source: Path) -> Findings:
    """List what can be predicted in `source`, labelled or not, by its names; nothing is opened.

    Args:
        task: What the network is for.
        source: A folder as for `find_cases`, without labels if need be; a folder of images; or one
            file: an image, a 4-D volume, or one sequence of a case, which brings the others along.

    Raises:
        InputError: If the source is missing or empty, if no layout of the task fits, or if two
            cases have one name.
    """
    layouts = _with_dicom(task) + [LAYOUTS[name] for name in _INPUTS[task.spatial_dims]]
    # To these readers any volume is one of all channels: the others come first.
    to_any = (LAYOUTS[decathlon.NAME], LAYOUTS[datalist.NAME])
    layouts.sort(key=lambda layout: layout in to_any)
    of_file = source.is_file()
    finders = [layout.find_with if of_file else layout.find_inputs for layout in layouts]
    found = _first(task, source, finders)
    return replace(found, cases=joined(found.cases, task.channels))


def named_files(task: Task, files: Mapping[str, Path]) -> FoundCase:
    """A case whose files were named by channel; which part of its file each is, is found out.

    Args:
        task: What the case is of.
        files: By channel; several may come from one.

    Raises:
        InputError: If a file cannot be read, or does not say where its channel is.
    """
    components: dict[str, int] = {}
    shared = len(set(files.values())) < len(files)
    for name, path in files.items():
        if is_picture({name: path}):
            numbers = in_order(task)
        elif shared or count_components(path) > 1:
            numbers = decathlon.components_of(task, path)
        else:
            continue
        if name not in numbers:
            raise InputError(
                f"{path}: which part of it is {name} is not known; give one file for each channel."
            )
        components[name] = numbers[name]
    return FoundCase("case", "case", files, components=components)


def _explained(task: Task, sources: Sequence[Path]) -> int:
    """How many files belong to a case."""
    count = 0
    for source in sources:
        with suppress(InputError):  # said where the chosen edition is read
            cases = _first(task, source, [layout.find for layout in _layouts(task)]).cases
            count += sum(len(case.files) for case in cases)
    return count


def _refuse_mixed(task: Task, source: Path, found: Findings) -> None:
    """Two layouts in one folder: the files of one would be left out in silence."""
    seen = set(found.files)
    finders = [(each, layout.find) for each in family_of(task) for layout in _layouts(each)]
    for each, find in finders:
        other: Findings | None = None
        with suppress(InputError):  # of a layout that is not the folder's
            other = find(each, source.absolute())
        # An index may list files under names that they do not have.
        own = [
            path for path in (other.files if other else ()) if path not in seen and is_file(path)
        ]
        if other is not None and found.cases and own:
            raise InputError(
                f"{source}: holds the layouts {found.layout} (such as {found.files[0].name}) and "
                f"{other.layout} (such as {own[0].name}); prepare each by itself."
            )


def _layouts(task: Task) -> list[Layout]:
    return [LAYOUTS[name] for name in task.layouts]


def _with_dicom(task: Task) -> list[Layout]:
    return [*_dicom(task), *_layouts(task)]


def _dicom(task: Task) -> list[Layout]:
    return [_DICOM] if task.spatial_dims == 3 else []


def _expected(task: Task) -> str:
    return ", or ".join(layout.expected(task) for layout in _layouts(task) + _dicom(task))


def _first(task: Task, source: Path, finders: Sequence[Finder]) -> Findings:
    """What the first finder finds that finds anything."""
    source = source.absolute()  # the names above it tell what it is
    if not source.exists():
        raise InputError(f"{source}: no such folder; check the path.")
    if source.is_dir() and not any(source.iterdir()):
        raise InputError(f"{source}: the folder is empty; give one with {_expected(task)}.")
    for finder in finders:
        findings = finder(task, source)
        if findings is not None and (findings.cases or findings.problems):
            broken = broken_folders(source) if source.is_dir() else []
            return replace(findings, problems=(*findings.problems, *broken))
    raise InputError(
        f"{source}: no {task.name} case found; expected {_expected(task)}{_there(source)}."
    )


def _there(source: Path) -> str:
    """Some of what is there instead."""
    if source.is_file():
        return ""
    paths = islice((path for path in source.rglob("*") if path.is_file()), 3)
    names = [path.relative_to(source).as_posix() for path in paths]
    return f"; there are files such as {', '.join(names)}" if names else ""
