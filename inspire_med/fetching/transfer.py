"""Transfer: one file over HTTP, going on where it was cut off, and its checksum."""

import hashlib
import re
import ssl
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from io import FileIO
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from inspire_med.errors import InputError
from inspire_med.fetching.room import is_full, no_room, refuse_no_room

Progress = Callable[[int, int], None]
TRIES = 5  # in a row that bring nothing
_BLOCK = 1 << 20
_MAY_PASS = (408, 425, 429)  # of the client's errors, those that another try may not meet


def fetch(
    url: str,
    part: Path,
    *,
    size: int | None = None,
    timeout_s: float = 60,
    pause_s: float = 2,
    progress: Progress = lambda done, total: None,
) -> None:
    """Bring a file into `part`, after what `part` holds already.

    A transfer that stalls or is cut off is tried again from where it stands, as long as that brings
    more of it.

    Args:
        url: Where it is.
        part: Where to; kept if it stays unfinished, so that the next call goes on.
        size: Bytes that there must be; None where nobody says.
        timeout_s: Longest silence of the server.
        pause_s: Before another try; doubled with each that brings nothing.
        progress: Is told how many bytes are there, of how many.

    Raises:
        InputError: If the server refuses, brings more than `size`, or brings nothing any more, or
            the disk has no room for it.
        OSError: If `part` cannot be written.
    """
    if size is not None:
        refuse_no_room(part.parent, f"the rest of {url}", size - _held(part))
    fails, cause = 0, "not begun"
    while cause:
        before = _held(part)
        cause = _try(url, part, before, size, timeout_s, progress) if before != size else ""
        fails = 0 if _held(part) > before else fails + 1
        if cause and fails == TRIES:
            raise InputError(
                f"{url}: the transfer fails ({cause}); give the same command again, it goes on "
                "from where this stands."
            )
        if cause:
            time.sleep(pause_s * 2 ** max(0, fails - 1))
    if size is not None and _held(part) > size:
        part.unlink()
        raise InputError(f"{url}: is more than its {size:,} bytes; removed, try again.")


def refuse_other_checksum(part: Path, checksum: str, url: str) -> None:
    """Remove a file whose checksum is not the published one.

    Args:
        part: The file.
        checksum: As `sha256:...`; any algorithm of hashlib's by its name.
        url: Where it is from.

    Raises:
        InputError: If it is another.
    """
    algorithm, _, wanted = checksum.partition(":")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with part.open("rb") as handle:
        while block := handle.read(_BLOCK):
            digest.update(block)
    if digest.hexdigest() != wanted:
        part.unlink()
        raise InputError(
            f"{url}: its {algorithm} is {digest.hexdigest()[:12]}..., not the published "
            f"{wanted[:12]}...; removed, try again, and if it is so again the file was replaced."
        )


def _held(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


class _CutOffError(OSError):
    """The connection ended before the file did."""


def _try(
    url: str, part: Path, have: int, size: int | None, timeout_s: float, progress: Progress
) -> str:
    """One request; why another is needed, or nothing."""
    try:
        _continue(url, part, have, size, timeout_s, progress)
    except HTTPError as error:
        if error.code == 416 and have:  # nothing from there on: what is there is all, or stale
            if _total_of(error.headers.get("Content-Range")) == have:
                return ""
            part.unlink()
        elif error.code < 500 and error.code not in _MAY_PASS:
            raise InputError(
                f"{url}: the server answers {error.code} ({error.reason}); look at the set's page "
                "whether it has moved."
            ) from None
        return f"{error.code} {error.reason}"
    except (OSError, HTTPException) as error:
        if isinstance(error, OSError) and error.filename is not None:  # of the disk, not the server
            if is_full(error):
                rest = None if size is None else size - _held(part)
                raise no_room(part.parent, f"the rest of {url}", rest) from None
            raise
        if isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
            raise InputError(
                f"{url}: the server's certificate cannot be verified; fetch it with a browser, "
                f"save it as {part}, and give the same command again, which looks at its checksum."
            ) from None
        return str(getattr(error, "reason", "")) or str(error) or type(error).__name__
    return ""


def _continue(
    url: str, part: Path, have: int, size: int | None, timeout_s: float, progress: Progress
) -> None:
    """One request for what is missing, written as it comes."""
    request = Request(url, headers={"User-Agent": "inspire-med", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urlopen(request, timeout=timeout_s) as answer:
        begin, total = _span(answer, have)
        with part.open("r+b" if begin else "wb", buffering=0) as handle:
            handle.seek(begin)
            done = begin
            while block := answer.read(_BLOCK):
                _write(handle, block, part)
                done += len(block)
                progress(done, size or total or done)
                if size is not None and done > size:
                    return
    if done < (size or total or 0):
        raise _CutOffError(f"cut off after {done:,} bytes")


def _write(handle: FileIO, block: bytes, part: Path) -> None:
    """Write all of a block; what goes wrong is the file's, by its name."""
    left = memoryview(block)
    try:
        while left:
            left = left[handle.write(left) :]
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(part)) from None


def _span(answer: HTTPResponse, have: int) -> tuple[int, int | None]:
    """Where the answer begins in the file, and how long the file is, as far as is said."""
    length = answer.headers.get("Content-Length")
    if answer.status != 206:  # the server cannot go on: from the beginning
        return 0, None if length is None else int(length)
    span = answer.headers.get("Content-Range") or ""
    begin = re.match(r"bytes (\d+)-", span)
    if begin is None or int(begin[1]) != have:
        raise _CutOffError(f"the server answers with {span or 'an unknown part'}")
    return have, _total_of(span)


def _total_of(span: str | None) -> int | None:
    found = re.search(r"/(\d+)$", span or "")
    return int(found[1]) if found else None
