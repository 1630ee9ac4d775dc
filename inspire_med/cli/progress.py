"""Progress: bars on stderr, for a terminal alone."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


def progress_bar() -> "Progress":
    """Make a progress bar on stderr that vanishes when done; without a terminal there is none."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def one_bar(words: str) -> Generator[Callable[[int, int], None]]:
    """One bar; yields a function that is told how many are done of how many."""
    with progress_bar() as progress:
        bar = progress.add_task(words, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


@contextmanager
def cases_and_parts(
    words: str, cases: int, parts: str
) -> Generator[tuple[Callable[[], None], Callable[[int, int], None]]]:
    """One bar over cases and, while a case has several parts, one over those of it.

    Yields two functions: the first is told that a case is done, the second how many of how many
    parts of it are.
    """
    with progress_bar() as progress:
        outer = progress.add_task(words, total=cases)
        inner = progress.add_task(parts, visible=False)

        def next_case() -> None:
            progress.update(inner, visible=False)
            progress.advance(outer)

        def watch(done: int, total: int) -> None:
            progress.update(inner, completed=done, total=total, visible=total > 1)

        yield next_case, watch
