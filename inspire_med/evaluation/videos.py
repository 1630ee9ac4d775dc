"""Videos: frames that are scored one by one and averaged video by video."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from inspire_med.errors import InputError
from inspire_med.evaluation.references import References
from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.wording import counted, listed


def videos_of(patients: Mapping[str, str], files: Mapping[str, Path]) -> dict[str, str]:
    """The video of each frame: what one patient has in one folder.

    It has the patient's name; where a patient has several, the folder's behind it.

    Args:
        patients: Patient (or video) of each frame, by its id.
        files: Reference of each frame.

    Raises:
        InputError: If two videos would have one name.
    """
    places = {(patients[frame], path.parent) for frame, path in files.items()}
    folders = Counter(patient for patient, _ in places)
    names: dict[tuple[str, Path], str] = {}
    owners: dict[str, tuple[str, Path]] = {}
    for patient, folder in sorted(places):
        name = patient if folders[patient] == 1 else f"{patient}-{folder.name}"
        other, other_folder = owners.setdefault(name, (patient, folder))
        if (other, other_folder) != (patient, folder):
            raise InputError(
                f"{folder}: the video of patient {patient} has the name {name}, as that of patient "
                f"{other} in {other_folder}; rename one of the folders or patients."
            )
        names[patient, folder] = name
    return {frame: names[patient, files[frame].parent] for frame, patient in patients.items()}


def without_ends(references: References) -> References:
    """Videos without their first and last frame, which may be predicted or not.

    Frames are in the order of their ids, where a number counts as a number.

    Raises:
        InputError: If no video has more than these two.
    """
    frames: dict[str, list[str]] = {}
    for frame in sorted(references.masks, key=_in_order):
        frames.setdefault(references.videos[frame], []).append(frame)
    inner = [frame for own in frames.values() for frame in own[1:-1]]
    if not inner:
        raise InputError(
            f"{next(iter(references.provenance.values()))}: no video has more than two frames, of "
            "which the first and the last are left out; give folders of videos, or a manifest "
            "whose patients are videos."
        )
    short = [video for video, own in frames.items() if len(own) <= 2]
    return replace(
        references,
        masks={frame: references.masks[frame] for frame in inner},
        elsewhere=references.elsewhere | (references.masks.keys() - set(inner)),
        videos={frame: references.videos[frame] for frame in inner},
        notes=(
            f"Frames scored: {len(inner)} of {len(references.masks)} in "
            f"{counted(len(frames), 'video')}; the first and the last of each are left out.",
            *[f"Left out, as no frame is left: {listed(short)}."] * bool(short),
            *references.notes,
        ),
    )


def with_sites_of_videos(references: References) -> References:
    """The sites of frames as those of their videos."""
    return replace(
        references,
        sites={
            references.videos[frame]: site
            for frame, site in references.sites.items()
            if frame in references.videos
        },
    )


def of_videos(cases: Sequence[CaseScores], videos: Mapping[str, str]) -> list[CaseScores]:
    """The mean of each video's frames as its scores: of measures, of curves, of sizes.

    What is undefined for a frame is so for its video.

    Args:
        cases: The scores of frames, all with the same regions and measures.
        videos: Video of each frame, by the frame's id.
    """
    frames: dict[str, list[CaseScores]] = {}
    for each in cases:
        frames.setdefault(videos[each.case], []).append(each)
    return [
        CaseScores(
            video,
            {region: _mean([each.regions[region] for each in own]) for region in own[0].regions},
        )
        for video, own in frames.items()
    ]


def _mean(frames: Sequence[RegionResult]) -> RegionResult:
    first = frames[0]
    return RegionResult(
        {name: float(np.mean([each.measures[name] for each in frames])) for name in first.measures},
        curves={
            name: np.mean([each.curves[name] for each in frames], axis=0) for name in first.curves
        },
        sizes=(
            float(np.mean([each.sizes[0] for each in frames])),
            float(np.mean([each.sizes[1] for each in frames])),
        ),
    )


def _in_order(name: str) -> list[tuple[str, int]]:
    return [(text, int(digits or 0)) for text, digits in re.findall(r"(\D*)(\d*)", name)]
