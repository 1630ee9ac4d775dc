"""Check: what --check says of a set, on the screen, as CSV and as a page beside the manifest."""

from pathlib import Path

from inspire_med import __version__
from inspire_med.cases.checking.finding import Finding
from inspire_med.cases.checking.mend import with_ways
from inspire_med.cases.checking.outliers import usual_orientations
from inspire_med.cases.checking.table import as_csv, summary
from inspire_med.cases.checking.whole_set import look_over
from inspire_med.cases.index import Index
from inspire_med.cli.findings import print_findings
from inspire_med.files import refuse_existing, write_text
from inspire_med.reports.check_page import check_page


def check_files(out: Path) -> tuple[Path, Path]:
    """Where table and page of a check stand, beside the manifest `out`."""
    return out.with_name(f"{out.stem}-check.csv"), out.with_name(f"{out.stem}-check.html")


def refuse_existing_check(out: Path, *, overwrite: bool) -> None:
    """Refuse to write over an earlier check.

    Raises:
        InputError: As `refuse_existing`.
    """
    for path in check_files(out):
        refuse_existing(path, overwrite=overwrite)


def findings_of(index: Index) -> list[Finding]:
    """All that was seen of a set, worst first, with what `--repair` can mend."""
    cases = [found for found, _ in index.checked]
    orientations = usual_orientations(index.verdicts)
    tried = with_ways(index.findings, cases, index.expected, orientations)
    return look_over(tried, index.verdicts, index.regions)


def write_check(index: Index, sources: tuple[Path, ...], out: Path) -> None:
    """Print the table of a set's check, and write it as CSV and as a page."""
    findings = findings_of(index)
    table, page = check_files(out)
    write_text(table, as_csv(findings))
    named = ", ".join(source.absolute().name for source in sources)
    provenance = {
        "Source": ", ".join(str(source.absolute()) for source in sources),
        "Task": index.task.name,
        "inspire_med": __version__,
    }
    write_text(page, check_page(named, findings, len(index.checked), provenance))
    print_findings(findings, str(table))
    print(summary(findings, len(index.checked)))
    print(f"Written: {table}")
    print(f"Written: {page}")
