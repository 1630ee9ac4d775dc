"""What does a missing sequence cost? Sets of channels left out, on a fold's validation cases.

    python scripts/missing_channels.py --run runs/a --manifest brats.json --fold 0 --output missing

predicts with all channels and with each set of them left out (`--most` at a time), scores all by
`--protocol`, and prints a row a set; the scores of every case lie in --output. Train with
`--data.drop_channels 0.2` for a network that knows of missing sequences.
"""

import argparse
import json
from itertools import combinations
from pathlib import Path

from inspire_med.cases.manifest import Manifest
from inspire_med.evaluate import main as evaluate
from inspire_med.predict import main as predict


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--protocol", default="segmentation")
    parser.add_argument("--measure", default="dice")
    parser.add_argument("--most", type=int, help="left out at once; by default all but one")
    options = parser.parse_args()
    channels = Manifest.load(options.manifest).channels
    most = options.most or len(channels) - 1
    sets = [names for count in range(most + 1) for names in combinations(channels, count)]
    fold = ["--fold", str(options.fold)]
    methods: list[str] = []
    for names in sets:
        masks = options.output / "masks" / _name(names)
        words = ["--run", options.run, "--input", options.manifest, "--output", masks]
        leave = ["--without", ",".join(names)] if names else []
        status = predict([*map(str, words), *fold, *leave])
        if status:
            return status
        methods.append(f"{_name(names)}={masks}")
    scores = options.output / "scores"
    words = ["--reference", str(options.manifest), "--output", str(scores), *fold]
    status = evaluate(
        ["--prediction", *methods, *words, "--protocol", options.protocol, "--baseline", "none"]
    )
    if not status:
        _print([(_name(names), scores / _name(names)) for names in sets], options.measure)
    return status


def _name(names: tuple[str, ...]) -> str:
    return "+".join(names) or "none"


def _print(rows: list[tuple[str, Path]], measure: str) -> None:
    """A row a set, a column a region."""
    found = [
        (name, json.loads((folder / "scores.json").read_text())["summary"]) for name, folder in rows
    ]
    regions = list(found[0][1])
    print(f"\n| missing | {' | '.join(regions)} |\n|---|{'---:|' * len(regions)}")
    for name, summary in found:
        values = [summary[region][measure]["mean"] for region in regions]
        texts = ["" if value is None else f"{value:.3f}" for value in values]
        print(f"| {name} | {' | '.join(texts)} |")


if __name__ == "__main__":
    raise SystemExit(main())
