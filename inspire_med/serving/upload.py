"""Upload: the files of a request, streamed to names of ours; no name of a client's is opened."""

import shutil
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import anyio
from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from inspire_med.serving.turns import client_left

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_LONGEST_FIELD = 2**16  # bytes of a field that is no file
_MOST_FIELDS = 16
_SILENT_S = 60.0  # how long a client may send nothing
_HEARD_S = 5.0  # how long one is heard out that was refused, so that it hears why


@dataclass(frozen=True)
class Limits:
    """What is taken.

    Args:
        size: Bytes of a request.
        names: Form fields that may hold a file; each may come once.
        suffixes: A file's name ends in one of these.
    """

    size: int
    names: Collection[str]
    suffixes: Collection[str]


@dataclass
class Upload:
    """What a request brought: files by form field, and the other fields."""

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)

    def remove(self) -> None:
        """Leave nothing of it on the disk."""
        shutil.rmtree(self.folder, ignore_errors=True)


async def receive(request: Request, folder: Path, limits: Limits) -> Upload:
    """Write a request's files into a folder while they come.

    Args:
        request: Of multipart/form-data.
        folder: Empty, and removed by the caller however this ends.
        limits: What is taken.

    Raises:
        HTTPException: 413 if it is too large, 415 if it is no form, 422 if it is cut off, holds an
            unknown field or one twice, or a file of no suffix that is taken; 408 if nothing comes.
    """
    try:
        return await _receive(request, folder, limits)
    except HTTPException:
        # A client that is cut off while it sends does not read why.
        with anyio.move_on_after(_HEARD_S), suppress(RuntimeError, ClientDisconnect):
            async for _ in request.stream():
                pass
        raise


async def _receive(request: Request, folder: Path, limits: Limits) -> Upload:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise HTTPException(415, "send a form, multipart/form-data, with a file in it.")
    too_large = HTTPException(413, f"larger than the {limits.size} bytes that are taken.")
    if int(request.headers.get("content-length", 0)) > limits.size:
        raise too_large
    parts = _Parts(Upload(folder), limits)
    size = 0
    stream = aiter(request.stream())
    try:
        parser = MultipartParser(options[b"boundary"], parts.callbacks())
        while (chunk := await _next_of(stream)) is not None:
            size += len(chunk)
            if size > limits.size:
                raise too_large
            await run_in_threadpool(parser.write, chunk)
    except FormParserError:
        raise HTTPException(422, "the form cannot be read; send multipart/form-data.") from None
    finally:
        parts.close()
    if not parts.ended:
        raise HTTPException(422, "the form was cut off; send it again.")
    return parts.upload


async def _next_of(stream: Any) -> bytes | None:
    """What comes next; None at the end."""
    try:
        with anyio.fail_after(_SILENT_S):
            return await anext(stream, None)
    except ClientDisconnect:
        raise client_left() from None
    except TimeoutError:
        raise HTTPException(408, f"nothing came for {_SILENT_S:.0f} seconds.") from None


class _Parts:
    """Takes a form apart, called back by its parser."""

    def __init__(self, upload: Upload, limits: Limits) -> None:
        self.upload = upload
        self.ended = False
        self._limits = limits
        self._headers: dict[bytes, bytes] = {}
        self._header = self._value = b""
        self._name = ""
        self._file: BinaryIO | None = None
        self._text = b""

    def callbacks(self) -> "MultipartCallbacks":
        """What the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def close(self) -> None:
        """Close the file that was being written, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self._headers, self._text = {}, b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _open(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode(errors="replace")
        known = self.upload.files.keys() | self.upload.fields.keys()
        if self._name in known:
            raise HTTPException(422, f"the field {self._name!r} comes twice; send it once.")
        if b"filename" in options:
            path = self._path_for(options[b"filename"].decode(errors="replace").lower())
            self._file = path.open("xb")
            self.upload.files[self._name] = path
        elif len(self.upload.fields) >= _MOST_FIELDS:
            raise HTTPException(422, "too many fields.")

    def _path_for(self, client_name: str) -> Path:
        """A path of ours; of the client's name its end alone is looked at."""
        taken = self._limits
        if self._name not in taken.names:
            raise HTTPException(
                422, f"no file is asked for as {self._name!r}; send {', '.join(taken.names)}."
            )
        suffix = next((end for end in taken.suffixes if client_name.endswith(end)), None)
        if suffix is None:
            raise HTTPException(
                422, f"the file of {self._name}: its name must end in {', '.join(taken.suffixes)}."
            )
        return self.upload.folder / f"{len(self.upload.files)}{suffix}"

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > _LONGEST_FIELD:
            raise HTTPException(413, f"the field {self._name!r} is too long.")

    def _end(self) -> None:
        if self._file is None:
            self.upload.fields[self._name] = self._text.decode(errors="replace")
        self.close()

    def _finish(self) -> None:
        self.ended = True
