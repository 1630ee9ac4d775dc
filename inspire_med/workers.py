"""Workers: processes and threads that share the work, and clear words where the system has none."""

import re
import sys
from collections.abc import Generator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import ModuleType

_FEWER = "ask for fewer workers (--workers 1, --data.workers 0)"
_REFUSALS = {
    r"shared memory(\(shm\)| object)": (
        "shared memory is full or closed to this process; enlarge /dev/shm (docker run --shm-size "
        f"8g) or {_FEWER}"
    ),
    r"can't start new thread|Errno 11\]": (
        f"the system refuses another process or thread; raise its limit (ulimit -u) or {_FEWER}"
    ),
    r"Too many open files": (
        f"the system refuses another open file; raise its limit (ulimit -n) or {_FEWER}"
    ),
    r"Errno 12\]": f"memory runs out; {_FEWER}",
    r"^\[Errno (13|30|38)\] [^:]*$": (  # of no file, but of a lock that workers share
        f"workers cannot share a lock; make /dev/shm writable or {_FEWER}"
    ),
    # Named files are told of elsewhere; without a name it is a handle, or a lock among workers.
    r"^\[Errno 28\]": f"no space is left; make room on the disk and in /dev/shm, or {_FEWER}",
}


def refusal(error: BaseException) -> str | None:
    """What to say if the system refused a worker what it needs, and None of any other error."""
    if isinstance(error, BrokenProcessPool):
        return f"a worker was ended from outside, as happens when memory runs out; {_FEWER}"
    if not isinstance(error, (OSError, RuntimeError)):
        return None
    text = str(error)  # of one in a worker it holds the whole traceback
    return next((words for known, words in _REFUSALS.items() if re.search(known, text)), None)


@contextmanager
def without_main() -> Generator[None]:
    """Let processes that are started here leave the user's script alone.

    A new process runs the script that started it again, up to its main guard, to find what is
    defined there. Our workers need nothing of it, and it may have no guard, or be no file at all
    but come from the standard input.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
