"""Repair: what --repair makes of a set: a folder beside it, whose files are mended or linked."""

import shutil
from pathlib import Path

from inspire_med.cases.checking.finding import worst_first
from inspire_med.cases.checking.outliers import usual_orientations
from inspire_med.cases.checking.repair import Workshop, repair
from inspire_med.cases.checking.table import as_csv
from inspire_med.cases.index import Index
from inspire_med.cli.findings import print_findings
from inspire_med.cli.progress import one_bar
from inspire_med.errors import InputError
from inspire_med.files import atomic_folder, refuse_existing, write_text
from inspire_med.preparing.check import findings_of
from inspire_med.preparing.options import PrepareOptions
from inspire_med.wording import counted

REPORT = "repair.csv"


def refuse_odd_folder(folder: Path, sources: tuple[Path, ...], *, overwrite: bool) -> None:
    """Refuse a folder for mended copies that holds, or lies among, what is not ours.

    Raises:
        InputError: If it exists and is not empty, unless it is an earlier repair and `overwrite`;
            if it lies in a source, or a source in it; if a source is a file.
    """
    refuse_existing(folder, overwrite=overwrite)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / REPORT).is_file():
        raise InputError(f"{folder}: holds other things than a repair; choose another --repair.")
    own = folder.resolve()
    for source in (source.resolve() for source in sources):
        if source.is_file():
            raise InputError(f"--repair: {source} is a file; give the folder of the set.")
        if own.is_relative_to(source) or source.is_relative_to(own):
            raise InputError(f"--repair: {folder} and {source} lie in each other; choose another.")


def repair_set(index: Index, options: PrepareOptions, folder: Path) -> tuple[Path, ...]:
    """Lay the set out anew in `folder`, and say what was done to each file.

    Answers with the sources to prepare from now on.

    Raises:
        InputError: If a case cannot be mended, unless bad ones are to be skipped.
    """
    worth = {each.case for each in findings_of(index) if each.verdict == "fault" or each.repairable}
    lost = [each for each in index.findings if each.verdict == "fault" and not each.case]

    def clear() -> None:
        if folder.is_dir():
            shutil.rmtree(folder)

    orientations = usual_orientations(index.verdicts)
    with atomic_folder(folder, before_commit=clear) as place, one_bar("mending") as advance:
        workshop = Workshop(options.source, place, index.expected, orientations)
        done = repair(workshop, index.checked, frozenset(worth), options.workers, advance)
        findings = worst_first([*lost, *done])
        write_text(place / REPORT, as_csv(findings))
    print_findings(findings, str(folder / REPORT))
    faults = [each for each in findings if each.verdict == "fault"]
    mended = counted(len(findings) - len(faults), "file")
    print(f"Written: {folder}, {mended} mended; {folder / REPORT} says how")
    if faults and not options.skip_bad:
        raise InputError(
            f"{counted(len(faults), 'fault')} named above without a way to mend, no manifest "
            f"written; --skip_bad goes on with what {folder} holds."
        )
    return Workshop(options.source, folder, index.expected, orientations).roots
