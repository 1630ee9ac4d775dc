"""Duplicates: one image under two names, in one case or in two, and pictures that nearly repeat."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from inspire_med.cases.case import Case
from inspire_med.cases.checking.finding import Finding
from inspire_med.cases.checking.verdict import Verdict
from inspire_med.cases.look_alike import look_alikes
from inspire_med.cases.twins import find_twins


def duplicates(verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    """What repeats, named by the case that comes later.

    Args:
        verdicts: Of the usable cases of one set.
    """
    for verdict in verdicts:
        yield from _channels_alike(verdict)
    pairs = [(verdict.case, verdict) for verdict in verdicts if verdict.case is not None]
    cases = [case for case, _ in pairs]
    files = {case.id: _file_of(case) for case in cases}
    twins = find_twins(cases, [verdict.fingerprints for _, verdict in pairs])
    for case, other in twins:
        remedy = "take one out, or keep both in one fold, as prepare does"
        yield Finding(case, files[case], "warning", f"shows the same image as {other}", remedy)
    signatures = [verdict.signature for _, verdict in pairs]
    yield from _nearly_alike(cases, signatures, files, {case for case, _ in twins})


def _channels_alike(verdict: Verdict) -> Iterator[Finding]:
    known: dict[frozenset[bytes], str] = {}
    for channel, scan in verdict.scans:
        first = known.setdefault(scan.fingerprint, channel)
        if scan.fingerprint and first != channel:
            case = verdict.case.id if verdict.case else ""
            cause = f"{channel} holds the same voxels as {first}"
            remedy = "export the true one, or leave the channel out with --channels"
            yield Finding(case, str(scan.path), "warning", cause, remedy)


def _nearly_alike(
    cases: Sequence[Case], signatures: Sequence[bytes], files: dict[str, str], named: set[str]
) -> Iterator[Finding]:
    """Pictures of two videos or patients that look alike; those of one are known to."""
    groups = [case.sequence or case.patient for case in cases]
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    apart = [replace(case, fold=numbers[group]) for case, group in zip(cases, groups, strict=True)]
    for first, second in look_alikes(apart, signatures):
        if second not in named:
            named.add(second)
            cause = f"looks almost like {first}, as frames of one video do"
            remedy = "name the video as its patient, or keep both in one fold"
            yield Finding(second, files[second], "warning", cause, remedy)


def _file_of(case: Case) -> str:
    return str(next(iter(case.images.values())))
