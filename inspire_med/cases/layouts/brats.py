"""BraTS: HGG/LGG trees of 2018 and 2019, the names of 2020 and 2021, and those of 2023 and later.

One folder a case, one file a sequence: `*_flair *_t1 *_t1ce *_t2 *_seg`, since 2023 `*-t2f *-t1n
*-t1c *-t2w *-seg`, as .nii or .nii.gz.

Labels (menze 2015; the challenges' data pages): 1 necrotic core, 2 oedema, and the enhancing tumour
is 4 until 2022 and 3 since 2023; 2024's treated gliomas use 4 for the resection cavity, 2024's
paediatric set renumbers all. The files' values decide, and what a 4 is, the names of 2023 and later
(`BraTS-GLI-...`, with a hyphen).
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from inspire_med.cases.layouts.found import Findings, FoundCase, bare_name, files_below, with_file
from inspire_med.errors import InputError
from inspire_med.imaging.nifti import NIFTI_SUFFIXES

CHANNELS = ("flair", "t1", "t1ce", "t2")
LABEL_VALUES = (0, 1, 2, 3, 4)
_KINDS = {
    "flair": "flair",
    "t2f": "flair",
    "t1": "t1",
    "t1n": "t1",
    "t1ce": "t1ce",
    "t1c": "t1ce",
    "t1gd": "t1ce",
    "t2": "t2",
    "t2w": "t2",
    "seg": "label",
    "segm": "label",
}
_NAME = re.compile(r"(?P<stem>.+)[-_](?P<kind>[A-Za-z0-9]+)$")


def find(folder: Path) -> Findings | None:
    """List the cases below `folder`, or None if no file is named as BraTS names them."""
    groups: dict[Path, dict[str, list[Path]]] = {}
    strangers: list[Path] = []
    for path in files_below(folder, NIFTI_SUFFIXES):
        kind = _kind(path)
        if kind is None:
            strangers.append(path)
        else:
            groups.setdefault(path.parent, {}).setdefault(kind, []).append(path)
    if not any(len(set(kinds) - {"label"}) > 1 for kinds in groups.values()):
        return None
    problems = [_stranger(path) for path in strangers if path.parent in groups]
    cases: list[FoundCase] = []
    for parent, kinds in groups.items():
        twice = [paths for paths in kinds.values() if len(paths) > 1]
        if twice and parent.name.lower().startswith("brats") and not _flat(kinds):
            problems.append(
                f"{twice[0][1]}: a second file of the sequence of {twice[0][0].name}; keep one."
            )
            continue
        cases += _flat_cases(kinds, folder) if twice else [_case(parent.name, kinds, folder)]
    return Findings("brats", CHANNELS, tuple(cases), tuple(problems))


def find_with(path: Path) -> Findings | None:
    """The case that a file of a sequence belongs to, or None if it is not named as one."""
    return with_file(find(path.parent), path) if _kind(path) else None


def regions(values: Iterable[int], names: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Which label values make up whole tumour, tumour core and enhancing tumour.

    Args:
        values: Every value that occurs in the set's label files.
        names: Case ids; they tell what the value 4 stands for.

    Raises:
        InputError: If the value 4 would stand for two things.
    """
    values, names = set(values), list(names)
    new, paediatric = _begin(names, "BRATS-"), _begin(names, "BRATS-PED-")
    if 4 in values and new:
        if len(paediatric) == len(names):
            return {"WT": (1, 2, 3, 4), "TC": (1, 2, 3), "ET": (1,)}
        if paediatric or len(new) < len(names):
            raise InputError(
                f"labels: the value 4 of {new[0]} means another thing elsewhere (enhancing tumour "
                "until 2022, oedema in BraTS-PED, else the resection cavity); prepare each "
                "release by itself."
            )
        return {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,), "RC": (4,)}
    if {3, 4} <= values:
        raise InputError(
            "labels: the values 3 and 4 both occur, so sets of different years are mixed "
            "(enhancing tumour is 4 until 2022 and 3 since 2023); prepare each year by itself."
        )
    enhancing = 3 if 3 in values or (new and 4 not in values and len(new) == len(names)) else 4
    return {"WT": (1, 2, enhancing), "TC": (1, enhancing), "ET": (enhancing,)}


def patient_of(case_id: str) -> str:
    """The case id without scan number: `Brats18_X_1` and `BraTS-GLI-00000-001` end in one."""
    if re.match(r"(?i)brats1[789]_", case_id):
        return re.sub(r"_\d+$", "", case_id)
    return re.sub(r"(?i)^(brats-[a-z]+-\d+)-\d+$", r"\1", case_id)


def _begin(names: list[str], beginning: str) -> list[str]:
    return [name for name in names if name.upper().startswith(beginning)]


def _kind(path: Path) -> str | None:
    # BraTS 2020 ships one segmentation as W39_1998.09.19_Segm.nii, hence the case folding.
    match = _NAME.match(bare_name(path))
    return _KINDS.get(match["kind"].lower()) if match else None


def _stem(path: Path) -> str:
    match = _NAME.match(bare_name(path))
    return match["stem"] if match else bare_name(path)


def _flat(kinds: dict[str, list[Path]]) -> bool:
    """Do several cases lie in one folder, told apart by their stems?"""
    return len({_stem(path) for paths in kinds.values() for path in paths}) > 1


def _flat_cases(kinds: dict[str, list[Path]], folder: Path) -> list[FoundCase]:
    stems: dict[str, dict[str, list[Path]]] = {}
    for kind, paths in kinds.items():
        for path in paths:
            stems.setdefault(_stem(path), {}).setdefault(kind, []).append(path)
    return [_case(stem, files, folder) for stem, files in sorted(stems.items())]


def _case(name: str, kinds: dict[str, list[Path]], folder: Path) -> FoundCase:
    files = {kind: paths[0] for kind, paths in kinds.items()}
    label = files.pop("label", None)
    if not name.lower().startswith("brats"):
        stems = Counter(_stem(path) for path in files.values())
        name = stems.most_common(1)[0][0] if stems else name
    ordered = {channel: files[channel] for channel in CHANNELS if channel in files}
    return FoundCase(name, patient_of(name), ordered, label, site=_site(name, kinds, folder))


def _site(name: str, kinds: dict[str, list[Path]], folder: Path) -> str:
    """Grade from the HGG/LGG tree, or the challenge's letters (GLI, MET, ...) from the name."""
    parts = next(iter(kinds.values()))[0].resolve().parts
    grade = next((part for part in reversed(parts) if part in ("HGG", "LGG")), "")
    match = re.match(r"(?i)brats-([a-z]+)-", name)
    return grade or (match[1].upper() if match else "")


def _stranger(path: Path) -> str:
    match = _NAME.match(bare_name(path))
    kind = match["kind"] if match else bare_name(path)
    return (
        f"{path}: unknown modality '{kind}'; expected one of {', '.join(sorted(_KINDS))}: rename "
        "the file or move it away."
    )
