"""Verdict: what the cases of a set must fulfil, and what the check of one found."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from inspire_med.cases.case import Case
from inspire_med.cases.checking.finding import Finding
from inspire_med.cases.checking.scan import Scan
from inspire_med.tasks.task import Preparation


@dataclass(frozen=True)
class Verdict:
    """What the check of one case found.

    Args:
        case: The case with shape and spacing, or None if it cannot be used.
        findings: All that was seen.
        values: Label values that occur in its label file.
        foreground: Share of labelled voxels, for balanced folds.
        judged: Share of voxels that do not hold the label to ignore.
        signature: Perceptual hash of an image, to find near-duplicates; empty for volumes.
        fingerprints: Of the content of each image, to find twins.
        scans: What is known of each channel's file, to find what stands apart; none of pictures.
    """

    case: Case | None
    findings: tuple[Finding, ...] = ()
    values: frozenset[int] = frozenset()
    foreground: float = 0.0
    judged: float = 1.0
    signature: bytes = b""
    fingerprints: frozenset[bytes] = frozenset()
    scans: tuple[tuple[str, Scan], ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each fault."""
        return tuple(each.sentence for each in self.findings if each.verdict == "fault")

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be decided about its files, by their names, one sentence each."""
        notes = (each for each in self.findings if each.verdict == "note")
        return tuple(replace(each, file=Path(each.file).name).sentence for each in notes)


@dataclass(frozen=True)
class Expectation:
    """What every case of a set must fulfil.

    Args:
        channels: Channels the network will read.
        values: Label values that may occur.
        fill_missing: Channels that a case lacks are filled with zeros and marked.
        preparation: Names the reference, and the channels that may lie on another grid.
    """

    channels: tuple[str, ...]
    values: tuple[int, ...]
    fill_missing: bool = False
    preparation: Preparation = field(default_factory=Preparation)
