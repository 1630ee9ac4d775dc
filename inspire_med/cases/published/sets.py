"""Sets: published sets of pictures, told by their files' names and size and not by a folder's name.

A table a set, in a CSV beside this file: a picture a line, with the video that it is a frame of and
its part in each published split. They are of PraNet's release (Fan 2020), of Kvasir-SEG's own split
(Jha 2020) and of CVC-ClinicDB's list of frames (Bernal 2015).
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from inspire_med.errors import InputError
from inspire_med.imaging.picture import opened_as_stored
from inspire_med.wording import counted


@dataclass(frozen=True)
class PublishedSet:
    """A published set of pictures.

    Args:
        name: As its authors spell it.
        word: What folders that hold it are called by, in lower case.
        size: (width, height) of all its pictures; None where they differ.
    """

    name: str
    word: str
    size: tuple[int, int] | None = None

    @cached_property
    def rows(self) -> Mapping[str, Mapping[str, str]]:
        """What is known of each picture, by its file's name without suffix."""
        table = Path(__file__).with_name(f"{self.name.lower()}.csv")
        with table.open(newline="", encoding="utf-8") as handle:
            return {row.pop("name"): row for row in csv.DictReader(handle)}

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the published splits that it has a part in."""
        return tuple(name for name in next(iter(self.rows.values())) if name != "sequence")

    def part(self, split: str, part: str) -> frozenset[str]:
        """The pictures that a split has in one part, such as `train`."""
        return frozenset(name for name, row in self.rows.items() if row[split] == part)

    def is_whole(self, names: Sequence[str]) -> bool:
        """Whether these are all its pictures, or all of one part of a published split."""
        wholes = {frozenset(self.rows)}
        for split in self.splits:
            wholes |= {self.part(split, row[split]) for row in self.rows.values()}
        return frozenset(names) in wholes

    def has_size_of(self, picture: Path) -> bool:
        """Whether the header of a file says the set's size."""
        if self.size is None:
            return True
        try:
            with opened_as_stored(picture) as image:
                return image.size == self.size
        except InputError:
            return False  # whoever opens it as a case says what is wrong with it


PUBLISHED = (
    PublishedSet("Kvasir-SEG", "kvasir"),
    PublishedSet("CVC-ClinicDB", "clinicdb", (384, 288)),
    PublishedSet("ETIS-LaribPolypDB", "etis", (1225, 966)),
    PublishedSet("CVC-ColonDB", "colondb", (574, 500)),
    PublishedSet("CVC-300", "cvc-300", (574, 500)),
)


def published_set(name: str) -> PublishedSet | None:
    """The set of this name, if there is one."""
    return next((known for known in PUBLISHED if known.name == name), None)


def tell_sets(
    folder: str, pictures: Mapping[str, Path]
) -> tuple[dict[str, PublishedSet], list[str]]:
    """Of which published sets the pictures of a folder are, and what should be said of it.

    A picture is a set's by its name and its size, or by its name and the folder's. Where that fits
    several sets, a folder called as one of them decides, then a set that is there as a whole, then
    the one of more pictures.

    Args:
        folder: Name of the folder.
        pictures: Its pictures, by name without suffix.
    """
    claims = {known: claim for known in PUBLISHED if (claim := _claim(known, folder, pictures))}
    ranks = {
        known: (known.word in folder.lower(), known.is_whole(names), len(names))
        for known, names in claims.items()
    }
    told: dict[str, PublishedSet] = {}
    notes: list[str] = []
    unclear: list[PublishedSet] = []
    for known, names in claims.items():
        rivals = [each for each in claims if each != known and {*names} & {*claims[each]}]
        if all(ranks[known] > ranks[rival] for rival in rivals):
            told |= dict.fromkeys(names, known)
            if not all(ranks[known][:2]) or len(names) < len(pictures):
                notes.append(_said(folder, known, names, pictures))
        elif all(ranks[known] >= ranks[rival] for rival in rivals):
            unclear.append(known)
    if unclear:
        notes.append(
            f"{folder}: {counted(len(claims[unclear[0]]), 'picture')} could be of "
            f"{' or '.join(known.name for known in unclear)}, not all of which are there: taken as "
            "of neither; call the folder as the set."
        )
    return told, notes


def _claim(known: PublishedSet, folder: str, pictures: Mapping[str, Path]) -> list[str]:
    named = [name for name in pictures if name in known.rows]
    fitting = [name for name in named if known.has_size_of(pictures[name])]
    return fitting or (named if known.word in folder.lower() else [])


def _said(
    folder: str, known: PublishedSet, names: Sequence[str], pictures: Mapping[str, Path]
) -> str:
    sized = known.size is not None and known.has_size_of(pictures[names[0]])
    size = f" and size ({known.size[0]} x {known.size[1]})" if known.size and sized else ""
    others = len(pictures) - len(names)
    beside = f", beside {counted(others, 'other')}" if others else ""
    return (
        f"{folder}: {counted(len(names), 'picture')} taken for {known.name} (of {len(known.rows)}) "
        f"by their names{size}{beside}."
    )
