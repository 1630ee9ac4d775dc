"""Report: the scores of a batch as one HTML file that opens offline."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from inspire_med.evaluation.measures.measure import MEASURES, Measure
from inspire_med.evaluation.protocols import MapProtocol, Protocol
from inspire_med.evaluation.result import CaseScores
from inspire_med.evaluation.scores import Summaries, mean_curves, score_table
from inspire_med.evaluation.statistics.strata import STRATA_POLICY, Strata, bounds_in_words
from inspire_med.evaluation.statistics.summary import SUMMARY_POLICY
from inspire_med.reports.charts import NAMED, curve_chart, measure_ticks, strip_chart
from inspire_med.reports.lesions import choose, count_lesions, listed_lesions, what_is_listed
from inspire_med.reports.page import render
from inspire_med.reports.pictures import Picture, panel_svg
from inspire_med.reports.sizes import SizeFigure, size_figures
from inspire_med.viz.paint import ERROR_COLOURS, hex_colour

_MOST_LESIONS = 2000  # a browser sorts as many in an instant; more would be megabytes of specks
_STRATA_MEASURES = 3  # the others are in the scores files


@dataclass(frozen=True)
class Report:
    """What a report shows.

    Attributes:
        protocol: The rules, with the measures as they read for these cases.
        cases: The scores, with sizes, lesions and curves where there are any.
        summaries: Their summary.
        strata: Summaries of parts of the set; None where it has no parts.
        pictures: Cases to look at, worst first.
        notes: What the reader must know: cases left out, what readers decided. A sentence each.
        provenance: Where things came from, label to text.
        words: Region or channel to words for a reader, where its name is an abbreviation.
    """

    protocol: Protocol
    cases: Sequence[CaseScores]
    summaries: Summaries
    strata: Strata | None = None
    pictures: Sequence[Picture] = ()
    notes: Sequence[str] = ()
    provenance: Mapping[str, str] = field(default_factory=dict[str, str])
    words: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def of_images(self) -> bool:
        """Whether lengths and sizes are in px: nothing is measured in mm or ml alone."""
        units = {measure.unit for measure in self.protocol.measures.values()}
        return "px" in units or units.isdisjoint({"mm", "ml"})

    @property
    def regions(self) -> list[str]:
        """Their names, in the order that gives them their colours."""
        return list(self.summaries)

    def spelt(self, name: str) -> str:
        """`enhancing tumour (ET)` where there are words for a name, else the name."""
        return f"{self.words[name]} ({name})" if name in self.words else name


class Curve(NamedTuple):
    """A curve over thresholds: its title, its drawing, and by region's number what it says."""

    title: str
    drawing: Markup
    notes: Sequence[tuple[str, float, float, float]]


def report_html(report: Report) -> str:
    """The whole page as text."""
    rules = report.protocol
    strata = report.strata
    unit = "px" if report.of_images else "ml"
    return render(
        "report.html.j2",
        report=report,
        measures=rules.measures,
        whole_set=rules.whole_set if isinstance(rules, MapProtocol) else (),
        policy=(*rules.policy, *SUMMARY_POLICY, *(STRATA_POLICY if strata else ())),
        bounds=bounds_in_words(strata.bounds, unit) if strata else "",
        strata_measures=_STRATA_MEASURES,
        size_figures=_size_figures(report, unit),
        curves=_curves(report),
        pictures=_pictures(report),
        error_colours={name: hex_colour(each) for name, each in ERROR_COLOURS.items()},
        **_distributions(report),
        **_lesions(report),
    )


def _distributions(report: Report) -> dict[str, Any]:
    """Measures with the ends of their scale, alike for all regions, and a chart of each."""
    spans: dict[str, tuple[float, float]] = {}
    charts: list[tuple[Measure, Markup]] = []
    for name, rows in score_table(report.cases).groupby("measure", sort=False):
        measure = report.protocol.measures[str(name)]
        ticks = measure_ticks(list(filter(math.isfinite, rows["value"])), measure)
        spans[str(name)] = (ticks[0], ticks[-1])
        if len(report.cases) > 1:
            values = {
                region: dict(zip(each["case"], each["value"], strict=True))
                for region, each in rows.groupby("region", sort=False)
            }
            in_order = {region: values.get(region, {}) for region in report.regions}
            charts.append((measure, strip_chart(in_order, measure)))
    return {
        "spans": spans,
        "case_measures": list(spans),
        "case_rows": list(_case_rows(report, list(spans))),
        "distributions": charts,
        "named": len(report.cases) <= NAMED,
    }


def _case_rows(report: Report, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Case, region, and each measure with its value, undefined where a region lacks it."""
    for each in report.cases:
        for region in report.regions:
            if region in each.regions:
                scores = each.regions[region].measures
                values = [(report.protocol.measures[n], scores.get(n, math.nan)) for n in names]
                yield each.case, region, values


def _pictures(report: Report) -> dict[str, list[tuple[Picture, list[Markup]]]]:
    """By group, each picture with its drawings."""
    groups: dict[str, list[tuple[Picture, list[Markup]]]] = {}
    for each in report.pictures:
        drawn = [panel_svg(panel, each.case) for panel in each.panels]
        groups.setdefault(each.group, []).append((each, drawn))
    return groups


def _curves(report: Report) -> list[Curve]:
    known: dict[str, Measure] = {**MEASURES, **report.protocol.measures}
    made: list[Curve] = []
    for name, lines in mean_curves(report.cases).items():
        title = known[name].title if name in known else name.replace("_", " ").capitalize()
        notes: list[tuple[str, float, float, float]] = []
        for region, values in lines.items():
            best = int(np.nanargmax(values))
            threshold = best / (len(values) - 1)
            notes.append((region, float(np.nanmean(values)), float(values[best]), threshold))
        numbered = {report.regions.index(region): values for region, values in lines.items()}
        made.append(Curve(title, curve_chart(numbered, title), notes))
    return made


def _size_figures(report: Report, unit: str) -> list[SizeFigure]:
    scores = score_table(report.cases).drop_duplicates("region")
    first = dict(zip(scores["region"], scores["measure"], strict=True))
    return size_figures(report.cases, first, report.protocol.measures, unit)


def _lesions(report: Report) -> dict[str, Any]:
    """Counts by region, the lesions to list, and which those are."""
    lesions = listed_lesions(report.cases)
    shown, left_out = choose(lesions, _MOST_LESIONS)
    counts = {
        region: count_lesions([each.lesion for each in lesions if each.region == region])
        for region in report.regions
    }
    unit = "px" if report.of_images else "mm³"
    return {
        "lesions": shown,
        "lesion_counts": counts,
        "lesions_listed": what_is_listed(shown, left_out, unit),
    }
