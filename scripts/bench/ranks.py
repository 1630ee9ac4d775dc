"""Two ranks against one process, one thread each, at the same global batch: samples a second.

    python scripts/bench/ranks.py --out /tmp/ranks

Phantom data are made in --out; each task's default training runs in one process, in two ranks, and
in two processes that know nothing of each other with half the batch each, whose speed-up is the
most that this machine allows. The median step counts. Data wait is the share of the one process's
steps.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

PHANTOMS = {"brats": "8", "polyp": "60"}
BATCH = {"brats": 2, "polyp": 16}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tasks", nargs="+", default=list(PHANTOMS))
    parser.add_argument("--steps", type=int, default=13)
    parser.add_argument("--precisions", nargs="+", default=["bf16-mixed"])
    options = parser.parse_args()
    print(
        "| task | skip | precision | s/step, 1 process | s/step, 2 ranks | speed-up "
        "| two apart | data wait |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for task in options.tasks:
        manifest = options.out / task / "manifest.json"
        if not manifest.exists():
            made = ["--task", task, "--phantom", PHANTOMS[task], "--out", str(manifest.parent)]
            subprocess.run([sys.executable, "-m", "inspire_med", "prepare", *made], check=True)
        for skip in ("concat", "inspire"):
            for precision in options.precisions:
                row = measure(options.out, task, skip, precision, options.steps)
                print(f"| {task} | {skip} | {precision} | {row} |", flush=True)
    return 0


def measure(out: Path, task: str, skip: str, precision: str, steps: int) -> str:
    """Train three ways; answers with the numbers of a row."""
    words = ["--task", task, "--manifest", str(out / task / "manifest.json")]
    words += ["--network.skip", skip, "--precision", precision, "--max_steps", str(steps)]
    name = out / f"{task}-{skip}-{precision}"
    whole, half = str(BATCH[task]), str(BATCH[task] // 2)
    one = train([(Path(f"{name}-1"), "1", whole)], words)
    two = train([(Path(f"{name}-2"), "2", whole)], words)
    apart = train([(Path(f"{name}-{who}"), "1", half) for who in ("a", "b")], words)
    alone, ranks, strangers = (
        statistics.median(step["step_s"] for step in steps) for steps in (one, two, apart)
    )
    wait = sum(step["data_wait_s"] for step in one) / sum(step["step_s"] for step in one)
    speed_up = f"{alone / ranks:.2f} | {alone / strangers:.2f}"
    return f"{alone:.3f} | {ranks:.3f} | {speed_up} | {100 * wait:.1f} %"


def train(runs: list[tuple[Path, str, str]], words: list[str]) -> list[dict]:
    """Train side by side, (folder, ranks, batch) each; all steps but the first three."""
    jobs = []
    for folder, ranks, batch in runs:
        call = ["--run", str(folder), "--threads", "1", "--devices", ranks, "--validations", "1"]
        call += ["--data.batch_size", batch]
        jobs.append(
            subprocess.Popen(
                [sys.executable, "-m", "inspire_med.train", *words, *call],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        )
    assert all(job.wait() == 0 for job in jobs), f"a training failed; see {runs[0][0]}"
    steps: list[dict] = []
    for folder, _, _ in runs:
        lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        steps += [line for line in lines if line["kind"] == "step"][3:]
    return steps


if __name__ == "__main__":
    raise SystemExit(main())
