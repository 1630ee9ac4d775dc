"""Kill a training run again and again, at random moments; its log must be that of a quiet run.

    python scripts/bench/kills.py --out /tmp/kills --kills 30 --seed 0

Phantom images are made in --out, a small INSPIRE U-Net is trained on them once in peace, and once
while SIGKILL, SIGTERM or SIGUSR1 come at random moments: during a step, a validation, or a save (a
checkpoint is written after every step, so many fall into one). After each the same command is given
again. The table counts what was sent, in which moment, and compares the two logs line by line.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

STEPS = 1500
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    manifest = options.out / "data" / "manifest.json"
    if not manifest.exists():
        words = ["--task", "polyp", "--phantom", "6", "--out", str(manifest.parent)]
        subprocess.run([sys.executable, "-m", "inspire_med", "prepare", *words], check=True)

    quiet, killed = options.out / "quiet", options.out / f"killed-seed{options.seed}"
    start(manifest, quiet).wait()
    chance = random.Random(options.seed)
    sent: Counter[tuple[str, str, int]] = Counter()
    for _ in range(options.kills):
        what = kill_once(manifest, killed, chance)
        sent[what] += 1
        print(*what, file=sys.stderr, flush=True)
    status = start(manifest, killed).wait()

    same = log(quiet) == log(killed)
    print(f"seed {options.seed}: {sum(sent.values())} signals, last exit status {status}")
    for (name, moment, code), count in sorted(sent.items()):
        print(f"  {count:3} x {name:8} {moment:16} exit status {code}")
    print(f"lines in the log: {len(log(quiet))} quiet, {len(log(killed))} killed; same: {same}")
    return 0 if same and status == 0 else 1


def start(manifest: Path, run: Path) -> subprocess.Popen:
    words = ["--task", "polyp", "--manifest", str(manifest), "--run", str(run), "--threads", "1"]
    words += ["--data.image_size", "[64,64]", "--data.batch_size", "2", "--precision", "32-true"]
    words += ["--network.widths", "[8,16,32]", "--max_steps", str(STEPS), "--validations", "20"]
    words += ["--save_every_steps", "1"]
    return subprocess.Popen(
        [sys.executable, "-m", "inspire_med.train", *words], stderr=subprocess.DEVNULL
    )


def kill_once(manifest: Path, run: Path, chance: random.Random) -> tuple[str, str, int]:
    """Start the run, wait until it makes steps, send a signal after a random while."""
    process = start(manifest, run)
    before = len(log(run))
    while process.poll() is None and len(log(run)) == before:
        time.sleep(0.02)
    time.sleep(chance.random())
    assert process.poll() is None, "the run is over: give fewer --kills"
    number = chance.choice(SIGNALS)
    own = f".tmp-*-{process.pid}-*"  # a killed one may have left its own behind
    moment = "during a save" if list((run / "checkpoints").glob(own)) else "between saves"
    process.send_signal(number)
    return number.name, moment, process.wait()


def log(run: Path) -> list[tuple]:
    """The log without its seconds; a half line at the end is none."""
    if not (run / "log.jsonl").exists():
        return []
    kept = []
    for line in (run / "log.jsonl").read_text().splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        times = ("step_s", "data_wait_s", "seconds")
        kept.append(tuple((k, str(v)) for k, v in record.items() if k not in times))
    return kept


if __name__ == "__main__":
    raise SystemExit(main())
