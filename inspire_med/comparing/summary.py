"""Summary: a comparison in a few lines, for the person who watches."""

from collections.abc import Iterator

from inspire_med.reports.comparison import Comparison
from inspire_med.reports.findings import sentence
from inspire_med.reports.formatting import counted


def in_short(comparison: Comparison) -> Iterator[str]:
    """Each method with its first measure by region and its costs; then a sentence a test."""
    first = next(iter(comparison.measures))
    measure = comparison.measures[first]
    yield f"protocol {comparison.protocol.name}, {counted(len(comparison.cases), 'case')}"
    for method, summaries in comparison.summaries.items():
        facts = (f"{label} {text}" for label, text in comparison.facts[method].items())
        yield f"{method}: {', '.join(facts)}"
        for region, found in summaries.items():
            if first in found:
                each = found[first]
                ends = "" if each.ci95 is None else " [{:.3f}, {:.3f}]".format(*each.ci95)
                counts = f"n {each.n}" + f", {each.n_undefined} undefined" * bool(each.n_undefined)
                yield f"  {region}: {measure.title} {measure.written(each.mean)}{ends} ({counts})"
    for difference in comparison.differences:
        if difference.measure == first:
            yield sentence(difference, measure)
    yield from comparison.notes
