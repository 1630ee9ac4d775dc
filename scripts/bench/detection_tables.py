"""Print a Markdown table of parameters and operations of detection configs, beside published ones.

Nothing is computed but shapes, so the largest takes seconds. Published columns are empty where the
seeds print no number.

    python scripts/bench/detection_tables.py configs/detection/*spinenet*.py
    python scripts/bench/detection_tables.py configs/detection/*hrnet*_1x.py --shape 800 1280
    python scripts/bench/detection_tables.py --necks --shape 800 1344
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

CONFIGS = Path(__file__).parents[2] / "configs" / "detection"
# Parameters in millions and FLOPs in billions by the counter of mmdetection 1, as printed by
# SpineNet-Pytorch. Its Mask R-CNN counts a class more, the background, in box and mask heads.
PUBLISHED = {
    "retinanet_spinenet-49s_640": (11.15, 30.04),
    "retinanet_spinenet-49_640": (28.31, 83.7),
    "retinanet_spinenet-49_896": (28.31, 164.05),
    "retinanet_spinenet-96_1024": (42.74, 261.35),
    "retinanet_spinenet-143_1280": (66.73, 518.32),
    "retinanet_spinenet-190_1280": (163.17, 1870.89),
    "mask-rcnn_spinenet-49s_640": (13.92, 63.77),
    "mask-rcnn_spinenet-49_640": (40.69, 231.17),
    "mask-rcnn_spinenet-96_1024": (55.12, 330.72),
    "mask-rcnn_spinenet-143_1280": (79.11, 515.58),
    # hrnet-tmp prints parameters in units of 2^20, FLOPs by the same counter.
    "faster-rcnn_hrnetv2p-w18_syncbn_1x": (26.2 * 1.048576, 159.1),
    "faster-rcnn_hrnetv2p-w32_syncbn_1x": (45.0 * 1.048576, 245.3),
    "faster-rcnn_hrnetv2p-w40_syncbn_1x": (60.5 * 1.048576, 314.9),
}
NECKS = {"FPN": "fpn", "INSPIRE": "inspire-fpn", "with feedback": "inspire-fpn-feedback"}
COLUMNS = ["config", "size", "parameters", "published M", "difference", "GMACs"]
COLUMNS += ["GFLOPs (mmdet 2)", "published", "difference"]


def analyse(config: Path, options: list[str]) -> tuple[str, dict]:
    """Size and counts, in a process of its own: mmengine's registries remember a config's parts."""
    command = [sys.executable, "-m", "inspire_med.detection.analyze", str(config), "--depth", "0"]
    result = subprocess.run([*command, *options], stdout=subprocess.PIPE, text=True, check=True)
    lines = result.stdout.splitlines()
    heading = next(line for line in lines if line.endswith(" pixels"))
    return heading.removesuffix(" pixels").rpartition(" at ")[2], json.loads(lines[-1])


def beside(ours: float, published: float | None) -> list[str]:
    if published is None:
        return ["", ""]
    return [f"{published:.2f}", f"{100 * (ours / published - 1):+.3f} %"]


def row(config: Path, options: list[str]) -> list[str]:
    size, counts = analyse(config, options)
    parameters, flops = PUBLISHED.get(config.stem, (None, None))
    return [
        config.stem,
        size,
        f"{counts['parameters']:,}",
        *beside(counts["parameters"] / 1e6, parameters),
        f"{counts['macs'] / 1e9:.3f}",
        f"{counts['flops_mmdet2'] / 1e9:.3f}",
        *beside(counts["flops_mmdet2"] / 1e9, flops),
    ]


def print_necks(options: list[str]) -> None:
    """A detector a row, its three twins side by side."""
    heads = [f"{what}: {neck}" for what in ("parameters", "GMACs") for neck in NECKS]
    print(f"| detector | {' | '.join(heads)} |\n|---{'|---:' * len(heads)}|")
    for first in sorted(CONFIGS.glob("*_r50_fpn.py")):
        detector = first.stem.removesuffix("_r50_fpn")
        twins = [CONFIGS / f"{detector}_r50_{neck}.py" for neck in NECKS.values()]
        counts = [analyse(twin, options)[1] for twin in twins]
        cells = [f"{each['parameters']:,}" for each in counts]
        cells += [f"{each['macs'] / 1e9:.3f}" for each in counts]
        print(f"| {detector} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("configs", type=Path, nargs="*")
    parser.add_argument("--necks", action="store_true", help="INSPIRE's necks beside FPN")
    parser.add_argument("--shape", nargs=2, metavar=("H", "W"), help="by default the test size")
    arguments = parser.parse_args()
    options = ["--shape", *arguments.shape] if arguments.shape else []
    if arguments.necks:
        print_necks(options)
        return
    print(f"| {' | '.join(COLUMNS)} |\n|---|---{'|---:' * (len(COLUMNS) - 2)}|")
    for config in arguments.configs:
        print(f"| {' | '.join(row(config, options))} |", flush=True)


if __name__ == "__main__":
    main()
