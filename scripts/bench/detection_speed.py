"""Images a second in turns: INSPIRE's neck beside FPN, the release beside both, half precision.

    python scripts/bench/detection_speed.py --side 320

Batch 1, random weights. What these find is noise, and sorting it out would outweigh the necks: 100
regions go to the second stage, and no detection is sure enough to be kept. Each row's median over
the rounds, and its ratio to the first row of its group.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

import torch

CONFIGS = Path(__file__).parents[2] / "configs" / "detection"
FEW = ["--cfg-options", "model.test_cfg.rpn.nms_pre=100", "model.test_cfg.rpn.max_per_img=100"]
FEW += ["model.test_cfg.rcnn.score_thr=0.99"]
HALF = "fp16" if torch.cuda.is_available() else "bf16"
RELEASED = "model.neck.type=ReleasedInspireFPN"
GROUPS = {
    "neck": [
        ("FPN", "faster-rcnn_r50_fpn", FEW),
        ("InspireFPN", "faster-rcnn_r50_inspire-fpn", FEW),
        ("ReleasedInspireFPN", "faster-rcnn_r50_inspire-fpn", [*FEW, RELEASED]),
        ("FeedbackBackbone", "faster-rcnn_r50_inspire-fpn-feedback", FEW),
    ],
    "SparseInst": [
        ("fp32", "sparseinst_r50_giam", ["--precision", "fp32"]),
        (HALF, "sparseinst_r50_giam", ["--precision", HALF]),
    ],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--side", default="320")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("| group | row | images/s | ratio |\n|---|---|---|---|")
    for group, rows in GROUPS.items():
        rates: dict[str, list[float]] = {name: [] for name, _, _ in rows}
        for _ in range(options.rounds):
            for name, config, more in rows:
                rates[name].append(rate(config, options.side, more))
        first = statistics.median(rates[rows[0][0]])
        for name, found in rates.items():
            median = statistics.median(found)
            print(f"| {group} | {name} | {median:.2f} | {median / first:.2f} |", flush=True)
    return 0


def rate(config: str, side: str, more: list[str]) -> float:
    """Images a second, in a process of its own."""
    command = [sys.executable, "-m", "inspire_med.detection.analyze", f"{CONFIGS / config}.py"]
    shape = ["--shape", side, side, "--fps", "--depth", "0"]
    result = subprocess.run(
        [*command, *shape, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])["fps"]


if __name__ == "__main__":
    raise SystemExit(main())
