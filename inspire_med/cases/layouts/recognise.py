"""Recognise: which public release a folder is, and what its task is about."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from inspire_med.cases.layouts import brats, isles, msd, polyp
from inspire_med.cases.layouts.found import Findings, joined
from inspire_med.errors import InputError

Finder = Callable[[Path], Findings | None]


@dataclass(frozen=True)
class Task:
    """What a task's sets have in common.

    Args:
        channels: Every channel, in order.
        regions: Region name to label values, as the task's usual release has them.
        expected: The folder's shape in words, for the message when none fits.
        finders: Readers of layouts, tried in order.
        input_finders: The same for prediction, where labels may be missing.
        file_finders: From one file to the case that it belongs to, or is.
        optional: Channels that a public case may lack.
    """

    channels: tuple[str, ...]
    regions: dict[str, tuple[int, ...]]
    expected: str
    finders: tuple[Finder, ...]
    input_finders: tuple[Finder, ...]
    file_finders: tuple[Finder, ...]
    optional: tuple[str, ...] = ()


TASKS = {
    "brats": Task(
        brats.CHANNELS,
        {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)},
        "case folders with *_flair *_t1 *_t1ce *_t2 *_seg .nii.gz (or -t2f -t1n -t1c -t2w -seg), "
        "or MSD Task01's dataset.json",
        finders=(msd.find, brats.find),
        input_finders=(msd.find_all, msd.find_volumes, brats.find),
        file_finders=(brats.find_with, msd.one_volume),
    ),
    "isles": Task(
        isles.CHANNELS,
        isles.REGIONS,
        "sub-*/ses-*/ with *_dwi *_adc *_flair .nii.gz and derivatives with *_msk.nii.gz",
        finders=(isles.find,),
        input_finders=(isles.find,),
        file_finders=(isles.find_with,),
        optional=("flair",),
    ),
    "polyp": Task(
        polyp.CHANNELS,
        polyp.REGIONS,
        "a folder of images beside a folder of masks (images/ and masks/)",
        finders=(polyp.find,),
        input_finders=(polyp.find_images,),
        file_finders=(polyp.one_image,),
    ),
}


def task_named(name: str) -> Task:
    """The task of that name.

    Raises:
        InputError: If there is none.
    """
    if name not in TASKS:
        raise InputError(f"task {name}: unknown; choose one of {', '.join(TASKS)}.")
    return TASKS[name]


def find_cases(task: str, source: Path) -> Findings:
    """List the cases in `source` by the layout that its names show; nothing is opened.

    Args:
        task: brats, isles or polyp.
        source: A folder of a set or of one case.

    Raises:
        InputError: If the source is missing or empty, or no layout of the task fits.
    """
    known = task_named(task)
    if source.is_file():
        raise InputError(f"{source}: a file; give the folder that holds {known.expected}.")
    return _first(task, source, known.finders)


def find_inputs(task: str, source: Path) -> Findings:
    """List what can be predicted in `source`, labelled or not, by its names; nothing is opened.

    Args:
        task: brats, isles or polyp.
        source: A folder as for `find_cases`, without labels if need be; a folder of images; or one
            file: an image, a 4-D volume, or one sequence of a case, which brings the others along.

    Raises:
        InputError: If the source is missing or empty, if no layout of the task fits, or if two
            cases have one name.
    """
    known = task_named(task)
    finders = known.file_finders if source.is_file() else known.input_finders
    found = _first(task, source, finders)
    return replace(found, cases=joined(found.cases, found.channels))


def _first(task: str, source: Path, finders: tuple[Finder, ...]) -> Findings:
    """What the first finder finds that finds anything."""
    expected = TASKS[task].expected
    source = source.absolute()  # the names above it tell what it is
    if not source.exists():
        raise InputError(f"{source}: no such folder; check the path.")
    if source.is_dir() and not any(source.iterdir()):
        raise InputError(f"{source}: the folder is empty; give one with {expected}.")
    for finder in finders:
        findings = finder(source)
        if findings is not None and (findings.cases or findings.problems):
            return findings
    raise InputError(f"{source}: no {task} case found; expected {expected}.")
