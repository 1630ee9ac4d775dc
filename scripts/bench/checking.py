"""Time what a check costs: many pairs of pictures together, and a case of volumes on one core.

The pairs as `prepare --check` reads them, duplicates and outliers included; each case of volumes by
itself in one thread, in seconds of the processor, which other work on the machine hardly changes.

    python scripts/bench/checking.py --pictures Kvasir-SEG --volumes brats2018
"""

import argparse
import statistics
import time
from pathlib import Path

from inspire_med.cases.checking.case import check_case
from inspire_med.cases.checking.whole_set import look_over
from inspire_med.cases.index import Index, Request, index_sources
from inspire_med.evaluation.batch import usable_cores
from inspire_med.tasks.find import TASKS


def indexed(task: str, folder: Path, workers: int) -> Index:
    return index_sources(Request(TASKS[task], (folder,), workers=workers))


def time_pairs(folder: Path, workers: int) -> str:
    started, busy = time.perf_counter(), time.process_time()
    index = indexed("polyp", folder, workers)
    found = look_over(index.findings, index.verdicts, index.regions)
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    return (
        f"{len(index.checked):,} pairs, {workers} threads: {seconds:.1f} s, {busy:.1f} s of the "
        f"processor; {len(found)} findings"
    )


def time_cases(folder: Path) -> str:
    index = indexed("brats", folder, 1)
    spent: list[float] = []
    for found, _ in index.checked:
        started = time.process_time()
        check_case(found, index.expected)
        spent.append(time.process_time() - started)
    shape = " x ".join(map(str, index.cases[0].shape))
    return (
        f"{len(spent)} cases of {len(index.channels)} x {shape}: median "
        f"{statistics.median(spent):.2f} s of the processor, largest {max(spent):.2f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, help="folder of a polyp set")
    parser.add_argument("--volumes", type=Path, help="folder of a BraTS set")
    parser.add_argument("--workers", type=int, default=usable_cores())
    options = parser.parse_args()
    if options.pictures:
        print(time_pairs(options.pictures, options.workers))
    if options.volumes:
        print(time_cases(options.volumes))


if __name__ == "__main__":
    main()
