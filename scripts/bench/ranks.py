"""Two ranks against one process, one thread each, at the same global batch: samples a second.

    python scripts/bench/ranks.py --out /tmp/ranks

Phantom data are made in --out; each task's default training runs in one process and in two, in
turns, and the median step counts. Data wait is the share of the one process's steps.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

PHANTOMS = {"brats": "8", "polyp": "60"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=13)
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--precisions", nargs="+", default=["bf16-mixed"])
    options = parser.parse_args()
    print(
        "| task | skip | precision | s/step, 1 process | s/step, 2 ranks | speed-up | data wait |"
    )
    print("|---|---|---|---|---|---|---|")
    for task in ("brats", "polyp"):
        manifest = options.out / task / "manifest.json"
        if not manifest.exists():
            made = ["--task", task, "--phantom", PHANTOMS[task], "--out", str(manifest.parent)]
            subprocess.run([sys.executable, "-m", "inspire_med", "prepare", *made], check=True)
        for skip in ("concat", "inspire"):
            for precision in options.precisions:
                common = ["--network.skip", skip, "--precision", precision]
                table: dict[int, list[dict]] = {1: [], 2: []}
                for turn in range(options.turns):
                    for ranks in table:
                        run = options.out / f"{task}-{skip}-{precision}-{ranks}-{turn}"
                        table[ranks] += train(task, manifest, run, ranks, options.steps, common)
                one, two = (
                    statistics.median(step["step_s"] for step in table[ranks]) for ranks in (1, 2)
                )
                wait = sum(step["data_wait_s"] for step in table[1])
                wait /= sum(step["step_s"] for step in table[1])
                row = f"{task} | {skip} | {precision} | {one:.3f} | {two:.3f} | {one / two:.2f}"
                print(f"| {row} | {100 * wait:.1f} % |", flush=True)
    return 0


def train(
    task: str, manifest: Path, run: Path, ranks: int, steps: int, words: list[str]
) -> list[dict]:
    """The log of a run's steps, the first three left out."""
    call = ["--task", task, "--manifest", str(manifest), "--run", str(run), "--threads", "1"]
    call += ["--devices", str(ranks), "--max_steps", str(steps), "--validations", "1", *words]
    subprocess.run(
        [sys.executable, "-m", "inspire_med.train", *call],
        check=True,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if line["kind"] == "step"][3:]


if __name__ == "__main__":
    raise SystemExit(main())
