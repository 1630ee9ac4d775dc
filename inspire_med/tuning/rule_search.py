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
from inspire_med.imaging.masks import Regions
from inspire_med.inference.postprocess import Postprocessing, RegionRules
from inspire_med.tuning.choice import choose
from inspire_med.tuning.example import Example, groups_of, read_back

_SIZES_ML = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_SIZES_PERCENT = (0.05, 0.1, 0.2, 0.5, 1.0)
_THRESHOLDS = (0.4, 0.6, 0.3, 0.7)  # of values that are as good, the first is chosen
# Odd tenths of 255 end in a half, where 8 bits round: above such a threshold lie the same pixels of
# a map as of the probabilities that predict compares with it.
_THRESHOLDS_OF_8_BITS = (0.3, 0.7, 0.1, 0.9)


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
        """Score a mask against its reference, both `(*spatial)`.

        Where a protocol has no value, so that a rule would be scored on fewer cases: of an empty
        reference nothing scores 1 and anything else 0; of another 1, whatever the mask.
        """
        score = score_masks(reference, mask, spacing_mm, self.rules).measures[self.name]
        if math.isnan(score):
            return float(reference.any() or not mask.any())
        return score


@dataclass(frozen=True)
class RuleSearch:
    """What was found.

    Args:
        rules: Those that were kept; all that were tried are named in it.
        measure: What was to gain.
        before: `(cases, regions)`, its values without any rule.
        after: With the rules that were kept, of the very cases that chose them.
    """

    rules: Postprocessing
    measure: Measure
    before: NDArray[np.float64]
    after: NDArray[np.float64]


def steps(spatial_dims: int) -> dict[str, tuple[Any, ...]]:
    """The rules in the order in which they are tried, and the values of each."""
    sizes = _SIZES_ML if spatial_dims == 3 else _SIZES_PERCENT
    return {
        "threshold": _THRESHOLDS if spatial_dims == 3 else _THRESHOLDS_OF_8_BITS,
        "fill_holes": (True,),
        "smallest_part": sizes,
        "largest_only": (True,),
        "smallest_total": sizes,
    }


def passes(spatial_dims: int, regions: Regions) -> int:
    """How often a search looks at every case: a rule of a region at a time."""
    return len(steps(spatial_dims)) * len(regions)


def search_rules(
    examples: Sequence[Example],
    regions: Regions,
    measure: Measure,
    *,
    spatial_dims: int,
    workers: int,
    advance: Callable[[], None],
) -> RuleSearch:
    """Search rule after rule, region after region, for values that help; keep those that do.

    Each value is tried on the masks that predict would write with it and with the rules kept so
    far: regions are painted over one another, so that a rule of one may change another. What is to
    gain is a case's mean over regions. A rule is kept where its gain, measured on cases that did
    not choose its value, is more than chance would bring in so many tries.

    Args:
        examples: Cases predicted by networks that have not seen them, at least two.
        regions: Of the models, by name.
        measure: What is to gain.
        spatial_dims: 2 for pictures, 3 for volumes.
        workers: Processes.
        advance: Hears when a case is done with a rule of a region.
    """
    groups, tries = groups_of(examples), passes(spatial_dims, regions)
    kept = dict.fromkeys(regions, RegionRules())
    found: list[Mapping[str, Any]] = []
    states: list[NDArray[np.float64]] = []  # scores before any rule, and after each try
    for rule, values in steps(spatial_dims).items():
        for region in regions:
            rules = kept[region], *(replace(kept[region], **{rule: value}) for value in values)
            options = [Postprocessing({**kept, region: each}) for each in rules]
            work = partial(scores_under, options, regions, measure)
            scored = np.array(map_cases(work, examples, workers, advance))
            of_cases = scored.mean(axis=-1).T
            choice = choose(of_cases[0], of_cases[1:], groups)
            taken = 0
            if choice.helps(tries):
                assert choice.index is not None
                taken = 1 + choice.index
                kept[region] = rules[taken]
            states += [scored[:, 0], scored[:, taken]]
            found.append(
                {
                    "region": region,
                    "rule": rule,
                    "value": None if choice.index is None else values[choice.index],
                    "measure": measure.name,
                    "gain": round(choice.gain, 4),
                    "ci95": [round(end, 4) for end in choice.ci95],
                    "n": choice.n,
                    "p": round(choice.p, 5),
                    "kept": taken > 0,
                }
            )
    changed = {region: rules for region, rules in kept.items() if rules != RegionRules()}
    return RuleSearch(Postprocessing(changed, tuple(found)), measure, states[0], states[-1])


def scores_under(
    options: Sequence[Postprocessing], regions: Regions, measure: Measure, example: Example
) -> list[list[float]]:
    """Score the masks of a case that predict would write under each of several sets of rules.

    Like masks are made, and scored, once.

    Returns:
        A row a set of rules, a value a region.
    """
    lowest = {name: min(rules.of(name).threshold for rules in options) for name in regions}
    opened = example.open(regions).around(lowest)
    made: dict[tuple[str, RegionRules], NDArray[np.bool_]] = {}
    known: dict[tuple[str, bytes], float] = {}
    rows: list[list[float]] = []
    for rules in options:
        masks: list[NDArray[np.bool_]] = []
        for name in regions:
            key = name, rules.of(name)
            if key not in made:
                made[key] = opened.mask(*key)
            masks.append(made[key])
        row: list[float] = []
        for name, mask in zip(regions, read_back(masks, regions), strict=True):
            of_mask = name, blake2b(np.packbits(mask).tobytes()).digest()
            if of_mask not in known:
                seen = mask & opened.judged
                known[of_mask] = measure(opened.references[name], seen, opened.spacing_mm)
            row.append(known[of_mask])
        rows.append(row)
    return rows
