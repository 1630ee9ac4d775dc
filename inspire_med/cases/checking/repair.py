"""Repair: a set with mended copies of what was at fault, laid out as its source; that stays as is.

What was right is linked, not copied. A case with a file that cannot be mended is left out and
named. Every mended case is checked again before it counts.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from inspire_med.cases.checking.case import check_case
from inspire_med.cases.checking.every_case import Progress
from inspire_med.cases.checking.finding import Finding, fault_of
from inspire_med.cases.checking.mend import mend_case
from inspire_med.cases.checking.mend_volume import Mended
from inspire_med.cases.checking.verdict import Expectation, Verdict
from inspire_med.cases.layouts.found import FoundCase, folders_below
from inspire_med.errors import InputError
from inspire_med.imaging.dicom.known import claims_dicom
from inspire_med.imaging.volume import files_of, is_volume

_ABOUT_THE_SET = (".json", ".tsv", ".csv", ".txt", ".yaml")  # what a layout is described by


@dataclass(frozen=True)
class Workshop:
    """Where mended copies go.

    Args:
        sources: Folders of the set; one alone becomes `folder` itself, several stand in it.
        folder: Where the set is laid out anew.
        expected: What each case must fulfil.
        orientations: What the set has, by channel; any other keeps its own.
    """

    sources: tuple[Path, ...]
    folder: Path
    expected: Expectation
    orientations: Mapping[str, str]

    def place(self, path: Path) -> Path:
        """Where the copy of a source's file goes.

        Raises:
            InputError: If it lies in no source.
        """
        path = Path(os.path.normpath(path))  # `set/../raw/a.nii` lies beside the set
        for source, root in zip(self.sources, self.roots, strict=True):
            base = os.path.normpath(source.absolute())
            if path.is_relative_to(base):
                return root / path.relative_to(base)
        raise InputError(f"{path}: lies outside of --source, so its copy has no place; move it.")

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folder that stands for each source."""
        if len(self.sources) == 1:
            return (self.folder,)
        names = (f"{number}-{source.absolute().name}" for number, source in enumerate(self.sources))
        return tuple(self.folder / name for name in names)


def repair(
    workshop: Workshop,
    checked: Sequence[tuple[FoundCase, Verdict]],
    worth: frozenset[str],
    workers: int,
    progress: Progress,
) -> list[Finding]:
    """Lay the set out anew; a note says what was done to a file, a fault which has no way.

    Args:
        workshop: Where to.
        checked: The set's cases.
        worth: Ids of those that something was found in.
        workers: Threads.
        progress: Is told after each case how many are done, and of how many.

    Raises:
        InputError: As `Workshop.place`.
    """
    for source, root in zip(workshop.sources, workshop.roots, strict=True):
        root.mkdir(parents=True, exist_ok=True)
        _link_descriptions(source.absolute(), root)
    done: list[Finding] = []
    with ThreadPoolExecutor(workers) as pool:
        cases = (found for found, _ in checked)
        steps = pool.map(lambda found: list(_lay_out(workshop, found, worth)), cases)
        for number, step in enumerate(steps, 1):
            done += step
            progress(number, len(checked))
    return done


def _lay_out(workshop: Workshop, found: FoundCase, worth: frozenset[str]) -> Iterator[Finding]:
    places = {path: workshop.place(path) for path in found.files}
    if found.id not in worth:
        for path, place in places.items():
            _link(path, place)
        return
    mended, problems = mend_case(found, workshop.expected, workshop.orientations)
    made: list[Path] = []
    if not problems:
        problems = _write(places, mended, made)
    if not problems:
        there = replace(
            found,
            images={channel: places[path] for channel, path in found.images.items()},
            label=found.label and places[found.label],
        )
        problems = [
            _of_source(sentence, places)
            for sentence in check_case(there, workshop.expected).problems
        ]
    if problems:
        for place in made:
            place.unlink()
        yield from (fault_of(problem, found.id, found.files) for problem in problems)
        return
    for path, work in mended.items():
        if work.done:
            yield Finding(found.id, str(path), "note", ", ".join(work.done))


def _write(
    places: Mapping[Path, Path], mended: Mapping[Path, Mended], made: list[Path]
) -> list[str]:
    """Write mended copies, link the rest, and add what is new to `made`; or say why not."""
    for path, place in places.items():
        if path not in mended or not mended[path].done:
            made += _link(path, place)
            continue
        try:
            made += _save(path, mended[path], place)
        except InputError as error:
            return [str(error)]
        except OSError as error:
            return [f"{path}: its mended copy cannot be written ({error}); convert it by hand."]
    return []


def _save(path: Path, mended: Mended, place: Path) -> list[Path]:
    """Write a copy, and answer with its files: a header's voxels are one of their own.

    Raises:
        InputError: If its format cannot hold it.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".tmp-", dir=place.parent) as folder:
        copy = Path(folder) / place.name
        try:
            mended.save(copy)
        except InputError as error:
            raise InputError(str(error).replace(str(copy), str(path))) from None
        # Renamed over a link, never written through it.
        return [part.replace(place.with_name(part.name)) for part in Path(folder).iterdir()]


def _of_source(sentence: str, places: dict[Path, Path]) -> str:
    """The sentence about a copy, said of the file that it was made from."""
    for path, place in places.items():
        sentence = sentence.replace(str(place), str(path))
    return sentence


def _link_descriptions(source: Path, root: Path) -> None:
    for parent in folders_below(source) if source.is_dir() else ():
        for path in parent.iterdir():
            if path.suffix.lower() in _ABOUT_THE_SET and path.is_file():
                _link(path, root / path.relative_to(source))


def _link(path: Path, place: Path) -> list[Path]:
    """Link a source's file, and a header's voxels, where nothing is yet; answer with the links."""
    place.parent.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for part in _parts(path):
        link = place.with_name(part.name)
        if not os.path.lexists(link):
            link.symlink_to(part.resolve())
            made.append(link)
    return made


def _parts(path: Path) -> tuple[Path, ...]:
    if is_volume(path) or claims_dicom(path):
        with suppress(InputError):  # of a channel that nobody reads
            return files_of(path)
    return (path,)
