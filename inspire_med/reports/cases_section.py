"""Cases: every score of every case in one table."""

import math
from collections.abc import Iterator, Mapping, Sequence

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.result import CaseScores
from inspire_med.reports.formatting import in_cell, titled
from inspire_med.reports.tables import Column, cell, sortable_table, text_cell


def cases_section(cases: Sequence[CaseScores], words: Mapping[str, Measure]) -> str:
    """A row a case and region, a column a measure."""
    names = list(dict.fromkeys(score.measure for each in cases for score in each.scores))
    regions = list(dict.fromkeys(score.region for each in cases for score in each.scores))
    columns = [
        Column("Case", is_text=True, searched=True),
        Column("Region", is_text=True, choices=regions),
        *(Column(titled(words[name])) for name in names),
    ]
    return sortable_table(columns, _rows(cases, regions, names, words))


def _rows(
    cases: Sequence[CaseScores],
    regions: Sequence[str],
    names: Sequence[str],
    words: Mapping[str, Measure],
) -> Iterator[list[str]]:
    for each in cases:
        for region in regions:
            if region not in each.regions:
                continue
            scores = each.regions[region].measures
            values = ((words[name], scores.get(name, math.nan)) for name in names)
            yield [
                text_cell(each.case),
                text_cell(region),
                *(cell(value, in_cell(measure, value)) for measure, value in values),
            ]
