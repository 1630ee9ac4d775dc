"""Doubt page: which predicted cases a person should look at, as one offline page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.inference.doubt import Doubt, LesionDoubt
from inspire_med.reports.charts import strip_chart
from inspire_med.reports.page import render
from inspire_med.wording import counted, listed

FILE = "cases.html"  # beside the tables

_MOST_LESIONS = 2000  # as many as a browser sorts in an instant; all of them are in lesions.csv
_CONFIDENCE = Measure("Confidence", "", "high")
_POLICY = (
    "Confidence of a region is the Dice that its probabilities promise its mask; of an empty mask "
    "the least sure voxel's 1 - p. That of a case is the mean over regions, that of a lesion the "
    "mean probability of its voxels.",
    "Probabilities are calibrated as out-of-fold predictions said, where tune has been run.",
    "Confidence is what the networks say of themselves: of images unlike those of the training it "
    "may be high and wrong.",
)


@dataclass(frozen=True)
class CaseDoubt:
    """How sure the networks are of one case.

    Args:
        case: Its id.
        regions: Confidence by region.
        lesions: Region and part of its mask.
    """

    case: str
    regions: Mapping[str, float]
    lesions: Sequence[tuple[str, LesionDoubt]]

    @property
    def confidence(self) -> float:
        """Mean over regions."""
        return sum(self.regions.values()) / len(self.regions)

    def refers(self, limit: float | None) -> str:
        """`yes` below a limit of confidence, `no`, or empty where none is known."""
        if limit is None:
            return ""
        return "yes" if self.confidence < limit else "no"


def least_sure_first(cases: Sequence[CaseDoubt]) -> list[CaseDoubt]:
    """The cases as a person should look at them."""
    return sorted(cases, key=lambda each: (each.confidence, each.case))


def doubt_html(
    cases: Sequence[CaseDoubt],
    doubt: Doubt,
    limit: float | None,
    unit: str,
    provenance: Mapping[str, str],
) -> str:
    """The whole page as text.

    Args:
        cases: At least one.
        doubt: What is known of the networks.
        limit: The confidence below which a person should look; None is not known, or not for
            masks made by these rules.
        unit: Of lesions' sizes: `ml`, or `%` of a picture.
        provenance: Where things came from, label to text.
    """
    ordered = least_sure_first(cases)
    regions = list(ordered[0].regions)
    lesions = sorted(
        ((own.case, region, each) for own in ordered for region, each in own.lesions),
        key=lambda row: row[2].confidence,
    )
    return render(
        "doubt.html.j2",
        cases=ordered,
        regions=regions,
        limit=limit,
        findings=list(_findings(ordered, doubt, limit)),
        chart=_chart(ordered, regions),
        lesions=lesions[:_MOST_LESIONS],
        left_out=max(0, len(lesions) - _MOST_LESIONS),
        unit=unit,
        policy=_POLICY,
        provenance={
            "Temperature": f"{doubt.temperature:.2f}",
            "Bias": f"{doubt.bias:+.2f}",
            **provenance,
        },
    )


def _findings(ordered: Sequence[CaseDoubt], doubt: Doubt, limit: float | None) -> Iterator[str]:
    if limit is None:
        known = doubt.refer_below is not None
        yield "Nobody is named to look at; the least sure stand first. " + (
            "The limit of confidence was found with other rules of postprocessing: predict with "
            "--postprocess stored, or run tune again."
            if known
            else "No limit of confidence is known: tune finds one, on a cross-validation."
        )
        return
    below = [each.case for each in ordered if each.refers(limit) == "yes"]
    of_all = counted(len(ordered), "case")
    yield (
        f"{len(below)} of {of_all} a person should look at: {listed(below)}."
        if below
        else f"None of {of_all} lies below the limit of confidence."
    )
    words = {"referred": "below the limit", "others": "others"}
    tried = [_tried(doubt.measured[name], words[name]) for name in words if name in doubt.measured]
    if tried:
        wrong = doubt.measured["wrong_below_dice"]
        where = (
            "Where tune tried it, on cases with a reference that chose neither network nor limit"
        )
        yield f"{where}, Dice was below {wrong:g} in {' and '.join(tried)}."


def _tried(found: Mapping[str, Any], words: str) -> str:
    interval = ""
    if found["ci95"] is not None:
        low, high = found["ci95"]
        interval = f" (95 % CI {low:.0%} to {high:.0%})"
    return f"{found['wrong']} of {found['n']} {words}{interval}"


def _chart(cases: Sequence[CaseDoubt], regions: Sequence[str]) -> Markup | None:
    if len(cases) == 1:
        return None
    by_region = {name: {own.case: own.regions[name] for own in cases} for name in regions}
    return strip_chart(by_region, _CONFIDENCE)
