"""Turns: one case at a time is with the networks; few others wait, the rest come again later."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from fastapi import HTTPException, Request

Answer = TypeVar("Answer")
Watch = Callable[[int, int], None]
_GONE = 499  # nginx's number; nobody reads it


class DroppedError(Exception):
    """Nobody waits for the answer any more."""


def client_left() -> HTTPException:
    """Ends a request that nobody waits for."""
    return HTTPException(_GONE, "the client has left.")


class Turns:
    """Who is predicted, and who waits.

    Args:
        places: Requests that may be here at once, the one in work included.
        seconds: After which one is given up.
    """

    def __init__(self, places: int, seconds: float) -> None:
        self._free = places
        self._seconds = seconds
        self._usual_s = 1.0  # what the last case took
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")

    @contextmanager
    def place(self) -> Generator[None]:
        """A place for a request, its upload included.

        Raises:
            HTTPException: 503 with Retry-After if none is free.
        """
        if self._free == 0:
            raise self._busy()
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    async def run(self, request: Request, work: Callable[[Watch], Answer]) -> Answer:
        """Do the work when its turn comes, unless the client leaves or time is over before.

        Work in progress is left at the next window of the network. When this ends, so has the work:
        its files may be removed.

        Args:
            request: Whose body has been read.
            work: Gets what hears after each window, and may end it there.

        Raises:
            HTTPException: 503 if its turn did not come in time, 504 if it took too long.
        """
        dropped = threading.Event()

        def watch(_done: int, _total: int) -> None:
            if dropped.is_set():
                raise DroppedError

        begun = self._worker.submit(self._timed, work, watch)
        answer = asyncio.wrap_future(begun)
        left = asyncio.ensure_future(_left(request))
        try:
            done, _ = await asyncio.wait(
                {answer, left}, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if answer in done:
                return answer.result()
        finally:
            left.cancel()
            dropped.set()
            waited = begun.cancel()
            if not waited:
                await asyncio.wait({answer})
                answer.exception()  # looked at, else asyncio complains of it
        if left in done:
            raise client_left()
        if waited:
            raise self._busy()
        raise HTTPException(504, f"not done after {self._seconds:.0f} seconds, and given up.")

    def close(self) -> None:
        """Wait until nothing is in work."""
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _timed(self, work: Callable[[Watch], Answer], watch: Watch) -> Answer:
        started = time.monotonic()
        answer = work(watch)
        self._usual_s = time.monotonic() - started
        return answer

    def _busy(self) -> HTTPException:
        later = {"Retry-After": str(max(1, math.ceil(self._usual_s)))}
        return HTTPException(503, "others are waiting already; ask again later.", later)


async def _left(request: Request) -> None:
    """Returns when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
