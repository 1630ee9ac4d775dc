"""Report: the scores of a batch as one HTML file that opens offline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from inspire_med.evaluation.protocols import MapProtocol, Protocol
from inspire_med.evaluation.result import CaseScores
from inspire_med.evaluation.scores import Summaries, score_table
from inspire_med.evaluation.statistics.strata import STRATA_POLICY, Strata
from inspire_med.evaluation.statistics.summary import SUMMARY_POLICY
from inspire_med.reports.cases_section import cases_section
from inspire_med.reports.curves_section import curves_section
from inspire_med.reports.distributions_section import distributions_section
from inspire_med.reports.lesions_section import lesions_section
from inspire_med.reports.page import render
from inspire_med.reports.pictures_section import Picture, pictures_section
from inspire_med.reports.sizes_section import sizes_section
from inspire_med.reports.strata_section import strata_section
from inspire_med.reports.summary_section import cards, summary_section

__all__ = ["Picture", "Report", "report_html"]


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
    """

    protocol: Protocol
    cases: Sequence[CaseScores]
    summaries: Summaries
    strata: Strata | None = None
    pictures: Sequence[Picture] = ()
    notes: Sequence[str] = ()
    provenance: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def of_images(self) -> bool:
        """Whether lengths and sizes are in px: nothing is measured in mm or ml alone."""
        units = {measure.unit for measure in self.protocol.measures.values()}
        return "px" in units or units.isdisjoint({"mm", "ml"})


def report_html(report: Report) -> str:
    """The whole page as text."""
    return render(
        "report.html.j2",
        report=report,
        cards=Markup(cards(report.summaries, report.protocol.measures)),
        contents=[(title, Markup(content)) for title, content in _sections(report).items()],
        policy=(
            *(*report.protocol.policy, *SUMMARY_POLICY),
            *(STRATA_POLICY if report.strata else ()),
        ),
    )


def _sections(report: Report) -> dict[str, str]:
    """Content by title; empty where there is nothing of the kind."""
    rules = report.protocol
    scores, words = score_table(report.cases), rules.measures
    regions = list(scores["region"].unique())
    unit = "px" if report.of_images else "ml"
    whole_set = rules.whole_set if isinstance(rules, MapProtocol) else ()
    return {
        "Summary": summary_section(scores, report.summaries, words, whole_set),
        "Distributions": distributions_section(scores, words) if len(report.cases) > 1 else "",
        "Curves": curves_section(report.cases, words, regions),
        "Sizes": sizes_section(report.cases, scores, words, unit),
        "Strata": strata_section(report.strata, words, regions, unit) if report.strata else "",
        "Pictures": pictures_section(report.pictures, regions, flat=report.of_images),
        "Lesions": lesions_section(report.cases, regions, flat=report.of_images),
        "Cases": cases_section(report.cases, words),
    }
