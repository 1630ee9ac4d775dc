"""Command: what out-of-fold predictions tell (`python -m inspire_med.tune --run cv/`)."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jsonargparse import Namespace

from inspire_med.cli.command import run_command
from inspire_med.cli.parser import CommandParser
from inspire_med.cli.progress import progress_bar
from inspire_med.errors import InputError
from inspire_med.files import refuse_existing, write_json, write_text

if TYPE_CHECKING:
    from inspire_med.cases.manifest import Manifest
    from inspire_med.inference.postprocess import Postprocessing
    from inspire_med.tuning.doubt_search import DoubtSearch
    from inspire_med.tuning.referral import Wrong


@dataclass(frozen=True)
class TuneOptions:
    """Rules of postprocessing that help, and how sure to be of a prediction.

    Args:
        run: A cross-validation's folder (train --fold each): its out-of-fold predictions choose,
            and its models go by what they choose.
        manifest: The data set; by default that of the trainings.
        prediction: Out-of-fold predictions with probabilities; by default `predictions` in --run.
        protocol: Its first measure is what a rule must raise; by default the task's own.
        refer: Share of the cases that a person is to look at: those of the least confidence.
        workers: Processes that score cases side by side.
        overwrite: Replace the rules that are there.
    """

    run: Path
    manifest: Path | None = None
    prediction: Path | None = None
    protocol: str | None = None
    refer: float = 0.2
    workers: int = 2
    overwrite: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, search, and answer with the exit status."""
    parser = CommandParser(
        prog="inspire-med tune",
        description="On out-of-fold predictions: search rules of postprocessing, and keep those "
        "whose gain, on cases that did not choose them, lies above zero; fit the temperature "
        "and bias of the probabilities; find the confidence below which a person should look at a "
        "case.",
    )
    parser.add_argument("--config", action="config", help="YAML file with any of these options.")
    parser.add_class_arguments(TuneOptions, as_group=False)
    return run_command(parser, _tune, arguments)


def _tune(namespace: Namespace) -> None:
    namespace.pop("config")
    options = TuneOptions(**vars(namespace))

    from inspire_med.evaluation.protocols import protocol
    from inspire_med.inference import doubt, postprocess
    from inspire_med.provenance import this_code
    from inspire_med.reports import tuning_page
    from inspire_med.tuning.doubt_search import PASSES, search_doubt
    from inspire_med.tuning.example import find_examples
    from inspire_med.tuning.rule_search import Measure, passes, search_rules

    if options.workers < 1:
        raise InputError(f"--workers {options.workers}: not a number of processes; give 1 or more.")
    if not 0 < options.refer < 1:
        raise InputError(f"--refer {options.refer}: no share of the cases; give 0.2 for a fifth.")
    names = {"rules": postprocess.FILE, "doubt": doubt.FILE, "page": tuning_page.FILE}
    files = {what: options.run / name for what, name in names.items()}
    for file in files.values():
        refuse_existing(file, overwrite=options.overwrite)
    manifest = _manifest(options)
    predictions = _predictions(options)
    examples = find_examples(manifest, predictions)
    measure = Measure.of(protocol(options.protocol or manifest.task.protocol))
    dims = manifest.task.spatial_dims
    with progress_bar() as progress:
        times = passes(dims, manifest.regions) + PASSES
        bar = progress.add_task("searching", total=len(examples) * times)
        common: dict[str, Any] = {
            "workers": options.workers,
            "advance": lambda: progress.advance(bar),
        }
        found = search_rules(examples, manifest.regions, measure, spatial_dims=dims, **common)
        sure = search_doubt(examples, manifest.regions, found.rules, share=options.refer, **common)
    tuning = tuning_page.Tuning(
        found,
        sure,
        folds={example.id: example.fold for example in examples},
        regions=tuple(manifest.regions),
        unit="ml" if dims == 3 else "%",
        words=manifest.task.words,
        provenance={
            "Predictions": str(predictions),
            "Manifest": str(options.manifest or "that of the trainings"),
            "Manifest hash": manifest.hash,
            "Tuned by inspire_med": this_code(),
        },
    )
    page = tuning_page.tuning_html(tuning)
    write_text(files["rules"], yaml.safe_dump(found.rules.to_yaml(), sort_keys=False))
    write_json(files["doubt"], sure.doubt.to_json())
    write_text(files["page"], page)
    print("\n".join(_lines(found.rules, tuning.unit)))
    print("\n".join(_lines_of_doubt(sure)))
    written = f"{files['rules']} and {files['doubt']}, by which predict --run {options.run} goes"
    print(f"Written: {written}; and {files['page']}", file=sys.stderr)


def _manifest(options: TuneOptions) -> "Manifest":
    from inspire_med.cases.manifest import Manifest
    from inspire_med.cli.run_folder import options_in
    from inspire_med.inference.members import model_folders

    if options.manifest is not None:
        return Manifest.load(options.manifest)
    first = model_folders(options.run)[0].parent.parent / "config.yaml"
    if not first.is_file():
        raise InputError(f"{first}: no such file, so the data set is not known; give --manifest.")
    return Manifest.load(Path(options_in(first)["manifest"]))


def _predictions(options: TuneOptions) -> Path:
    """Where the out-of-fold predictions lie."""
    folder = options.prediction or options.run / "predictions"
    if options.prediction is None and not folder.is_dir():
        raise InputError(
            f"--run: {options.run} has no out-of-fold predictions; give the folder of a "
            "cross-validation (train --fold each), not a single fold's run, or --prediction."
        )
    return folder


def _lines(rules: "Postprocessing", unit: str) -> list[str]:
    """The table that is printed: every rule that was tried, with what it brought."""
    lines = ["| region | rule | value | gain | 95 % interval | |", "|---|---|---|---|---|---|"]
    return [*lines, *(_line(each, unit) for each in rules.found)]


def _line(found: Mapping[str, Any], unit: str) -> str:
    from inspire_med.reports.tuning_page import rule_value

    low, high = found["ci95"]
    gain = f"{found['gain']:+.3f} {found['measure']}"
    interval = f"{low:+.3f} to {high:+.3f}, n = {found['n']}"
    kept = "kept" if found["kept"] else "off"
    words = found["region"], found["rule"], rule_value(found, unit), gain, interval, kept
    return f"| {' | '.join(words)} |"


def _lines_of_doubt(sure: "DoubtSearch") -> list[str]:
    """What was measured, in words."""
    own, calibration, (before, after) = sure.referral, sure.calibration, sure.errors
    direction = "above 0: it says too much where it is in doubt"
    areas = "area under the risk-coverage curve {by_confidence:.3f}; by chance {by_chance:.3f}, "
    return [
        f"temperature {calibration.temperature:.2f} (above 1: the network is too sure of itself), "
        f"bias {calibration.bias:+.2f} ({direction})",
        f"expected calibration error {before:.3f}; calibrated by the other folds {after:.3f}",
        _counted(f"confidence below {own.limit:.3f}, for a person to look at", own.referred),
        _counted("the others", own.others),
        (areas + "by Dice itself {by_dice:.3f}").format(**own.areas),
    ]


def _counted(words: str, found: "Wrong") -> str:
    from inspire_med.tuning.referral import WRONG_BELOW

    share = ""
    if found.ci95 is not None:
        low, high = found.ci95
        share = f" ({found.wrong / found.n:.0%}, 95 % interval {low:.0%} to {high:.0%})"
    return f"{words}: {found.wrong} of {found.n} have Dice below {WRONG_BELOW:g}{share}"


if __name__ == "__main__":
    raise SystemExit(main())
