"""ISLES 2022: BIDS-like `rawdata` with DWI, ADC and FLAIR, `derivatives` with the expert's mask."""

import re
from pathlib import Path

from inspire_med.cases.layouts.found import Findings, FoundCase, bare_name, files_below, with_file
from inspire_med.imaging.nifti import NIFTI_SUFFIXES

CHANNELS = ("dwi", "adc", "flair")
REGIONS = {"lesion": (1,)}
_NAME = re.compile(r"(?P<stem>(?P<patient>sub-[A-Za-z0-9]+)(?:_ses-[A-Za-z0-9]+)?)_(?P<kind>.+)$")


def find(folder: Path) -> Findings | None:
    """List the sessions below `folder`, or None if no file is named as ISLES names them."""
    sessions: dict[str, dict[str, Path]] = {}
    patients: dict[str, str] = {}
    problems: list[str] = []
    twins: set[str] = set()
    for path in files_below(folder, NIFTI_SUFFIXES):
        match = _NAME.match(bare_name(path))
        if match is None:
            continue
        kind = "label" if match["kind"].lower() in ("msk", "mask") else match["kind"].lower()
        files = sessions.setdefault(match["stem"], {})
        patients[match["stem"]] = match["patient"]
        if kind not in (*CHANNELS, "label"):
            problems.append(
                f"{path}: unknown modality '{match['kind']}'; expected dwi, adc, flair or msk: "
                "rename the file or move it away."
            )
        elif kind in files:
            problems.append(f"{path}: a second file of the sequence of {files[kind]}; keep one.")
            twins.add(match["stem"])  # nobody can say which of the two is meant
        else:
            files[kind] = path
    if not sessions:
        return None
    cases = tuple(
        _case(stem, patients[stem], files)
        for stem, files in sorted(sessions.items())
        if stem not in twins
    )
    return Findings("isles", CHANNELS, cases, tuple(problems))


def find_with(path: Path) -> Findings | None:
    """The session that a file of a sequence belongs to, or None if it is not named as one."""
    session = path.parent.parent if path.parent.name in ("dwi", "anat") else path.parent
    return with_file(find(session), path)


def _case(stem: str, patient: str, files: dict[str, Path]) -> FoundCase:
    images = {channel: files[channel] for channel in CHANNELS if channel in files}
    return FoundCase(stem, patient, images, files.get("label"))
