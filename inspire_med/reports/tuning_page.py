"""Tuning page: what out-of-fold predictions told, rules and doubt, as one offline page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.statistics.paired import ALPHA
from inspire_med.evaluation.statistics.summary import FEW, Summary, summarise
from inspire_med.inference.doubt import Calibration
from inspire_med.reports.charts import slope_chart
from inspire_med.reports.doubt_charts import (
    calibration_chart,
    confidence_chart,
    risk_coverage_chart,
)
from inspire_med.reports.findings import p_text, signed
from inspire_med.reports.page import render
from inspire_med.tuning.calibration import curve
from inspire_med.tuning.doubt_search import DoubtSearch
from inspire_med.tuning.referral import WRONG_BELOW, Wrong
from inspire_med.tuning.rule_search import RuleSearch
from inspire_med.wording import counted

FILE = "tune.html"  # beside what predict goes by

_ABOUT_RIGHT = 0.05  # of a temperature of 1, of a bias of 0
_POLICY = (
    "Every case was predicted by a network that has not trained on it.",
    "A rule's gain is that of the way of choosing: the value that is best over all folds but one "
    "is scored on that one. It is kept where the 95 % interval of its gain (BCa bootstrap over "
    f"cases) lies above zero and the signed-rank test's p below {ALPHA} divided by the rules "
    "tried.",
    "What is to gain is the mean over regions, of the masks that predict would write; where a "
    "protocol has no value of an empty reference, nothing counts 1 and anything else 0.",
    "Scores with the kept rules are of the very cases that chose them, and so a little too good.",
    "Whether a case is one to look at goes by the limit of confidence of all other folds; "
    "calibration and rules are those of all.",
    "The area under the risk-coverage curve is the mean over all shares of the cases of the mean "
    "1 - Dice of the surest; cases as sure as each other count with their mean. By chance is the "
    "mean over all orders.",
)


@dataclass(frozen=True)
class Tuning:
    """What the page shows.

    Attributes:
        search: Rules that were tried.
        doubt: How sure to be.
        folds: By case, the fold whose network predicted it.
        regions: Of the models, in the order of the search's scores.
        unit: Of a rule's sizes: `ml`, or `%` of a picture.
        words: Region to words for a reader, where its name is an abbreviation.
        provenance: Where things came from, label to text.
    """

    search: RuleSearch
    doubt: DoubtSearch
    folds: Mapping[str, int]
    regions: tuple[str, ...]
    unit: str
    words: Mapping[str, str] = field(default_factory=dict[str, str])
    provenance: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def measure(self) -> Measure:
        """What was to gain, in words."""
        return self.search.measure.rules.measures[self.search.measure.name]

    @property
    def kept(self) -> list[Mapping[str, Any]]:
        """Rules that were kept."""
        return [each for each in self.search.rules.found if each["kept"]]

    def spelt(self, region: str) -> str:
        """`enhancing tumour (ET)` where there are words for a name, else the name."""
        return f"{self.words[region]} ({region})" if region in self.words else region


def tuning_html(tuning: Tuning) -> str:
    """The whole page as text."""
    referral = tuning.doubt.referral
    return render(
        "tuning.html.j2",
        tuning=tuning,
        measure=tuning.measure,
        findings=list(_findings(tuning)),
        rows=[(each, rule_value(each, tuning.unit)) for each in tuning.search.rules.found],
        reach=_reach(tuning),
        scores=_scores(tuning),
        slopes=_slopes(tuning),
        calibration=calibration_chart([curve([tuning.doubt.said]), curve(tuning.doubt.tried)]),
        risk=risk_coverage_chart(referral),
        sure=confidence_chart(referral),
        areas=referral.areas,
        cases=_cases(tuning),
        few=FEW,
        policy=_POLICY,
        signed=signed,
        p_text=p_text,
        wrong_below=WRONG_BELOW,
    )


def rule_value(found: Mapping[str, Any], unit: str) -> str:
    """The value of a rule that was tried, with its unit."""
    value = found["value"]
    if value is None:
        return "none helps"
    if value is True:
        return "yes"
    return f"{value:g} {unit}" if found["rule"].startswith("smallest") else f"{value:g}"


def _findings(tuning: Tuning) -> Iterator[str]:
    tried = tuning.search.rules.found
    if not tuning.kept:
        yield f"No rule was kept of {counted(len(tried), 'rule')} tried: masks stay as they are."
    for each in tuning.kept:
        gain = signed(tuning.measure, each["gain"])
        low, high = (signed(tuning.measure, end) for end in each["ci95"])
        yield (
            f"Kept: {_in_words(each['rule'])} of {each['region']}, "
            f"{rule_value(each, tuning.unit)}: {tuning.measure.title} {gain} (95 % CI {low} to "
            f"{high}), mean over regions."
        )
    own, (before, after) = tuning.doubt.calibration, tuning.doubt.errors
    yield f"Temperature {own.temperature:.2f}, bias {own.bias:+.2f}: {_sureness(own)}."
    yield (
        f"Expected calibration error {before:.3f} as the network says, {after:.3f} of each fold "
        "calibrated by the others."
    )
    referral = tuning.doubt.referral
    below, above = _wrong(referral.referred), _wrong(referral.others)
    yield f"Below the limit of confidence {below}; above it {above}."
    own, chance, best = (referral.areas[f"by_{name}"] for name in ("confidence", "chance", "dice"))
    yield (
        f"Area under the risk-coverage curve {own:.3f}, lower is better: by chance {chance:.3f}, "
        f"by Dice itself {best:.3f}."
    )


def _in_words(rule: str) -> str:
    return rule.replace("_", " ")


def _sureness(calibration: Calibration) -> str:
    off, bias = calibration.temperature - 1, calibration.bias
    words = [
        "is too sure of itself" if off > 0 else "is not as sure as it could be",
        f"says too {'much' if bias > 0 else 'little'} where it is in doubt",
    ]
    said = [each for each, by in zip(words, (off, bias), strict=True) if abs(by) > _ABOUT_RIGHT]
    return f"the network {' and '.join(said) or 'is about as sure as it is right'}"


def _wrong(found: Wrong) -> str:
    if found.ci95 is None:
        return "there is no case"
    low, high = found.ci95
    return (
        f"{found.wrong} of {counted(found.n, 'case')} had a mean Dice below {WRONG_BELOW:g} "
        f"(95 % CI {low:.0%} to {high:.0%})"
    )


def _reach(tuning: Tuning) -> float:
    """The longest way of a gain's interval from zero: the scale of all bars."""
    ends = [end for each in tuning.search.rules.found for end in each["ci95"]]
    return max(map(abs, ends), default=0.0) or 1.0


def _scores(tuning: Tuning) -> list[tuple[str, Summary, Summary]]:
    """Of each region, and of their mean, the measure before and after."""
    search = tuning.search
    pairs = [(n, search.before[:, i], search.after[:, i]) for i, n in enumerate(tuning.regions)]
    if len(pairs) > 1:
        whole = search.before.mean(axis=1), search.after.mean(axis=1)
        pairs.append(("mean over regions", *whole))
    return [(tuning.spelt(name), summarise(old), summarise(new)) for name, old, new in pairs]


def _slopes(tuning: Tuning) -> list[tuple[str, Markup]]:
    """Of each region that the rules change, every case before and after."""
    search, drawn = tuning.search, list[tuple[str, Markup]]()
    for number, region in enumerate(tuning.regions):
        sides = {"before": search.before[:, number], "after": search.after[:, number]}
        if np.array_equal(sides["before"], sides["after"]):
            continue
        values = pd.DataFrame(sides, index=list(tuning.folds))
        means = [summarise(each) for each in sides.values()]
        drawn.append((tuning.spelt(region), slope_chart(values, means, tuning.measure, number)))
    return drawn


def _cases(tuning: Tuning) -> list[tuple[str, str, str, float, float]]:
    """Case, fold, whether to look, confidence and Dice; the least sure first."""
    referral = tuning.doubt.referral
    rows = [
        (each.id, str(tuning.folds[each.id]), "yes" if b else "no", each.confidence, each.dice)
        for each, b in zip(referral.outcomes, referral.below, strict=True)
    ]
    return sorted(rows, key=lambda row: (row[3], row[0]))
