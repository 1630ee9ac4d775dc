"""Image and mask folders: images beside masks, under the names that each polyp set uses.

Kvasir-SEG `images masks`, CVC-ClinicDB `Original` `Ground Truth` (or `images masks`), ETIS,
ColonDB, CVC-300, PraNet's `TrainDataset/{image,mask}` and `TestDataset/<set>/{images,masks}`.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from inspire_med.cases.layouts.found import Findings, FoundCase, folders_below, is_file, shared_file
from inspire_med.errors import InputError
from inspire_med.imaging.picture import IMAGE_SUFFIXES
from inspire_med.tasks.task import Task

NAME = "image-mask-folders"
_IMAGE_FOLDERS = ("images", "image", "original", "bbdd", "etis-laribpolypdb")
_MASK_FOLDERS = ("masks", "mask", "ground truth", "groundtruth", "gt", "gtpolyp")
# First frame of each of CVC-ClinicDB's 29 videos (Bernal 2015): frames of one video look alike.
_CLINICDB_STARTS = (1, 26, 51, 68, 79, 104, 127, 152, 178, 200, 206, 228, 253, 278, 298, 318, 343,
                    364, 384, 409, 429, 448, 467, 479, 504, 529, 547, 572, 592)  # fmt: skip
_CLINICDB_FRAMES = 612


def expected(task: Task) -> str:
    """The shape in words."""
    return "a folder of images beside a folder of masks (images/ and masks/)"


def find(task: Task, folder: Path) -> Findings | None:
    """List the image and mask pairs below `folder`, or None if it has no such pair of folders.

    Raises:
        InputError: If the folder holds PraNet's training and test sets side by side.
    """
    pairs = [(images, masks) for images, masks in _image_folders(folder) if masks is not None]
    if not pairs:
        return None
    parts = {part.lower() for images, _ in pairs for part in images.relative_to(folder).parts}
    if {"traindataset", "testdataset"} <= parts:
        raise InputError(
            f"{folder}: holds TrainDataset and TestDataset; give one of them as the source, so "
            "that no test image reaches the training."
        )
    cases: list[FoundCase] = []
    problems: list[str] = []
    for images, masks in pairs:
        found, wrong = pair_files(task, images, masks)
        cases += found
        problems += wrong
    return Findings(NAME, distinct(cases), tuple(problems))


def find_images(task: Task, folder: Path) -> Findings | None:
    """List every image for prediction, with or without a mask: of the folder and the sets below.

    None if there is no image.
    """
    cases: list[FoundCase] = []
    problems: list[str] = []
    for images in (folder, *(images for images, _ in _image_folders(folder))):
        shown, wrong = pictures(images)
        site = "" if images == folder else _site(images)
        cases += [case_of(task, path, None, site) for _, path in sorted(shown.items())]
        problems += wrong
    return Findings(NAME, distinct(cases), tuple(problems)) if cases else None


def one_image(task: Task, path: Path) -> Findings | None:
    """A single image file as a case of its own, or None if its name is not that of an image."""
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        return None
    return Findings(NAME, (case_of(task, path, None, site=""),))


def _image_folders(folder: Path) -> list[tuple[Path, Path | None]]:
    """Every image folder and the mask folder beside it; PNG is taken before a TIF twin."""
    found: list[tuple[Path, Path | None]] = []
    for parent in folders_below(folder):
        below = {path.name.lower(): path for path in parent.iterdir() if path.is_dir()}
        images = [below[name] for name in _IMAGE_FOLDERS if name in below]
        masks = [below[name] for name in _MASK_FOLDERS if name in below]
        if images:
            found.append((images[0], masks[0] if masks else None))
    names = {images.parent.name.lower() for images, _ in found}
    return [pair for pair in found if not ({"png", "tif"} <= names and _in_tif(pair[0]))]


def _in_tif(images: Path) -> bool:
    return images.parent.name.lower() == "tif"


def _site(images: Path) -> str:
    """Name of the set: the folder that holds the pair, or the one above for PNG/TIF twins."""
    parent = images.resolve().parent
    return parent.parent.name if parent.name.lower() in ("png", "tif") else parent.name


def pair_files(task: Task, images: Path, masks: Path) -> tuple[list[FoundCase], list[str]]:
    """The cases of a folder of images and one of masks, and a sentence for what has no partner."""
    site = _site(images)
    shown, problems = pictures(images)
    labels, wrong = pictures(masks)
    problems += wrong
    cases: list[FoundCase] = []
    for name, path in sorted(shown.items()):
        # ETIS names the mask of 7.tif p7.tif.
        label = labels.pop(name, None) or labels.pop(f"p{name}", None)
        if label is None:
            problems.append(f"{path}: no mask of that name in {masks}; add it or move the image.")
        else:
            cases.append(case_of(task, path, label, site))
    problems += [
        f"{path}: no image of that name in {images}; add it or move the mask."
        for _, path in sorted(labels.items())
    ]
    return cases, problems


def pictures(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """The images directly inside by name, and one sentence for each second file of a name."""
    found: dict[str, Path] = {}
    problems: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in IMAGE_SUFFIXES and path.name[0] != "." and is_file(path):
            first = found.setdefault(path.stem, path)
            if first != path:
                problems.append(f"{path}: a second file of the name of {first.name}; keep one.")
    return found, problems


def case_of(task: Task, path: Path, label: Path | None, site: str) -> FoundCase:
    """An image, and its mask if there is one, as a case of the image's name."""
    images, components = shared_file(task, path)
    name = path.stem
    patient = _clinicdb_video(name) if _from_clinicdb(name, site) else task.patient_of(name)
    return FoundCase(name, patient, images, label, site, components)


def _from_clinicdb(name: str, site: str) -> bool:
    """Is this a ClinicDB frame: by its set's name, or as a number in PraNet's training part?"""
    named = "clinicdb" in site.lower() or site.lower() == "traindataset"
    return named and name.isdigit() and 1 <= int(name) <= _CLINICDB_FRAMES


def _clinicdb_video(name: str) -> str:
    return f"clinicdb-video-{bisect_right(_CLINICDB_STARTS, int(name)):02d}"


def distinct(cases: Sequence[FoundCase]) -> tuple[FoundCase, ...]:
    """Put the set's name before ids that occur in several sets (1.png is in most)."""
    counts = Counter(case.id for case in cases)
    return tuple(
        replace(case, id=f"{case.site}-{case.id}", patient=f"{case.site}-{case.patient}")
        if counts[case.id] > 1
        else case
        for case in cases
    )
