"""Image and mask folders: images beside masks, under the names that each polyp set uses.

Kvasir-SEG `images masks`, CVC-ClinicDB `Original` `Ground Truth` (or `images masks`), ETIS,
ColonDB, CVC-300, PraNet's `TrainDataset/{image,mask}` and `TestDataset/<set>/{images,masks}`,
PolypGen `data_C1/{images_C1,masks_C1}` and `sequenceData/positive/seq1/{images_seq1,masks_seq1}`.
Which published set pictures are of is told by the pictures (`published/sets.py`).
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from inspire_med.cases.layouts.found import Findings, FoundCase, folders_below, is_file, shared_file
from inspire_med.cases.published.sets import PublishedSet, tell_sets
from inspire_med.errors import InputError
from inspire_med.imaging.picture import IMAGE_SUFFIXES
from inspire_med.tasks.task import Task

NAME = "image-mask-folders"
_IMAGE_FOLDERS = ("images", "image", "original", "bbdd", "etis-laribpolypdb")
_MASK_FOLDERS = ("masks", "mask", "ground truth", "groundtruth", "gt", "gtpolyp")
# PolypGen: centres C1 to C6, and sequences of whose centres nothing is said.
_POLYPGEN = re.compile(r"images_(?:(c\d+)|seq\d+)")


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
            "that no test image reaches the training, or each as a --source with --split pranet."
        )
    cases: list[FoundCase] = []
    problems: list[str] = []
    notes: list[str] = []
    for images, masks in pairs:
        shown, wrong = pictures(images)
        found, said = _cases_of(task, images, shown, _site(images))
        paired, lonely = paired_with(found, images, masks)
        cases += paired
        problems += [*wrong, *lonely]
        notes += said
    return Findings(NAME, distinct(cases), tuple(problems), tuple(notes))


def find_images(task: Task, folder: Path) -> Findings | None:
    """List every image for prediction, with or without a mask: of the folder and the sets below.

    None if there is no image.
    """
    cases: list[FoundCase] = []
    problems: list[str] = []
    for images in (folder, *(images for images, _ in _image_folders(folder))):
        shown, wrong = pictures(images)
        cases += _cases_of(task, images, shown, "" if images == folder else _site(images))[0]
        problems += wrong
    return Findings(NAME, distinct(cases), tuple(problems)) if cases else None


def one_image(task: Task, path: Path) -> Findings | None:
    """A single image file as a case of its own, or None if its name is not that of an image."""
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        return None
    return Findings(NAME, (case_of(task, path),))


def _image_folders(folder: Path) -> list[tuple[Path, Path | None]]:
    """Every image folder and the mask folder beside it; PNG is taken before a TIF twin."""
    found: list[tuple[Path, Path | None]] = []
    for parent in folders_below(folder):
        below = {path.name.lower(): path for path in parent.iterdir() if path.is_dir()}
        images = [below[name] for name in _IMAGE_FOLDERS if name in below]
        masks = [below[name] for name in _MASK_FOLDERS if name in below]
        for name, path in below.items():
            if _POLYPGEN.fullmatch(name):
                images.append(path)
                masks += filter(None, [below.get(name.replace("images", "masks"))])
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


def _cases_of(
    task: Task, images: Path, shown: Mapping[str, Path], site: str
) -> tuple[list[FoundCase], list[str]]:
    """A case for each picture of a folder, without masks, and what was understood from them."""
    cases = {name: case_of(task, path, site) for name, path in sorted(shown.items())}
    released = _POLYPGEN.fullmatch(images.name.lower())
    if released:
        cases = {name: _of_polypgen(case, images, released[1]) for name, case in cases.items()}
        return list(cases.values()), []
    told, notes = tell_sets(images.parent.name if site == "" else site, shown)
    cases |= {name: _of_set(cases[name], known) for name, known in told.items()}
    return list(cases.values()), notes


def _of_set(case: FoundCase, known: PublishedSet) -> FoundCase:
    sequence = known.rows[case.id].get("sequence", "")
    return replace(case, site=known.name, sequence=sequence, patient=sequence or case.patient)


def _of_polypgen(case: FoundCase, images: Path, centre: str | None) -> FoundCase:
    """Whose the single frames are is not published: those of a centre may be of one patient."""
    if centre:
        name = f"PolypGen-{centre.upper()}"
        return replace(case, site=name, patient=name)
    sequence = f"PolypGen-{images.name.lower().partition('_')[2]}"
    return replace(case, site="PolypGen-sequences", sequence=sequence, patient=sequence)


def paired_with(
    cases: Sequence[FoundCase], images: Path, masks: Path
) -> tuple[list[FoundCase], list[str]]:
    """The cases of one folder with masks of another, and a sentence for what has no partner."""
    labels, problems = pictures(masks)
    found: list[FoundCase] = []
    for case in cases:
        path = next(iter(case.images.values()))
        name = path.stem
        # ETIS names the mask of 7.tif p7.tif; PolypGen that of a.jpg, or a_.jpg, a_mask.jpg.
        words = (name, f"p{name}", f"{name}_mask", f"{name.rstrip('_')}_mask")
        label = next((labels.pop(word) for word in words if word in labels), None)
        if label is None:
            problems.append(f"{path}: no mask of that name in {masks}; add it or move the image.")
        else:
            found.append(replace(case, label=label))
    problems += [
        f"{path}: no image of that name in {images}; add it or move the mask."
        for _, path in sorted(labels.items())
    ]
    return found, problems


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


def case_of(task: Task, path: Path, site: str = "") -> FoundCase:
    """An image as a case of its name, without a mask."""
    images, components = shared_file(task, path)
    return FoundCase(path.stem, task.patient_of(path.stem), images, None, site, components)


def distinct(cases: Sequence[FoundCase]) -> tuple[FoundCase, ...]:
    """Put the set's name before ids that occur in several sets (1.png is in most).

    It is put before the patients of such a set too, unless they are known by their sequence.
    """
    counts = Counter(case.id for case in cases)
    clashing = {case.site for case in cases if counts[case.id] > 1}

    def named(case: FoundCase) -> FoundCase:
        if case.site not in clashing:
            return case
        name = f"{case.site}-{case.id}" if counts[case.id] > 1 else case.id
        if case.patient == case.id:
            return replace(case, id=name, patient=name)
        patient = case.patient if case.sequence else f"{case.site}-{case.patient}"
        return replace(case, id=name, patient=patient)

    return tuple(map(named, cases))
