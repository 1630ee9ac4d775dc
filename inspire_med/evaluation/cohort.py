"""Cohort: a set of predictions under a protocol: its files paired, scored and written down."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from inspire_med.errors import InputError
from inspire_med.evaluation.batch import Job, Rules, score_batch
from inspire_med.evaluation.case import regions_under
from inspire_med.evaluation.maps import find_predictions, maps_beside, refuse_masks
from inspire_med.evaluation.measures.measure import CALIBRATION, CALIBRATION_POLICY, in_pixels
from inspire_med.evaluation.origin import origin_of
from inspire_med.evaluation.pairs import Pairing, pair
from inspire_med.evaluation.protocols import (
    MapProtocol,
    MaskProtocol,
    PictureProtocol,
    Protocol,
    SetProtocol,
)
from inspire_med.evaluation.protocols.kinds import regions_in_words
from inspire_med.evaluation.references import References
from inspire_med.evaluation.result import CaseScores
from inspire_med.evaluation.scores import Summaries, score_table, summarise_cases
from inspire_med.evaluation.videos import of_videos, with_sites_of_videos, without_ends
from inspire_med.imaging.labels import said_once
from inspire_med.imaging.masks import Regions
from inspire_med.imaging.volume import is_volume
from inspire_med.wording import listed


@dataclass(frozen=True)
class Request:
    """How predictions are read and scored.

    Attributes:
        protocol: The rules.
        allow_missing: Leave out cases without a partner instead of refusing.
        ignore_affine: Compare voxel by voxel where affines differ.
        resample: Bring predictions on another grid onto their references'.
        calibration: Score the probabilities beside the predictions too.
        workers: Processes, each with one case in memory.
    """

    protocol: Protocol
    allow_missing: bool = False
    ignore_affine: bool = False
    resample: bool = False
    calibration: bool = False
    workers: int = 1


@dataclass(frozen=True)
class Cohort:
    """A set of predictions, scored.

    Attributes:
        protocol: The rules, with the measures as they read for these cases.
        cases: Their scores.
        pairing: Which files belong together; empty where a whole set is one file.
        references: What they were held against.
        notes: What the reader of the scores should know, a sentence each.
        provenance: Where it comes from, label to text.
        resampled: Whether predictions on another grid were brought onto their references'.
    """

    protocol: Protocol
    cases: Sequence[CaseScores]
    pairing: Pairing
    references: References
    notes: tuple[str, ...]
    provenance: Mapping[str, str] = field(default_factory=dict[str, str])
    resampled: bool = False

    @cached_property
    def regions(self) -> Regions:
        """Label values of what was scored; empty where it has none."""
        if not isinstance(self.protocol, MaskProtocol):
            return {}
        return regions_under(self.protocol, self.references.regions)

    def shown(self, case: str) -> str:
        """The id of the pair of files that shows a case: its own, or a video's middle frame."""
        frames = [frame for frame, video in self.references.videos.items() if video == case]
        return frames[len(frames) // 2] if frames else case

    @cached_property
    def scores(self) -> pd.DataFrame:
        """A row a case, region and measure."""
        return score_table(self.cases)

    @cached_property
    def summaries(self) -> Summaries:
        """`summaries[region][measure]`."""
        return summarise_cases(self.protocol, self.cases)


def score_cohort(
    folder: Path,
    references: References,
    request: Request,
    on_start: Callable[[int], Any],
    on_done: Callable[[], None],
) -> Cohort:
    """Pair the predictions in a folder with their references and score them.

    Args:
        folder: Masks or maps named by case id.
        references: What they are held against.
        request: How to score.
        on_start: Called with the number of cases.
        on_done: Called after each.

    Raises:
        InputError: If a file is missing, unreadable or not what the protocol takes.
    """
    rules = request.protocol
    _refuse_vain_options(request)
    if isinstance(rules, PictureProtocol) and references.ignore is not None:
        raise InputError(
            f"protocol {rules.name}: scores pictures of black and white, and the references hold "
            f"{references.ignore} where nobody has judged; choose another, such as segmentation."
        )
    if rules.of_videos:
        references = without_ends(references)
    found = find_predictions(folder, rules)
    asked = {name: found[name] for name in found.keys() - references.elsewhere}
    pairing = pair(references.masks, asked, allow_missing=request.allow_missing)
    if isinstance(rules, MapProtocol):
        refuse_masks(folder, pairing, rules)
    maps = maps_beside(folder, pairing, references.regions, rules, calibration=request.calibration)
    jobs = [Job(name, *files, maps.get(name)) for name, files in pairing.pairs.items()]
    on_start(len(jobs))
    how = Rules(
        rules.name,
        references.regions,
        references.background,
        references.ignore,
        request.ignore_affine,
        request.resample,
        request.calibration,
    )
    cases = score_batch(jobs, how, workers=request.workers, on_done=on_done)
    notes = (*_notes(pairing, cases, rules), *_label_notes(rules, references), *references.notes)
    if rules.of_videos:
        cases, references = of_videos(cases, references.videos), with_sites_of_videos(references)
    notes += tuple(rules.remarks(cases, references.sites))
    return Cohort(
        protocol=_as_read(rules, references, calibration=request.calibration),
        cases=cases,
        pairing=pairing,
        references=references,
        notes=notes,
        provenance={"Predictions": str(folder), **origin_of(folder), **references.provenance},
        resampled=request.resample,
    )


def score_whole_set(reference: Path, prediction: Path, rules: SetProtocol) -> Cohort:
    """Score one file of predictions against one file of references.

    Raises:
        InputError: If a file is missing, unreadable or not what the protocol takes.
    """
    cases = [rules.score(reference, prediction)]
    return Cohort(
        protocol=rules,
        cases=cases,
        pairing=Pairing({}, (), ()),
        references=References({}, {}),
        notes=cases[0].notes,
        provenance={"Predictions": str(prediction), "References": str(reference)},
    )


def _refuse_vain_options(request: Request) -> None:
    """Options that a protocol on pictures has no use for would be passed over in silence."""
    if request.protocol.of_videos and request.allow_missing:
        raise InputError(
            f"option --allow_missing: protocol {request.protocol.name} scores whole videos; "
            "complete their frames, and leave it out."
        )
    if not isinstance(request.protocol, PictureProtocol):
        return
    for option in ("calibration", "resample", "ignore_affine"):
        if getattr(request, option):
            raise InputError(
                f"option --{option}: is for masks with labels; protocol {request.protocol.name} "
                "scores pictures; leave it out."
            )


def _as_read(rules: Protocol, references: References, *, calibration: bool) -> Protocol:
    """The protocol with its measures and rules as they read for these cases."""
    measures = {**rules.measures, **(CALIBRATION if calibration else {})}
    policy = (*rules.policy, *(CALIBRATION_POLICY if calibration else ()))
    if isinstance(rules, MaskProtocol):
        policy = (regions_in_words(regions_under(rules, references.regions)), *policy)
    example = next(iter(references.masks.values()))
    words = measures if is_volume(example) else in_pixels(measures)
    return replace(rules, measures=words, policy=policy)


def _notes(pairing: Pairing, cases: Sequence[CaseScores], rules: Protocol) -> list[str]:
    """What was left out and what readers decided; each kind of note is said once."""
    thresholded = [pairing.pairs[each.case][1].name for each in cases if each.thresholded]
    notes = [
        f"{len(thresholded)} of {len(cases)} maps hold two values alone, as masks do "
        f"({listed(thresholded)}): {rules.name} scores maps that were not thresholded, and gives "
        "other numbers for masks, so do not lay these beside the papers'. predict writes the maps "
        "of polyp models, and any with --probabilities."
    ] * bool(thresholded)
    notes += [
        f"Left out, {what}: {', '.join(ids)}."
        for ids, what in (
            (pairing.missing, "without a prediction"),
            (pairing.spurious, "without a reference"),
        )
        if ids
    ]
    return notes + said_once(note for each in cases for note in each.notes)


def _label_notes(rules: Protocol, references: References) -> list[str]:
    """Of regions that take a label by the protocol which is another region's in the data set."""
    own = (rules.regions or {}) if isinstance(rules, MaskProtocol) else {}
    known = references.regions
    return [
        f"{name} is label {', '.join(map(str, own[name]))} by {rules.name}, which is {other} in "
        f"this data set: its scores are those of {other}, and say nothing of {name}."
        for name, other in product(own, own)
        if name not in known and other in known and set(own[name]) == set(known[other])
    ]
