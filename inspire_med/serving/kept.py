"""Kept: images that a client uploads first and asks masks for later."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi import HTTPException

from inspire_med.serving.upload import Upload


@dataclass
class _Entry:
    upload: Upload
    timer: asyncio.TimerHandle | None = None
    users: int = 0


class Kept:
    """Uploads by a key of the client's, each until it was not used for a time.

    Args:
        most: How many; another one replaces the one that was not used for longest.
        seconds: How long after its last use.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._entries: dict[str, _Entry] = {}  # the last used one last

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def keep(self, key: str, upload: Upload) -> None:
        """Keep an upload and its folder, in place of one of the same key."""
        if key in self._entries:
            self.drop(key)
        elif len(self._entries) >= self._most:
            self.drop(next(iter(self._entries)))
        self._entries[key] = _Entry(upload)
        self._wind(key)

    @contextmanager
    def using(self, key: str) -> Generator[Upload]:
        """An upload, which stays as long as it is used here.

        Raises:
            HTTPException: 404 if there is none by this key.
        """
        if key not in self._entries:
            raise HTTPException(404, "no such image is kept here; upload it again.")
        entry = self._entries[key] = self._entries.pop(key)
        entry.users += 1
        self._wind(key)
        try:
            yield entry.upload
        finally:
            entry.users -= 1
            if self._entries.get(key) is not entry:
                _remove_unused(entry)

    def drop(self, key: str) -> None:
        """Remove an upload, as soon as nobody uses it."""
        entry = self._entries.pop(key)
        if entry.timer is not None:
            entry.timer.cancel()
        _remove_unused(entry)

    def _wind(self, key: str) -> None:
        """Let its time begin again."""
        entry = self._entries[key]
        if entry.timer is not None:
            entry.timer.cancel()
        loop = asyncio.get_running_loop()
        entry.timer = loop.call_later(self._seconds, self.drop, key)


def _remove_unused(entry: _Entry) -> None:
    if entry.users == 0:
        entry.upload.remove()
