"""Networks side by side on one data set: equal wall time and equal steps, several seeds.

    python scripts/bench/plain_and_inspire.py --task polyp --manifest kvasir.json --out runs/kvasir
        --skips concat inspire --seeds 0 1 2 --max_time 10m -- --data.image_size [128,128]

Every skip is trained for --max_time, or for --max_steps where that is given. With --equal_steps
the first skip is then trained again for as many steps as the last one made in that time, seed by
seed. Each run is predicted and evaluated on the fold's cases at their own resolution. What is
finished is not run again. The table goes to stdout.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--skips", nargs="+", default=["concat", "inspire"])
    parser.add_argument("--seeds", nargs="+", default=["0", "1", "2"])
    parser.add_argument("--max_time", default="10m")
    parser.add_argument("--max_steps", help="in place of --max_time: the same steps for all")
    parser.add_argument("--fold", default="0")
    parser.add_argument("--equal_steps", action="store_true")
    parser.add_argument("options", nargs="*", help="after --: passed on to train")
    options = parser.parse_args()

    rows = []
    for seed in options.seeds:
        limit = ["--max_time", options.max_time]
        if options.max_steps:
            limit = ["--max_steps", options.max_steps]
        for skip in options.skips:
            rows.append(run(options, skip, seed, f"{skip}-{limit[1]}", limit))
            print(rows[-1], file=sys.stderr, flush=True)
        if options.equal_steps:
            steps = rows[-1]["steps"]
            limit = ["--max_steps", str(steps)]
            rows.append(run(options, options.skips[0], seed, f"{options.skips[0]}-equal", limit))
            print(rows[-1], file=sys.stderr, flush=True)
    print_table(rows)
    return 0


def run(options: argparse.Namespace, skip: str, seed: str, name: str, limit: list[str]) -> dict:
    """Train, predict and evaluate one network; answers with a row of the table."""
    out = options.out / f"{name}-seed{seed}"
    scores = out / "scores" / "scores.json"
    if not scores.exists():
        data = ["--manifest", str(options.manifest)]
        common = ["--task", options.task, *data, "--run", str(out / "run"), "--seed", seed]
        if limit[0] == "--max_time":
            limit = [*limit, "--max_steps", "1000000"]
        call(
            "train",
            *common,
            "--fold",
            options.fold,
            "--network.skip",
            skip,
            *limit,
            *options.options,
        )
        fold = [] if options.fold == "all" else ["--fold", options.fold]
        source = ["--input", str(options.manifest), *fold]
        predictions = str(out / "predictions")
        call("predict", "--run", str(out / "run"), *source, "--output", predictions, "--overwrite")
        reference = ["--reference", str(options.manifest), *fold]
        protocol = ["--protocol", "segmentation", "--prediction", predictions]
        call("evaluate", *protocol, *reference, "--output", str(scores.parent))
    lines = [json.loads(line) for line in (out / "run" / "log.jsonl").read_text().splitlines()]
    steps = [line for line in lines if line["kind"] == "step"]
    last = json.loads((out / "run" / "checkpoints" / "last" / "training.json").read_text())
    summary = json.loads(scores.read_text())["summary"]
    return {
        "name": name,
        "seed": seed,
        "steps": len(steps),
        "minutes": last["progress"]["elapsed_s"] / 60,
        "step_s": statistics.median(line["step_s"] for line in steps),
        **{f"dice {region}": values["dice"]["mean"] for region, values in summary.items()},
    }


def call(command: str, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "inspire_med", command, *words], check=True)


def print_table(rows: list[dict]) -> None:
    """One row a run, then mean and standard deviation over seeds for each kind of run."""
    measures = [key for key in rows[0] if key.startswith("dice")]
    print("| run | seed | steps | minutes | s/step |", " | ".join(measures), "|")
    print("|---" * (5 + len(measures)) + "|")
    for row in rows:
        dice = " | ".join(f"{row[key]:.4f}" for key in measures)
        cost = f"{row['steps']} | {row['minutes']:.1f} | {row['step_s']:.3f}"
        print(f"| {row['name']} | {row['seed']} | {cost} | {dice} |")
    for name in dict.fromkeys(row["name"] for row in rows):
        values = {key: [row[key] for row in rows if row["name"] == name] for key in measures}
        texts = [f"{statistics.mean(v):.4f} ± {_deviation(v):.4f}" for v in values.values()]
        print(f"| **{name}** | mean ± sd | | | |", " | ".join(texts), "|")


def _deviation(values: list[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else float("nan")


if __name__ == "__main__":
    raise SystemExit(main())
