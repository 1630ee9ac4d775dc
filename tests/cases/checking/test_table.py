import csv

import pytest

from inspire_med.cases.checking.finding import Finding
from inspire_med.cases.checking.table import as_csv, summary
from inspire_med.cli.findings import print_findings
from inspire_med.reports.check_page import check_page

FAULT = Finding("a", "/d/x [b].png", "fault", 'says "no", or\nnothing', "mend it", repairable=True)
NOTE = Finding("=1+1", "", "note", "<script>alert(1)</script>")


def test_a_row_a_finding_and_no_formula():
    rows = list(csv.DictReader(as_csv([FAULT, NOTE]).splitlines(keepends=True)))

    assert [row["verdict"] for row in rows] == ["fault", "note"]
    assert rows[0]["cause"] == FAULT.cause
    assert rows[0]["repairable"] == "yes"
    assert rows[1]["case"] == "'=1+1"


def test_the_summary_counts():
    assert summary([FAULT, NOTE, NOTE], 1200) == "1,200 cases checked: 1 fault, 2 notes"
    assert summary([], 1) == "1 case checked: nothing to say"


def test_the_screen_shows_the_worst_and_counts_the_rest(capsys):
    print_findings([FAULT, *[NOTE] * 50], "see x.csv")

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["verdict", "case", "file"]
    assert "d/x [b].png" in lines[1]
    assert "mend it (--repair can)" in lines[1]
    assert lines[-1] == "and 11 more: see x.csv"


def test_nothing_found_prints_nothing(capsys):
    print_findings([], "")

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("findings", [[FAULT, NOTE], []])
def test_the_page_runs_nothing_that_a_file_says(findings):
    page = check_page("<b>set</b>", findings, 2, {"Source": "/d"})

    assert "<script>alert(1)" not in page
    assert "<b>set</b>" not in page
    assert ("says &#34;no&#34;" in page) == bool(findings)
    assert ("can mend 1" in page) == bool(findings)
    assert "http" not in page
