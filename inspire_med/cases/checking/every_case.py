"""Every case: those of a folder or of a manifest checked, several at a time."""

from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor

from inspire_med.cases.case import Case
from inspire_med.cases.checking.case import check_case
from inspire_med.cases.checking.verdict import Expectation, Verdict
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.cases.manifest import Manifest
from inspire_med.imaging.masks import values_of

Progress = Callable[[int, int], None]


def check_all(
    cases: Sequence[FoundCase],
    expected: Expectation,
    workers: int,
    progress: Progress | None = None,
) -> list[Verdict]:
    """Check many cases, several at a time.

    Args:
        cases: The cases.
        expected: What each must fulfil.
        workers: Threads; reading leaves the interpreter free.
        progress: Is told after each case how many are done, and of how many.
    """
    verdicts: list[Verdict] = []
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for verdict in pool.map(lambda case: check_case(case, expected), cases):
            verdicts.append(verdict)
            if progress is not None:
                progress(len(verdicts), len(cases))
    return verdicts


def check_again(manifest: Manifest, progress: Progress) -> list[Verdict]:
    """Open every file of a manifest's cases once more.

    Args:
        manifest: The manifest.
        progress: Is told after each case how many are done, and of how many.
    """
    values = {0, *values_of(manifest.regions), *manifest.task.preparation.ignored}
    verdicts: list[Verdict] = []
    with ThreadPoolExecutor(2) as pool:
        for verdict in pool.map(lambda case: _check_again(case, manifest, values), manifest.cases):
            verdicts.append(verdict)
            progress(len(verdicts), len(manifest.cases))
    return verdicts


def _check_again(case: Case, manifest: Manifest, values: Set[int]) -> Verdict:
    found = FoundCase(case.id, case.patient, case.images, case.label, case.site, case.components)
    channels = tuple(name for name in manifest.channels if name not in case.filled)
    preparation = manifest.task.preparation
    return check_case(found, Expectation(channels, tuple(sorted(values)), preparation=preparation))
