"""Report: the scores of a batch as one HTML file that opens offline."""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from inspire_med.evaluation.measures.words import Measure
from inspire_med.evaluation.protocols import Protocol
from inspire_med.evaluation.report.page import page
from inspire_med.evaluation.report.plots import axis, interval_bar, strip_plot
from inspire_med.evaluation.result import CaseScores
from inspire_med.evaluation.scores import Summaries, Table, as_table
from inspire_med.evaluation.statistics.summary import Summary

Measures = Mapping[str, Measure]


@dataclass(frozen=True)
class Picture:
    """A case to look at: `group` is worst, median, best or all; `png` the whole file."""

    group: str
    case: str
    score: float
    png: bytes


@dataclass(frozen=True)
class Report:
    """What a report shows.

    Attributes:
        protocol: The rules, written out.
        measures: How each measure of the scores is written.
        cases: The scores.
        summaries: Their summary.
        pictures: Cases to look at, worst first.
        notes: What the reader must know: cases left out, what readers decided. A sentence each.
        provenance: Where things came from, label to text.
    """

    protocol: Protocol
    measures: Measures
    cases: Sequence[CaseScores]
    summaries: Summaries
    pictures: Sequence[Picture]
    notes: Sequence[str]
    provenance: Mapping[str, str]


def report_html(report: Report) -> str:
    """The whole page as text."""
    table = as_table(report.cases)
    body = "\n".join(
        (
            _header(report),
            _heads(report.summaries, report.measures),
            _notes(report.notes),
            _summary(table, report.summaries, report.measures),
            _plots(table, report.measures),
            _pictures(report.pictures, list(table)),
            _cases(report.cases, report.measures),
            _protocol(report),
        )
    )
    return page(f"Evaluation: {report.protocol.name}", body)


def _header(report: Report) -> str:
    count = len(report.cases)
    return (
        f"<h1>Evaluation, protocol <em>{escape(report.protocol.name)}</em></h1>"
        f'<p class="lead">{escape(report.protocol.title)} · {count} '
        f"case{'s' if count != 1 else ''}</p>"
        '<nav><a href="#summary">Summary</a><a href="#plots">Distributions</a>'
        '<a href="#pictures">Pictures</a><a href="#table">Cases</a>'
        '<a href="#rules">Rules and provenance</a></nav>'
    )


def _heads(summaries: Summaries, words: Measures) -> str:
    """A card a region with its first measure in large print."""
    cards: list[str] = []
    for number, (region, measures) in enumerate(summaries.items()):
        name, summary = next(iter(measures.items()))
        measure = words[name]
        interval = _interval(measure, summary)
        cards.append(
            f'<div class="head region{number % 6}"><div class="name">{escape(region)}</div>'
            f'<div class="big">{measure.written(summary.mean)}</div>'
            f'<div class="small">mean {escape(measure.title)}'
            f"{', 95 % CI ' + interval if interval else ''}<br>"
            f"median {measure.written(summary.median)}, n = {summary.n}</div></div>"
        )
    return f'<div class="heads">{"".join(cards)}</div>'


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<h2>Please note</h2><ul>{items}</ul>"


def _summary(table: Table, summaries: Summaries, words: Measures) -> str:
    rows: list[str] = []
    for number, (region, measures) in enumerate(summaries.items()):
        mark = f"region{number % 6}"
        rows.append(
            f'<tr class="group {mark}"><th colspan="9" scope="rowgroup">{escape(region)}</th></tr>'
        )
        for name, summary in measures.items():
            everyone = [v for each in table.values() for v in each[name].values()]
            rows.append(_summary_row(words[name], summary, mark, everyone))
    heads = "".join(f"<th>{word}</th>" for word in ("", "Mean", "95 % CI", "Median", "SD", "n"))
    return (
        '<h2 id="summary">Summary</h2><p class="hint">Intervals are for the mean over cases. '
        "Undefined values are left out of it and counted in the last column, so a missed region "
        "does not enlarge a mean distance.</p>"
        '<div class="scroll"><table><thead><tr><th>Measure</th>'
        f"{heads}<th>Undefined</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _summary_row(measure: Measure, summary: Summary, mark: str, everyone: Sequence[float]) -> str:
    low, high, _ = axis([value for value in everyone if math.isfinite(value)], measure)
    bar = "" if summary.mean is None else interval_bar(summary.mean, summary.ci95, low, high)
    unit = f" [{measure.unit}]" if measure.unit else ""
    cells = (
        f"<b>{measure.written(summary.mean)}</b>",
        _interval(measure, summary) or "–",
        measure.written(summary.median),
        measure.written(summary.sd),
        str(summary.n),
        str(summary.n_undefined or ""),
    )
    return (
        f'<tr class="{mark}"><td>{escape(measure.title + unit)}</td><td>{bar}</td>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
    )


def _interval(measure: Measure, summary: Summary) -> str:
    if summary.ci95 is None:
        return ""
    low, high = (measure.written(end) for end in summary.ci95)
    return f"{low} to {high}"


def _plots(table: Table, words: Measures) -> str:
    names = list(next(iter(table.values())))
    wording = {"high": "higher is better", "low": "lower is better", "zero": "0 is best"}
    figures: list[str] = []
    for name in names:
        measure = words[name]
        unit = f" [{measure.unit}]" if measure.unit else ""
        values = {region: scores[name] for region, scores in table.items()}
        figures.append(
            f"<figure><figcaption>{escape(measure.title + unit)} "
            f"<span>{wording[measure.better]}</span></figcaption>"
            f"{strip_plot(values, measure)}</figure>"
        )
    return (
        '<h2 id="plots">Distributions</h2><p class="hint">A dot is a case (hover for its name); '
        "the box spans the quartiles, its line is the median, the diamond the mean.</p>"
        f'<div class="plots">{"".join(figures)}</div>'
    )


def _pictures(pictures: Sequence[Picture], regions: Sequence[str]) -> str:
    if not pictures:
        return '<h2 id="pictures">Pictures</h2><p class="hint">None could be drawn.</p>'
    legend = "".join(
        f'<span class="region{number % 6}"><i></i>{escape(region)}</span>'
        for number, region in enumerate(regions)
    )
    groups: dict[str, list[Picture]] = {}
    for picture in pictures:
        groups.setdefault(picture.group, []).append(picture)
    parts = [
        '<h2 id="pictures">Pictures</h2><p class="hint">From left to right: the image (where the '
        "manifest names one), the reference, the prediction, at the slice with the most "
        "reference. Volumes are axial, the patient's right on the left, front on top.</p>"
        f'<div class="legend">{legend}</div>'
    ]
    for group, members in groups.items():
        parts.append(f"<h3>{escape(group.capitalize())}</h3>" if len(groups) > 1 else "")
        parts.append(f'<div class="pictures">{"".join(map(_picture, members))}</div>')
    return "".join(parts)


def _picture(picture: Picture) -> str:
    content = base64.b64encode(picture.png).decode()
    return (
        f"<figure><figcaption>{escape(picture.case)} <span>mean Dice {picture.score:.3f}</span>"
        f'</figcaption><img alt="{escape(picture.case)}: image, reference, prediction" '
        f'src="data:image/png;base64,{content}"></figure>'
    )


def _cases(cases: Sequence[CaseScores], words: Measures) -> str:
    names = list(dict.fromkeys(score.measure for each in cases for score in each.scores))
    regions = list(dict.fromkeys(score.region for each in cases for score in each.scores))
    heads = "".join(f"<th><button>{escape(words[name].title)}</button></th>" for name in names)
    rows = "".join(_case_rows(each, regions, words) for each in cases)
    choices = "".join(f"<option>{escape(region)}</option>" for region in regions)
    select = (
        f'<label>Region <select id="region"><option value="">all</option>{choices}</select></label>'
        if len(regions) > 1
        else ""
    )
    return (
        '<h2 id="table">Cases</h2><div class="tools">'
        f'{select}<label>Case <input id="words" type="search" placeholder="part of a name">'
        "</label><span>Click a heading to sort. Units as above.</span></div>"
        '<div class="scroll" id="cases-box"><table id="cases"><thead><tr>'
        '<th class="text"><button>Case</button></th><th class="text"><button>Region</button></th>'
        f"{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _case_rows(each: CaseScores, regions: Sequence[str], words: Measures) -> str:
    rows: list[str] = []
    case = escape(each.case)
    for region in regions:
        cells = "".join(
            _value_cell(words[score.measure], score.value)
            for score in each.scores
            if score.region == region
        )
        rows.append(
            f'<tr data-region="{escape(region)}">'
            f'<td data-value="{case}" title="{case}">{case}</td>'
            f'<td class="text" data-value="{escape(region)}">{escape(region)}</td>{cells}</tr>'
        )
    return "".join(rows)


def _value_cell(measure: Measure, value: float) -> str:
    if not math.isfinite(value):
        return '<td class="undefined" data-value="">–</td>'
    return f'<td data-value="{value:.9g}">{measure.written(value)}</td>'


def _protocol(report: Report) -> str:
    rules = "".join(f"<li>{escape(line)}</li>" for line in report.protocol.policy)
    facts = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>"
        for label, text in report.provenance.items()
    )
    return (
        f'<h2 id="rules">Rules and provenance</h2><ul>{rules}</ul><h3>Provenance</h3>'
        f"<dl>{facts}</dl>"
    )
