"""What does a missing sequence cost? Sets of channels left out, on a fold's validation cases.

    python scripts/missing_channels.py --run runs/a --manifest brats.json --output missing

predicts the run's validation cases with all channels and with each set of them left out (`--most`
at a time), scores all by `--protocol`, and prints a row a set: the mean over cases, and by how much
it is less or more than with all channels, each with its 95 % interval. Of a cross-validation's
folder (`train --fold each`) every case is predicted by the fold that left it out. The scores of
every case lie in --output, and a page with the tests. Train with `--data.drop_channels 0.2` for a
network that knows of missing sequences.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from inspire_med.cases.manifest import Manifest
from inspire_med.cli.run_folder import last_options
from inspire_med.errors import InputError
from inspire_med.evaluate import main as evaluate
from inspire_med.evaluation.protocols import protocol
from inspire_med.files import link_or_copy, read_yaml
from inspire_med.predict import main as predict

ALL = "none"  # is missing
EACH = "each"  # fold of a cross-validation
Json = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--fold", type=int, help="by default the run's own")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--protocol", default="segmentation")
    parser.add_argument("--measure", default="dice")
    parser.add_argument("--most", type=int, help="left out at once; by default all but one")
    parser.add_argument("--windows", default="training", help="as of predict")
    options = parser.parse_args()
    try:
        return run(options)
    except InputError as error:
        print(f"missing_channels: {error}", file=sys.stderr)
        return 2


def run(options: argparse.Namespace) -> int:
    """Predict and score each set, and print the table."""
    manifest = Manifest.load(options.manifest)
    channels = manifest.channels
    most = len(channels) - 1 if options.most is None else options.most
    if not 1 <= most < len(channels):
        raise InputError(f"--most: {most} of {len(channels)} channels; give 1 or more, not all.")
    known = protocol(options.protocol).measures
    if options.measure not in known:
        raise InputError(f"--measure: {options.measure} is none of {', '.join(known)}.")
    if options.output.exists():
        raise InputError(f"{options.output}: exists already; choose another --output.")
    if not options.run.is_dir():
        raise InputError(f"--run: {options.run}: no such folder; check the path.")
    trained = trained_with(options.run)
    fold = options.fold if options.fold is not None else trained.get("fold")
    if fold != EACH and not isinstance(fold, int):
        raise InputError(f"--fold: missing, and {options.run} was validated on none; give one.")
    if trained.get("fold") == EACH and fold != EACH:
        raise InputError(
            f"--fold: {options.run} is a cross-validation, of which all folds are taken; leave it "
            f"out, or give --run {options.run / f'fold{fold}' / 'run'}."
        )
    folds = manifest.folds if fold == EACH else (fold,)
    runs = {n: options.run / f"fold{n}" / "run" if fold == EACH else options.run for n in folds}

    sets = [names for count in range(most + 1) for names in combinations(channels, count)]
    methods: list[str] = []
    for names in sets:
        masks = options.output / "masks" / called(names)
        if status := predict_without(names, runs, masks, options):
            return status
        methods.append(f"{called(names)}={masks}")
    scores = options.output / "scores"
    words = ["--reference", str(options.manifest), "--output", str(scores)]
    own = [] if fold == EACH else ["--fold", str(fold)]
    rules = ["--protocol", options.protocol, "--baseline", ALL]
    status = evaluate(["--prediction", *methods, *words, *own, *rules])
    if not status:
        found = json.loads((scores / "comparison.json").read_text())
        print(f"\n{training_in_words(trained, fold)}")
        print("\n".join(table(found, options.measure)))
    return status


def predict_without(
    names: tuple[str, ...], runs: dict[int, Path], masks: Path, options: argparse.Namespace
) -> int:
    """Predict each fold's cases without some channels by its run; all masks come to one folder."""
    masks.mkdir(parents=True)
    leave = ["--without", ",".join(names)] if names else []
    for fold, run in runs.items():
        part = options.output / "folds" / masks.name / f"fold{fold}"
        words = ["--run", run, "--input", options.manifest, "--output", part, "--fold", fold]
        if status := predict([*map(str, words), "--windows", options.windows, *leave]):
            return status
        for mask in part.glob("*.nii.gz"):
            link_or_copy(mask, masks / mask.name)
    return 0


def trained_with(run: Path) -> Json:
    """The options that the run was last asked for; none are known of a model folder alone."""
    last = last_options(run)
    if last is None:
        return {}
    config, changed = last
    begun = read_yaml(config)
    drop = changed.get("data.drop_channels", begun["data"].get("drop_channels", 0.0))
    return {"fold": begun["fold"], "drop_channels": drop}


def training_in_words(trained: Json, fold: int | str) -> str:
    """Whether the network knows of missing channels, and whether it knows the cases."""
    if not trained:
        return "How the model was trained is not known: --run holds no config.yaml."
    share = trained["drop_channels"]
    how = f"Trained with --data.drop_channels {share:g}: channels were missing in training too."
    if not share:
        how = "Trained with all channels always (--data.drop_channels 0): it knows of none missing."
    if trained["fold"] != fold:
        how += f" Fold {fold} is not the one that it was validated on: these cases were trained on."
    return how


def table(found: Json, measure: str) -> Iterator[str]:
    """Markdown: a row a set, a column a region."""
    summary = found["summary"]
    regions = [region for region, each in summary[ALL].items() if measure in each]
    costs = {
        (each["first"], each["region"]): each
        for each in found["differences"]
        if each["measure"] == measure
    }
    count = found["n_cases"]
    yield (
        f"{measure} by protocol {found['protocol']}: the mean over {count} cases with its 95 % "
        "interval; then by how much it is less or more than with all channels, with its own."
    )
    notes = {summary[ALL][region][measure]["note"] for region in regions} - {""}
    yield from sorted(f"{note}." for note in notes)
    yield ""
    yield f"| missing | {' | '.join(regions)} |"
    yield f"|---|{'---:|' * len(regions)}"
    for name, of_set in summary.items():
        cells = [cell(of_set[r][measure], costs.get((name, r)), count) for r in regions]
        yield f"| {name} | {' | '.join(cells)} |"


def cell(mean: Json, cost: Json | None, count: int) -> str:
    """A mean, and what it differs by; n where it is not all cases."""
    parts = [number(mean["mean"], mean["ci95"])]
    if cost is not None and cost["mean"] is not None:
        parts.append(number(cost["mean"], cost["ci95"], "+"))
    if mean["n"] != count:
        parts.append(f"n = {mean['n']}")
    return "; ".join(parts)


def number(value: float | None, interval: list[float] | None, sign: str = "") -> str:
    """Three digits, with the interval where there is one."""
    if value is None:
        return "undefined"
    ends = "" if interval is None else " [{:{s}.3f}, {:{s}.3f}]".format(*interval, s=sign)
    return f"{value:{sign}.3f}{ends}".replace("-", "−")


def called(names: tuple[str, ...]) -> str:
    return "+".join(names) or ALL


if __name__ == "__main__":
    raise SystemExit(main())
