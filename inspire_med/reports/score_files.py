"""Score files: what an evaluation leaves behind, and words for the person who watches."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.evaluation.cohort import Cohort
from inspire_med.evaluation.scores import (
    as_csv,
    as_json,
    in_common,
    lesions_csv,
    of_methods,
    summarise_cases,
)
from inspire_med.evaluation.statistics import strata
from inspire_med.evaluation.statistics.summary import Summary
from inspire_med.files import read_json, write_json, write_text
from inspire_med.provenance import this_code
from inspire_med.reports.comparison import (
    Comparison,
    comparison_html,
    comparison_json,
)
from inspire_med.reports.formatting import number_of_cases
from inspire_med.reports.pictures import notable_pictures
from inspire_med.reports.report import Report, report_html
from inspire_med.wording import counted

_ONE_SET = (
    "One set of predictions each: what training again would change is not seen, and may be more "
    "than the differences shown."
)
_NAMES = (
    *("scores.csv", "scores.json", "report.html", "lesions.csv"),
    *("comparison.json", "comparison.html"),
)


def write_scores(cohort: Cohort, output: Path, manifest: Manifest | None) -> list[Path]:
    """Write scores.csv, scores.json, report.html, and lesions.csv where there are lesions.

    Args:
        cohort: The scores.
        output: Folder for them.
        manifest: Of the references, for pictures of its cases and its task's words.

    Returns:
        The files.
    """
    summaries = cohort.summaries
    provenance = {**cohort.provenance, "Scored by inspire_med": this_code()}
    groups = strata.stratify(cohort.cases, cohort.references.sites)
    report = Report(
        cohort.protocol,
        cohort.cases,
        summaries,
        groups,
        notable_pictures(cohort, manifest),
        cohort.notes,
        provenance,
        manifest.task.words if manifest else {},
    )
    extra = {
        "regions": {name: list(values) for name, values in cohort.regions.items()},
        "without_prediction": list(cohort.pairing.missing),
        "without_reference": list(cohort.pairing.spurious),
        "strata": strata.as_json(groups),
        "notes": list(cohort.notes),
        "provenance": provenance,
    }
    content = as_json(cohort.protocol, cohort.cases, summaries, extra)
    texts = {"scores.csv": as_csv(cohort.scores), "report.html": report_html(report)}
    lesions = lesions_csv(cohort.cases)
    if lesions:
        texts["lesions.csv"] = lesions
    write_json(output / "scores.json", content)  # only now: whatever failed, failed before
    for name, text in texts.items():
        write_text(output / name, text)
    return [output / name for name in ("scores.json", *texts)]


def compared(cohorts: Mapping[str, Cohort], baseline: str | None) -> Comparison:
    """Several methods over the cases that all of them have.

    Args:
        cohorts: The scores of each, under one protocol.
        baseline: The method that each other one is compared with; None compares all pairs.

    Raises:
        InputError: If no case is in all of them.
    """
    scores, others = in_common(
        of_methods({name: cohort.scores for name, cohort in cohorts.items()})
    )
    left_out = [f"Left out, not predicted by every method: {', '.join(others)}."] if others else []
    first = next(iter(cohorts.values()))
    return Comparison(
        protocol=first.protocol,
        measures=first.protocol.measures,
        scores=scores,
        summaries={
            name: summarise_cases(
                cohort.protocol, [each for each in cohort.cases if each.case not in others]
            )
            for name, cohort in cohorts.items()
        },
        baseline=baseline,
        notes=[
            *left_out,
            _ONE_SET,
            *(f"{name}: {note}" for name, cohort in cohorts.items() for note in cohort.notes),
        ],
        provenance={
            **{name: cohort.provenance["Predictions"] for name, cohort in cohorts.items()},
            **first.references.provenance,
            "Scored by inspire_med": this_code(),
        },
    )


def write_comparison(comparison: Comparison, output: Path) -> list[Path]:
    """Write comparison.json and comparison.html; answers with the files."""
    page = comparison_html(comparison)
    write_json(output / "comparison.json", comparison_json(comparison))
    write_text(output / "comparison.html", page)
    return [output / "comparison.json", output / "comparison.html"]


def earlier_methods(output: Path) -> list[str]:
    """Methods whose scores an earlier comparison left in folders of their own here."""
    try:
        methods = read_json(output / "comparison.json")["methods"]
        return [name for name in methods if "/" not in name and not name.startswith(".")]
    except (InputError, KeyError, TypeError, AttributeError):
        return []  # none, or another tool's file


def remove_stale(output: Path, methods: Sequence[str], written: Collection[Path]) -> None:
    """Remove what an earlier evaluation left, so that nothing old stands beside new.

    Args:
        output: The folder of the scores.
        methods: Those that it held before, as `earlier_methods` says.
        written: What was written now.
    """
    for folder in (output, *(output / name for name in methods)):
        for path in (folder / name for name in _NAMES):
            if path not in written:
                path.unlink(missing_ok=True)
        if folder != output and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def in_short(cohort: Cohort, name: str) -> Iterator[str]:
    """One line a region, with the first measure."""
    title = f"{name}: " if name else ""
    yield f"{title}protocol {cohort.protocol.name}, {counted(len(cohort.cases), 'case')}"
    for region, measures in cohort.summaries.items():
        measure, summary = next(iter(measures.items()))
        interval = "" if summary.ci95 is None else " [{:.3f}, {:.3f}]".format(*summary.ci95)
        mean = "undefined" if summary.mean is None else f"{summary.mean:.3f}"
        yield f"  {region}: mean {measure} {mean}{interval} ({_cases_in(summary)})"
    for note in cohort.notes:
        yield f"  note: {note}"


def compared_in_short(comparison: Comparison) -> Iterator[str]:
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
                mean = measure.written(each.mean)
                yield f"  {region}: {measure.title} {mean}{ends} ({_cases_in(each)})"
    yield from comparison.findings
    yield from comparison.notes


def _cases_in(summary: Summary) -> str:
    undefined = f", {summary.n_undefined} undefined" if summary.n_undefined else ""
    return f"{number_of_cases(summary)}{undefined}"
