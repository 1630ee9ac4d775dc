"""Leaks: what is on both sides of a split, so that scores flatter: a patient, a video, an image."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from inspire_med.cases.case import Case
from inspire_med.errors import InputError, did_you_mean
from inspire_med.wording import counted

Kind = Literal["patient", "sequence", "duplicate"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_NOUNS: Mapping[Kind, str] = {"patient": "patient", "sequence": "sequence", "duplicate": "image"}


@dataclass(frozen=True)
class Leak:
    """What of one kind is tested on and trained on.

    Args:
        kind: Patients, sequences (videos) or images.
        leaking: How many of them are on both sides.
        tested: How many are tested on.
        example: One of them, in words.
    """

    kind: Kind
    leaking: int
    tested: int
    example: str

    @property
    def sentence(self) -> str:
        """What leaks, without a full stop."""
        verb = "is" if self.leaking == 1 else "are"
        return (
            f"{self.leaking:,} of the {counted(self.tested, _NOUNS[self.kind])} tested on {verb} "
            f"also trained on, such as {self.example}"
        )

    @property
    def note(self) -> str:
        """What every report of this split says."""
        return f"A leak, allowed by name: {self.sentence}; strangers may be harder."


def find_leaks(
    cases: Sequence[Case],
    folds: Sequence[Hashable | None],
    images: Sequence[Collection[Hashable]],
) -> tuple[Leak, ...]:
    """What one fold tests on and another side trains on.

    A sequence that leaks is no leak of its patient too. Nor is a patient all of whose cases are
    called as the patient: that name comes from the case's, and many sets number theirs alike.

    Args:
        cases: The cases.
        folds: The fold that each is tested in; None is training alone.
        images: What the images of each are known by.
    """
    named = {case.patient for case in cases if case.patient != case.id}
    patients = [{case.patient} & named for case in cases]
    sequences = [{case.sequence} - {""} for case in cases]
    found = (
        _leak("patient", cases, folds, patients),
        _leak("sequence", cases, folds, sequences),
        _leak("duplicate", cases, folds, images),
    )
    return tuple(leak for leak in found if leak is not None)


def refuse_leaks(leaks: Iterable[Leak], allowed: Collection[str], split: str) -> list[str]:
    """The notes of leaks that are allowed.

    Args:
        leaks: What leaks.
        allowed: Which kinds may.
        split: What to call the split.

    Raises:
        InputError: If one may not.
    """
    leaks = list(leaks)
    for leak in leaks:
        if leak.kind not in allowed:
            raise InputError(
                f"{split}: {leak.sentence}; keep each on one side, or pass --allow_leak "
                f"{leak.kind}, which every report will say."
            )
    return [leak.note for leak in leaks]


def kinds_named(words: str, known: Sequence[str] = KINDS) -> frozenset[str]:
    """Read `patient,sequence`.

    Args:
        words: What was asked for.
        known: Kinds that there are.

    Raises:
        InputError: If a word is no kind of leak.
    """
    named = [word.strip() for word in words.split(",") if word.strip()]
    for word in named:
        if word not in known:
            hint = did_you_mean(word, known, f"choose from {', '.join(known)}.")
            raise InputError(f"option --allow_leak: {word} is no kind of leak; {hint}")
    return frozenset(named)


def _leak(
    kind: Kind,
    cases: Sequence[Case],
    folds: Sequence[Hashable | None],
    marks: Sequence[Collection[Hashable]],
) -> Leak | None:
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, own in enumerate(marks):
        for mark in own:
            groups[mark].append(place)
    tested = {
        mark: places
        for mark, places in groups.items()
        if any(folds[place] is not None for place in places)
    }
    parted = {mark: _parted(kind, cases, folds, places) for mark, places in tested.items()}
    pairs = [(mark, pair) for mark, pair in parted.items() if pair is not None]
    if not pairs:
        return None
    mark, (first, second) = pairs[0]
    name = f"that of cases {first.id} and {second.id}"
    if kind != "duplicate":
        name = f"{mark} (cases {first.id} and {second.id})"
    return Leak(kind, len(pairs), len(tested), name)


def _parted(
    kind: Kind, cases: Sequence[Case], folds: Sequence[Hashable | None], places: Sequence[int]
) -> tuple[Case, Case] | None:
    """A case that is tested, and one of another side."""
    sides: dict[tuple[Hashable | None, str], Case] = {}
    for place in places:
        case = cases[place]
        sides.setdefault((folds[place], case.sequence if kind == "patient" else ""), case)
    for (fold, sequence), case in sides.items():
        for (other_fold, other_sequence), other in sides.items():
            if fold is not None and fold != other_fold and not sequence == other_sequence != "":
                return case, other
    return None
