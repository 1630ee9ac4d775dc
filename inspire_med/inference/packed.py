"""Packed: a model that came as one .zip, opened with mistrust for as long as it is read."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from inspire_med.fetching.unpack import Limits, unpack
from inspire_med.inference.members import Member

_LIMITS = Limits(files=1000, ratio=50, size=2**36)


@contextmanager
def unpacked(places: Sequence[Path]) -> Generator[list[Path]]:
    """Give folders as they are, and for each .zip the folder of what it holds.

    Raises:
        InputError: As `unpack`.
    """
    with ExitStack() as stack:
        yield [_folder_of(place, stack) if place.is_file() else place for place in places]


def by_archive(
    members: Sequence[Member], places: Sequence[Path], given: Sequence[Path]
) -> list[Member]:
    """The members, those of a .zip said to be from it: its folder is gone once they are read.

    Args:
        members: As they were read.
        places: Where from, as `unpacked` gave them.
        given: What it was given.
    """
    archives = {place: own for place, own in zip(places, given, strict=True) if place != own}
    return [
        replace(
            member,
            folder=next(
                (own for place, own in archives.items() if member.folder.is_relative_to(place)),
                member.folder,
            ),
        )
        for member in members
    ]


def _folder_of(archive: Path, stack: ExitStack) -> Path:
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="inspire-med-")))
    unpack(archive, folder, _LIMITS)
    return folder
