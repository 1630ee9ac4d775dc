"""Packed: a model that came as one .zip, opened with mistrust for as long as it is read."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from inspire_med.fetching.unpack import Limits, unpack

_LIMITS = Limits(files=1000, ratio=50, size=2**36)


@contextmanager
def unpacked(places: Sequence[Path]) -> Generator[list[Path]]:
    """Give folders as they are, and for each .zip the folder of what it holds.

    Raises:
        InputError: As `unpack`.
    """
    with ExitStack() as stack:
        yield [_folder_of(place, stack) if place.is_file() else place for place in places]


def _folder_of(archive: Path, stack: ExitStack) -> Path:
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="inspire-med-")))
    unpack(archive, folder, _LIMITS)
    return folder
