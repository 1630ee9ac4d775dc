"""Video folders: frames beside their masks, a folder a video, as SUN-SEG (VPS) has them.

`TrainDataset/{Frame,GT}/case1_1/*`, `TestEasyDataset/{Seen,Unseen}/{Frame,GT}/case2_3/*`. A case is
a frame, its id `<video>-<name>`; clips of one polyp, `case1_1` and `case1_3`, are of one patient.
"""

import re
from dataclasses import replace
from pathlib import Path

from inspire_med.cases.layouts.found import Findings, FoundCase, folders_below
from inspire_med.cases.layouts.image_mask_folders import case_of, paired_with, pictures
from inspire_med.errors import InputError
from inspire_med.tasks.task import Task

NAME = "video-folders"
_FRAMES, _MASKS = "frame", "gt"
_CLIP = re.compile(r"(case\d+)_\d+")


def expected(task: Task) -> str:
    """The shape in words."""
    return "Frame/ beside GT/ with a folder a video in both"


def find(task: Task, folder: Path) -> Findings | None:
    """List the frames below `folder` with their masks, or None if there is no such pair of folders.

    Raises:
        InputError: If the folder holds a training and a test set side by side.
    """
    cases: list[FoundCase] = []
    problems: list[str] = []
    for frames, masks in _frame_folders(folder):
        if masks is None:
            continue
        for video in _videos(frames):
            if not (masks / video.name).is_dir():
                problems.append(f"{video}: no folder of masks {masks / video.name}; add it.")
                continue
            frames_of, wrong = _frames(task, video)
            found, lonely = paired_with(frames_of, video, masks / video.name)
            cases += [_of_video(case, video) for case in found]
            problems += [*wrong, *lonely]
    _refuse_training_with_test(folder, {case.site for case in cases})
    return Findings(NAME, tuple(cases), tuple(problems)) if cases or problems else None


def find_images(task: Task, folder: Path) -> Findings | None:
    """List every frame for prediction, with or without a mask, or None if there is none."""
    cases: list[FoundCase] = []
    problems: list[str] = []
    for frames, _ in _frame_folders(folder):
        for video in _videos(frames):
            found, wrong = _frames(task, video)
            cases += [_of_video(case, video) for case in found]
            problems += wrong
    return Findings(NAME, tuple(cases), tuple(problems)) if cases else None


def _frame_folders(folder: Path) -> list[tuple[Path, Path | None]]:
    """Every folder of frames, and that of masks beside it."""
    found: list[tuple[Path, Path | None]] = []
    for parent in folders_below(folder):
        below = {path.name.lower(): path for path in parent.iterdir() if path.is_dir()}
        if _FRAMES in below:
            found.append((below[_FRAMES], below.get(_MASKS)))
    return found


def _videos(frames: Path) -> list[Path]:
    return sorted(path for path in frames.iterdir() if path.is_dir() and path.name[0] != ".")


def _frames(task: Task, video: Path) -> tuple[list[FoundCase], list[str]]:
    shown, problems = pictures(video)
    return [case_of(task, path) for _, path in sorted(shown.items())], problems


def _of_video(case: FoundCase, video: Path) -> FoundCase:
    clip = _CLIP.fullmatch(video.name)
    return replace(
        case,
        id=f"{video.name}-{case.id}",
        patient=clip[1] if clip else video.name,
        sequence=video.name,
        site=_site(video.parent.parent),
    )


def _site(parent: Path) -> str:
    """Name of the set: of `TestEasyDataset/Seen` both."""
    if parent.name.lower() in ("seen", "unseen"):
        return f"{parent.parent.name}-{parent.name}"
    return parent.name


def _refuse_training_with_test(folder: Path, sites: set[str]) -> None:
    kinds = {site.lower().partition("dataset")[0] for site in sites}
    if "train" in kinds and kinds & {"testeasy", "testhard", "test"}:
        raise InputError(
            f"{folder}: holds TrainDataset and a test set; give one of them as the source, so "
            "that no test frame reaches the training."
        )
