"""Recognise: which public release a folder is, and what its task is about."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inspire_med.data.layouts import brats, isles, msd, polyp
from inspire_med.data.layouts.found import Findings
from inspire_med.errors import InputError

Finder = Callable[[Path], Findings | None]


@dataclass(frozen=True)
class Task:
    """What a task's sets have in common.

    Args:
        channels: Every channel, in order.
        regions: Region name to label values, as the task's usual release has them.
        finders: Readers of layouts, tried in order.
        expected: The folder's shape in words, for the message when none fits.
        optional: Channels that a public case may lack.
    """

    channels: tuple[str, ...]
    regions: dict[str, tuple[int, ...]]
    finders: tuple[Finder, ...]
    expected: str
    optional: tuple[str, ...] = ()


TASKS = {
    "brats": Task(
        brats.CHANNELS,
        {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)},
        (msd.find, brats.find),
        "case folders with *_flair *_t1 *_t1ce *_t2 *_seg .nii.gz (or -t2f -t1n -t1c -t2w -seg), "
        "or MSD Task01's dataset.json",
    ),
    "isles": Task(
        isles.CHANNELS,
        isles.REGIONS,
        (isles.find,),
        "sub-*/ses-*/ with *_dwi *_adc *_flair .nii.gz and derivatives with *_msk.nii.gz",
        optional=("flair",),
    ),
    "polyp": Task(
        polyp.CHANNELS,
        polyp.REGIONS,
        (polyp.find,),
        "a folder of images beside a folder of masks (images/ and masks/)",
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


def find_cases(task: str, source: Path, *, labelled: bool = True) -> Findings:
    """List the cases in `source` by the layout that its names show; nothing is opened.

    Args:
        task: brats, isles or polyp.
        source: A folder of a set or of one case; for polyp also one image.
        labelled: False also takes a plain folder of images or a single image, for prediction.

    Raises:
        InputError: If the source is missing or empty, or no layout of the task fits.
    """
    known = task_named(task)
    if not source.exists():
        raise InputError(f"{source}: no such folder; check the path.")
    if source.is_file():
        if task == "polyp" and not labelled:
            return polyp.one_picture(source)
        raise InputError(f"{source}: a file; give the folder that holds {known.expected}.")
    if not any(source.iterdir()):
        raise InputError(f"{source}: the folder is empty; give one with {known.expected}.")
    finders = known.finders
    if task == "polyp" and not labelled:
        finders = (*finders, polyp.find_pictures)
    for finder in finders:
        findings = finder(source)
        if findings is not None and (findings.cases or findings.problems):
            return findings
    raise InputError(f"{source}: no {task} case found; expected {known.expected}.")
