"""Time the evaluation of one BraTS-size case, this project beside its peers.

One thread, label maps in memory, three regions. The tools take turns, each in a process of its own,
so that a busy machine slows all of them alike; memory is what a run adds to its process (Linux).

    pip install -e . -r requirements-bench.txt          (an environment of its own)
    python scripts/bench/evaluation.py --rounds 3 --official CLONE_OF_BraTS-2023-Metrics
    python scripts/bench/evaluation.py --reference reference.nii.gz --prediction mask.nii.gz

Cases made here: A a compact tumour of two lesions; B the same with 8 tiny false positives near the
corners; C the same with 1 % of all voxels drawn at random.
"""

import argparse
import importlib.metadata
import multiprocessing
import os
import platform
import statistics
import time
import warnings
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from evaluation_peers import Case, tools
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

SHAPE = (240, 240, 155)
REGIONS = {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
PACKAGES = ("numpy", "scipy", "surface-distance", "monai", "torch", "medpy", "panoptica")


def made_case(kind: str, shape: tuple[int, ...] = SHAPE) -> Case:
    """Two nested ellipsoids with a rough rim, and a prediction with another rim."""
    rng = np.random.default_rng(0)
    scale = np.array(shape) / SHAPE
    lesions = (((100, 120, 80), (42, 38, 33.5)), ((160, 150, 60), (16.5, 14.5, 12.5)))
    depth = np.minimum(*(ball(shape, scale * at, scale * size) for at, size in lesions))
    depth = depth + 0.08 * rough(rng, shape)
    reference, prediction = labels_of(depth), labels_of(depth + 0.04 * rough(rng, shape))
    if kind in "BC":
        for corner in np.ndindex(2, 2, 2):
            low = [size - 6 if side else 4 for side, size in zip(corner, shape, strict=True)]
            prediction[tuple(slice(at, at + 2) for at in low)] = 3
    if kind == "C":
        noise = rng.random(shape) < 0.01
        prediction[noise] = rng.integers(1, 4, np.count_nonzero(noise))
    return Case(reference, prediction, (1.0, 1.0, 1.0), REGIONS)


def ball(shape: Any, centre: Any, radii: Any) -> NDArray[np.float64]:
    """Distance from a centre in units of the radii."""
    axes = np.ogrid[tuple(slice(size) for size in shape)]
    sides = zip(axes, centre, radii, strict=True)
    return np.sqrt(sum(((axis - at) / radius) ** 2 for axis, at, radius in sides))


def rough(rng: np.random.Generator, shape: Any) -> NDArray[np.float64]:
    """Smooth noise of unit spread, a few voxels wide."""
    coarse = gaussian_filter(rng.normal(size=[-(-size // 4) for size in shape]), 1.5)
    fine = zoom(coarse / coarse.std(), 4, order=1)
    return fine[tuple(slice(size) for size in shape)]


def labels_of(depth: NDArray[np.float64]) -> NDArray[np.uint8]:
    """BraTS labels: 2 around 1 around 3."""
    return np.select([depth < 0.55, depth < 0.7, depth < 1], [3, 1, 2]).astype(np.uint8)


def read_case(reference: Path, prediction: Path) -> Case:
    from inspire_med.imaging.labels import read_labels

    maps = [read_labels(path) for path in (reference, prediction)]
    labels = [np.ascontiguousarray(each.labels) for each in maps]
    for each in labels:
        each[each == 4] = 3  # the enhancing tumour of 2021 and before
    return Case(*labels, maps[0].spacing_mm, REGIONS)


class Worker:
    """One tool in a process of its own."""

    def __init__(self, name: str, clone: Path | None, case: Case) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.connection, theirs = spawn.Pipe()
        self.process = spawn.Process(target=serve, args=(theirs, name, clone, case), daemon=True)
        self.process.start()
        theirs.close()
        self.seconds: list[float] = []
        self.cpu_s: list[float] = []
        self.extra_mb, self.hd95_mm, self.trouble = float("nan"), {}, ""
        self._await(120)  # imports, and a small case to warm up

    def round(self, limit_s: float) -> None:
        """Run once, unless an earlier round ended in trouble."""
        if not self.trouble:
            self.connection.send("run")
            self._await(limit_s)

    def end(self) -> None:
        """Let the process end, or end it where it does not."""
        if self.process.is_alive():
            self.connection.send("end")
        self.process.join(10)
        self.process.kill()

    def _await(self, limit_s: float) -> None:
        if not self.connection.poll(limit_s):
            self.trouble = f"stopped after {limit_s:g} s"
            self.process.kill()
            return
        try:
            answer = self.connection.recv()
        except EOFError:
            answer = "its process died"
        if isinstance(answer, str):
            self.trouble = answer
        elif answer is not None:
            seconds, cpu_s, extra_mb, self.hd95_mm = answer
            self.seconds.append(seconds)
            self.cpu_s.append(cpu_s)
            if len(self.seconds) == 1:  # later ones reuse what the first has left allocated
                self.extra_mb = extra_mb


def serve(connection: Connection, name: str, clone: Path | None, case: Case) -> None:
    """In the worker: warm up, then run whenever asked, and say how long it took."""
    warnings.simplefilter("ignore")
    try:
        tool = tools(clone)[name][1]
        tool(made_case("A", (40, 40, 40)))()
        run = tool(case)
        connection.send(None)
        while connection.recv() == "run":
            before = memory_kib("VmRSS")
            Path("/proc/self/clear_refs").write_text("5")  # forget the high-water mark
            start, cpu_start = time.perf_counter(), time.process_time()
            hd95_mm = run()
            took = time.perf_counter() - start, time.process_time() - cpu_start
            connection.send((*took, (memory_kib("VmHWM") - before) / 1024, hd95_mm))
    except ImportError as error:
        connection.send(f"not installed ({error.name})")
    except Exception as error:
        connection.send(
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        )


def memory_kib(field: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0])


def table(title: str, case: Case, options: argparse.Namespace) -> None:
    known = tools(options.official)
    workers = {name: Worker(name, options.official, case) for name in known}
    for _ in range(options.rounds):
        for worker in workers.values():
            worker.round(options.limit_s)
    for worker in workers.values():
        worker.end()
    voxels = [np.count_nonzero(labels) for labels in (case.reference, case.prediction)]
    print(f"\n{title}: {case.reference.shape}, WT {voxels[0]:,} and {voxels[1]:,} voxels\n")
    columns = ["tool", "computes", "s", "least s", "CPU s", "x", "extra MB", "HD95 WT, TC, ET mm"]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    unit = statistics.median(next(iter(workers.values())).seconds or [float("nan")])
    for name, worker in workers.items():
        print(f"| {name} | {known[name][0]} | {cells(worker, unit)} |")


def cells(worker: Worker, unit: float) -> str:
    """Median, least and CPU time, ratio, memory, result; or what went wrong."""
    if worker.trouble:
        return f"{worker.trouble} | | | | |"
    median, cpu_s = statistics.median(worker.seconds), statistics.median(worker.cpu_s)
    hd95_mm = ", ".join(f"{worker.hd95_mm[region]:.2f}" for region in REGIONS)
    times = f"{median:.3f} | {min(worker.seconds):.3f} | {cpu_s:.3f} | {median / unit:.1f}"
    return f"{times} | {worker.extra_mb:.0f} | {hd95_mm}"


def versions() -> str:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"no {package}")
    return ", ".join(found)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", default="ABC", help="of the made cases; A, B, C")
    parser.add_argument("--reference", type=Path, help="a real label map instead")
    parser.add_argument("--prediction", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit-s", type=float, default=120, help="a run that takes longer ends")
    parser.add_argument("--official", type=Path, help="clone of BraTS-2023-Metrics")
    options = parser.parse_args()
    for variable in THREADS:  # read by the workers as they start
        os.environ[variable] = "1"
    print(f"{versions()}; {platform.machine()}, 1 thread, {options.rounds} rounds")
    if options.reference:
        table(options.reference.name, read_case(options.reference, options.prediction), options)
        return
    for kind in options.cases:
        table(f"Case {kind}", made_case(kind), options)


if __name__ == "__main__":
    main()
