"""The whole job on made data, in the commands that a user types on real data.

python scripts/demo.py --out demo [--tasks brats polyp] [--max_time 60s]
"""

import argparse
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

# Small enough for two cores: the phantoms are small, so patches and images are too.
OPTIONS = {
    "brats": ["--data.patch_size", "[48,48,48]", "--network.widths", "[16,32,64]"],
    "isles": ["--data.patch_size", "[48,48,24]", "--network.widths", "[16,32,64]"],
    "polyp": ["--data.image_size", "[96,96]", "--data.batch_size", "8"],
}
PROTOCOLS = {"brats": "segmentation", "isles": "segmentation", "polyp": "polyp-pranet"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for everything")
    parser.add_argument("--tasks", nargs="+", default=["brats", "polyp"], choices=list(OPTIONS))
    parser.add_argument("--phantoms", default="12", help="made cases for each task")
    parser.add_argument("--max_time", default="75s", help="training time for each task")
    options = parser.parse_args()
    make_empty(options.out)
    for task in options.tasks:
        run_task(task, options.out / task, options.phantoms, options.max_time)
    for task in options.tasks:
        print(f"report of {task}: {(options.out / task / 'scores' / 'report.html').resolve()}")
    return 0


def make_empty(out: Path) -> None:
    """Clear what an earlier demo left; anything else in the folder is not ours to remove."""
    marker = out / "made-by-demo"
    if out.exists() and any(out.iterdir()) and not marker.exists():
        raise SystemExit(f"{out}: holds something that no demo made; choose another --out.")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    marker.touch()


def run_task(task: str, out: Path, phantoms: str, max_time: str) -> None:
    manifest = ["--manifest", out / "data" / "manifest.json"]
    cases = [manifest[1], "--fold", "0"]
    inspire_med("prepare", "--task", task, "--phantom", phantoms, "--out", out / "data")
    budget = ["--max_time", max_time, "--validations", "3"]
    run = ["--run", out / "run"]
    inspire_med("train", "--task", task, *manifest, *run, "--fold", "0", *budget, *OPTIONS[task])
    inspire_med("predict", *run, "--input", *cases, "--output", out / "predictions")
    masks = ["--prediction", out / "predictions", "--reference", *cases]
    inspire_med("evaluate", "--protocol", PROTOCOLS[task], *masks, "--output", out / "scores")


def inspire_med(*words: str | Path) -> None:
    command = [str(word) for word in words]
    print(f"\n$ inspire-med {shlex.join(command)}", flush=True)
    subprocess.run([sys.executable, "-m", "inspire_med", *command], check=True)


if __name__ == "__main__":
    raise SystemExit(main())
