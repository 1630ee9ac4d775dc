"""Unpack: a zip or tar archive of a stranger's into a new folder, plain files alone.

zipfile and tarfile read; what is written is written here, so that one set of rules holds for both:
no name leaves the folder, there are no links and no devices, and no more bytes than were promised.
"""

import math
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from bz2 import BZ2File
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import GzipFile
from io import BufferedIOBase
from lzma import LZMAError, LZMAFile
from pathlib import Path, PurePosixPath
from typing import IO

from inspire_med.errors import InputError
from inspire_med.fetching.room import is_full, no_room, refuse_no_room
from inspire_med.wording import counted

Progress = Callable[[int, int], None]
_BLOCK = 1 << 20
_LONGEST_HEADER = 1 << 20
_MAGIC: Mapping[bytes, Callable[[Path], BufferedIOBase]] = {
    b"\x1f\x8b": GzipFile,
    b"BZh": BZ2File,
    b"\xfd7zXZ\x00": LZMAFile,
}


@dataclass(frozen=True)
class Limits:
    """The most that an archive may become.

    Args:
        files: Entries.
        ratio: Times the archive's own size.
        size: Bytes in all.
    """

    files: int = 200_000
    ratio: float = 50
    size: int = 500 * 2**30


@dataclass(frozen=True)
class _Entry:
    name: str
    size: int
    kind: str  # file, folder, or what it is instead
    opened: Callable[[], IO[bytes] | None]


def unpack(
    archive: Path,
    folder: Path,
    limits: Limits | None = None,
    progress: Progress = lambda done, total: None,
) -> None:
    """Write an archive's files below a folder.

    All names and sizes are looked at before the first byte is written.

    Args:
        archive: A .zip, or a .tar, compressed or not, by what it is and not by its name.
        folder: Where to; it exists and is empty.
        limits: The most that it may become.
        progress: Is told how many files are written, of how many.

    Raises:
        InputError: If it is no such archive, is damaged, would become too much, or holds an entry
            that is no plain file or whose name is not one below the folder.
    """
    try:
        with _opened(archive) as entries:
            files = _looked_at(archive, entries, limits or Limits())
            size = sum(entry.size for entry in files)
            refuse_no_room(folder.parent, f"what {archive} holds", size)
            for number, entry in enumerate(files, start=1):
                _write(archive, entry, folder / entry.name)
                progress(number, len(files))
    except (
        tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError,
        NotImplementedError, RuntimeError, ValueError,
    ) as error:  # fmt: skip
        if isinstance(error, InputError):
            raise
        if is_full(error):
            raise no_room(folder.parent, f"the rest of what {archive} holds", None) from None
        words = str(error).split("\n")[0] or type(error).__name__
        raise InputError(f"{archive}: cannot be unpacked ({words}); fetch it again.") from None


class _Headers(BufferedIOBase):
    """A tar's bytes, of which what stands before an entry may take few.

    tarfile reads names, further fields and maps of holes at once, as long as they say they are.
    """

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream, self._left = stream, float(_LONGEST_HEADER)
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int | None = -1) -> bytes:
        """Bytes of a header, or once all were seen of a file."""
        self._left -= math.inf if size is None or size < 0 else size
        if self._left < 0:
            raise tarfile.TarError(f"an entry's header of more than {_LONGEST_HEADER:,} bytes")
        return self._stream.read(size)

    def of_each(self, handle: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
        """The entries; after the last, files are read."""
        for member in handle:
            yield member
            self._left = float(_LONGEST_HEADER)
        self._left = math.inf


def _decompressed(archive: Path) -> BufferedIOBase:
    with archive.open("rb") as handle:
        begin = handle.read(6)
    kinds = (kind for magic, kind in _MAGIC.items() if begin.startswith(magic))
    opened = next(kinds, lambda path: path.open("rb"))
    return opened(archive)


@contextmanager
def _opened(archive: Path) -> Generator[Iterator[_Entry]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as handle:
            yield (_of_zip(handle, info) for info in handle.infolist())
        return
    with _decompressed(archive) as stream:
        headers = _Headers(stream)
        with _tar(archive, headers) as handle:
            yield (_of_tar(handle, member) for member in headers.of_each(handle))


def _tar(archive: Path, headers: _Headers) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=headers, mode="r:")
    except tarfile.ReadError:
        raise InputError(f"{archive}: neither a zip nor a tar archive; fetch it again.") from None


def _of_zip(handle: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Entry:
    mode = stat.S_IFMT(info.external_attr >> 16)  # 0 where it was made without
    plain = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "a link"}
    kind = "folder" if info.is_dir() else plain.get(mode, "no plain file")
    return _Entry(info.filename, info.file_size, kind, lambda: handle.open(info))


def _of_tar(handle: tarfile.TarFile, member: tarfile.TarInfo) -> _Entry:
    kind = "no plain file"
    if member.isreg():
        kind = "file"
    elif member.isdir():
        kind = "folder"
    elif member.issym() or member.islnk():
        kind = "a link"
    return _Entry(member.name, member.size, kind, lambda: handle.extractfile(member))


def _looked_at(archive: Path, entries: Iterator[_Entry], limits: Limits) -> list[_Entry]:
    """The files among the entries, all of which are harmless."""
    most = min(limits.size, int(limits.ratio * archive.stat().st_size))
    seen: dict[str, str] = {}
    folders: set[str] = set()
    files: list[_Entry] = []
    size = 0
    for number, entry in enumerate(entries, start=1):
        if number > limits.files:
            raise InputError(f"{archive}: more than {limits.files:,} entries; not unpacked.")
        size += entry.size
        if size > most:
            raise InputError(
                f"{archive}: would become more than {most:,} bytes, {size / most:.1f} times what "
                "is bearable for its size; not unpacked."
            )
        if entry.kind not in ("file", "folder"):
            raise InputError(f"{archive}: its entry {entry.name!r} is {entry.kind}; not unpacked.")
        key = _key(archive, entry.name)
        folders |= {str(above) for above in PurePosixPath(key).parents}
        if entry.kind == "folder":
            folders.add(key)
            continue
        if key in seen:
            raise InputError(
                f"{archive}: its entries {seen[key]!r} and {entry.name!r} have one name; not "
                "unpacked."
            )
        seen[key] = entry.name
        files.append(entry)
    both = sorted(folders & seen.keys())
    if both:
        raise InputError(f"{archive}: {seen[both[0]]!r} is a file and a folder; not unpacked.")
    return files


def _key(archive: Path, name: str) -> str:
    """What a name comes to on any file system, letter case aside, if it is harmless."""
    plain = unicodedata.normalize("NFKC", name).rstrip("/")
    parts = plain.split("/")
    strange = [c for c in name if unicodedata.category(c) in ("Cc", "Cf", "Cs") or c == "\\"]
    inside = name.rstrip("/").count("/") == plain.count("/") and ":" not in parts[0]
    if strange or not inside or {"", ".."} & set(parts):
        raise InputError(
            f"{archive}: its entry {name!r} is no plain name below a folder; not unpacked."
        )
    return "/".join(part for part in parts if part != ".").casefold()


def _write(archive: Path, entry: _Entry, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    source = entry.opened()
    written = 0
    with path.open("xb") as target:
        while source and (block := source.read(_BLOCK)):
            written += len(block)
            if written > entry.size:
                break
            target.write(block)
    if written != entry.size:
        raise InputError(
            f"{archive}: its entry {entry.name!r} has not the {counted(entry.size, 'byte')} it "
            "promises; fetch it again."
        )
