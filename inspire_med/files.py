"""Files: written whole or not at all and never over somebody's data; texts read with mistrust."""

import errno
import hashlib
import json
import os
import platform
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Hashable, Iterable
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from inspire_med.errors import InputError

# Of a parser that says what it cannot read; and of one that trips over a number of 5,000 digits,
# over 2026-13-45 where YAML sees a date, over a tag such as !!int on a word, or over a thousand
# brackets in each other.
_UNREADABLE = (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError)
_NO_LINKS = (
    *(errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP),
    errno.EXDEV,  # a fold's folder may be a link to another disk
)


@contextmanager
def atomic_path(path: Path) -> Generator[Path]:
    """Give a temporary name beside `path`; on success fsync it and rename it into place.

    The temporary name keeps `path`'s suffixes, because writers choose their format by them. If the
    block raises, the temporary file is removed and `path` is as it was before. Where the disk is
    full, the error names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
        fsync_folder(path.parent)
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error  # a write names no file
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(
    path: Path, *, before_commit: Callable[[], None] | None = None
) -> Generator[Path]:
    """Give a temporary folder beside `path`; on success fsync its files and rename it into place.

    `path` must not exist when the block ends; `before_commit` may move an old one out of the way.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                with file.open("rb") as handle:
                    os.fsync(handle.fileno())
        fsync_folder(temporary)
        if before_commit is not None:
            before_commit()
        temporary.rename(path)
        fsync_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def link_or_copy(source: Path, path: Path) -> None:
    """Give a file a second name; where the file system has no links, a copy of it.

    A file written as `atomic_path` does it is another one from then on, under its own name alone.
    """
    try:
        path.hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copyfile(source, path)


def _beside(path: Path) -> Path:
    """A temporary name that no other process of any machine uses."""
    return path.with_name(f".tmp-{platform.node()}-{os.getpid()}-{path.name}")


def remove_half_written(folder: Path) -> None:
    """Remove what writers that were killed left in a folder that nobody writes into now."""
    for left in folder.glob(".tmp-*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def fsync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write text in UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON, atomically; NaN is refused because JSON has none."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def sha256(path: Path) -> str:
    """Hex sha256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_text(path: Path) -> str:
    """Read a text that somebody wrote: UTF-8, with the mark that Windows puts first or without.

    Raises:
        InputError: If the file is missing, cannot be read, or is of another encoding.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path.") from None
    if b"\0" in raw:  # every second byte of plain words in UTF-16
        raise InputError(f"{path}: is UTF-16 text, or no text at all; save it as UTF-8.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: its byte {error.start} is no UTF-8 (a text in the code of one country?); "
            "save it as UTF-8."
        ) from None


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: As `read_text`; also if it is not JSON, or one object has a key twice.
    """
    return _parsed(path, "JSON", partial(json.loads, object_pairs_hook=_each_once))


def read_yaml(path: Path) -> Any:
    """Read a YAML file; nothing in it runs.

    Raises:
        InputError: As `read_text`; also if it is not YAML, or one mapping has a key twice.
    """
    return _parsed(path, "YAML", partial(yaml.load, Loader=_KeysOnce))


def _parsed(path: Path, kind: str, parse: Callable[[str], Any]) -> Any:
    text = read_text(path)
    try:
        return parse(text)
    except _RepeatedKeyError as error:
        raise InputError(f"{path}: has the key {error} twice; keep one.") from None
    except _UNREADABLE as error:
        words = " ".join(str(error).split())
        raise InputError(f"{path}: not readable as {kind} ({words}); mend it.") from None


class _RepeatedKeyError(Exception):
    """A key that comes twice: the later one would hold in silence."""


def _refuse_twice(keys: Iterable[Hashable]) -> None:
    for key, count in Counter(keys).items():
        if count > 1:
            raise _RepeatedKeyError(key)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        _refuse_twice(key for key, _ in pairs)
    return found


class _KeysOnce(yaml.SafeLoader):
    """YAML as data, each key once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        _refuse_twice(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        return super().construct_mapping(node, deep)


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Refuse to write over what is there, or where nothing can be written.

    Raises:
        InputError: If `path` is a file, or a folder with something in it, and `overwrite` is False;
            or if it is below a file or in a folder without the right to write.
    """
    there = next(place for place in (path, *path.absolute().parents) if place.exists())
    if there != path and there.is_file():
        raise InputError(f"{path}: {there} is a file, not a folder; choose another place.")
    if not os.access(there, os.W_OK):
        raise InputError(f"{path}: {there} cannot be written; choose another place.")
    occupied = path.is_file() or (path.is_dir() and any(path.iterdir()))
    if occupied and not overwrite:
        raise InputError(f"{path}: exists already; choose another place or pass --overwrite.")
