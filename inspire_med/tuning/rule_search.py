"""Rule search: rules of postprocessing that help on cases which did not choose them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.batch import map_cases
from inspire_med.evaluation.case import score_masks
from inspire_med.evaluation.protocols import MaskProtocol, Protocol, protocol
from inspire_med.imaging.masks import Regions, joint_box
from inspire_med.inference.postprocess import Postprocessing, RegionRules
from inspire_med.tuning.choice import choose
from inspire_med.tuning.example import Example, OpenExample, groups_of

_SIZES_ML = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_SIZES_PERCENT = (0.05, 0.1, 0.2, 0.5, 1.0)

Options = Mapping[str, Sequence[RegionRules]]


@dataclass(frozen=True)
class Measure:
    """What rules are chosen by.

    Args:
        rules: The protocol.
        name: Its measure; higher is better.
    """

    rules: MaskProtocol
    name: str

    @classmethod
    def of(cls, rules: Protocol) -> "Measure":
        """A protocol's first measure of a mask; Dice, where it scores maps or tissues together."""
        if isinstance(rules, MaskProtocol) and not rules.tissues:
            first = rules.ranked_by[0]
            if rules.measures[first].better == "high":
                return cls(rules, first)
        whole = protocol("segmentation")
        assert isinstance(whole, MaskProtocol)
        return cls(whole, "dice")

    def __call__(
        self, reference: NDArray[np.bool_], mask: NDArray[np.bool_], spacing_mm: Sequence[float]
    ) -> float:
        """Score a mask against its reference, both `(*spatial)`; nothing where nothing is, 1.

        Some protocols leave such a case out, so that a rule would be scored on fewer cases.
        """
        score = score_masks(reference, mask, spacing_mm, self.rules).measures[self.name]
        return 1.0 if math.isnan(score) else score


def steps(spatial_dims: int) -> dict[str, tuple[Any, ...]]:
    """The rules in the order in which they are tried, and the values of each."""
    sizes = _SIZES_ML if spatial_dims == 3 else _SIZES_PERCENT
    return {
        "threshold": (0.3, 0.4, 0.6, 0.7),
        "fill_holes": (True,),
        "smallest_part": sizes,
        "largest_only": (True,),
        "smallest_total": sizes,
    }


def search_rules(
    examples: Sequence[Example],
    regions: Regions,
    measure: Measure,
    *,
    spatial_dims: int,
    workers: int,
    advance: Callable[[], None],
) -> Postprocessing:
    """Search rule after rule for a value that helps each region by itself; keep those that do.

    A rule is kept where its gain, measured on cases that did not choose its value, is more than
    chance would bring in so many tries. Later rules are tried on top of those that were kept.

    Args:
        examples: Cases predicted by networks that have not seen them.
        regions: Of the models, by name.
        measure: What is to gain.
        spatial_dims: 2 for pictures, 3 for volumes.
        workers: Processes.
        advance: Hears when a case is done with a rule.
    """
    groups = groups_of(examples)
    kept = dict.fromkeys(regions, RegionRules())
    found: list[Mapping[str, Any]] = []
    tries = len(steps(spatial_dims)) * len(regions)
    for rule, values in steps(spatial_dims).items():
        options = {
            region: [rules, *(replace(rules, **{rule: value}) for value in values)]
            for region, rules in kept.items()
        }
        work = partial(score_options, options, regions, measure)
        scored = map_cases(work, examples, workers, advance)
        for region in regions:
            table = np.array([each[region] for each in scored]).T
            choice = choose(table[0], table[1:], groups)
            if choice.helps(tries):
                assert choice.index is not None
                kept[region] = options[region][1 + choice.index]
            value = None if choice.index is None else values[choice.index]
            found.append(
                {
                    "region": region,
                    "rule": rule,
                    "value": value,
                    "measure": measure.name,
                    "gain": round(choice.gain, 4),
                    "ci95": choice.ci95 and [round(end, 4) for end in choice.ci95],
                    "n": choice.n,
                    "p": round(choice.p, 5),
                    "kept": choice.helps(tries),
                }
            )
    changed = {region: rules for region, rules in kept.items() if rules != RegionRules()}
    return Postprocessing(changed, tuple(found))


def score_options(
    options: Options, regions: Regions, measure: Measure, example: Example
) -> dict[str, list[float]]:
    """Score one case under each of several rules, region by region; like masks are scored once."""
    opened = example.open(regions)
    return {region: _scores(rules, region, measure, opened) for region, rules in options.items()}


def _scores(
    options: Sequence[RegionRules], region: str, measure: Measure, opened: OpenExample
) -> list[float]:
    reference, chances = opened.references[region], opened.maps[region]
    lowest = min(rules.threshold for rules in options)
    box = joint_box(reference, chances > lowest) or (slice(0, 1),) * reference.ndim
    reference, chances = np.ascontiguousarray(reference[box]), chances[box]
    known: dict[bytes, float] = {}
    scores: list[float] = []
    for rules in options:
        mask = rules(chances > rules.threshold, opened.voxel)
        key = blake2b(np.packbits(mask).tobytes()).digest()
        if key not in known:
            known[key] = measure(reference, mask, opened.spacing_mm)
        scores.append(known[key])
    return scores
