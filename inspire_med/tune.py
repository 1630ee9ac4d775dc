"""Command: rules found on out-of-fold predictions (`python -m inspire_med.tune --run cv/`)."""

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
from inspire_med.files import refuse_existing, write_text

if TYPE_CHECKING:
    from inspire_med.cases.manifest import Manifest
    from inspire_med.inference.postprocess import Postprocessing


@dataclass(frozen=True)
class TuneOptions:
    """Rules of postprocessing that help on cases which did not choose them.

    Args:
        run: A cross-validation's folder (train --fold each): its out-of-fold predictions choose,
            and its models go by what they choose.
        manifest: The data set; by default that of the trainings.
        prediction: Out-of-fold predictions with probabilities; by default `predictions` in --run.
        protocol: Its first measure is what a rule must raise; by default the task's own.
        workers: Processes that score cases side by side.
        overwrite: Replace the rules that are there.
    """

    run: Path
    manifest: Path | None = None
    prediction: Path | None = None
    protocol: str | None = None
    workers: int = 2
    overwrite: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, search, and answer with the exit status."""
    parser = CommandParser(
        prog="inspire-med tune",
        description="Search rules of postprocessing on out-of-fold predictions, and keep those "
        "whose gain, on cases that did not choose them, lies above zero.",
    )
    parser.add_argument("--config", action="config", help="YAML file with any of these options.")
    parser.add_class_arguments(TuneOptions, as_group=False)
    return run_command(parser, _tune, arguments)


def _tune(namespace: Namespace) -> None:
    namespace.pop("config")
    options = TuneOptions(**vars(namespace))

    from inspire_med.evaluation.protocols import protocol
    from inspire_med.inference.postprocess import FILE
    from inspire_med.tuning.example import find_examples
    from inspire_med.tuning.rule_search import Measure, search_rules, steps

    if options.workers < 1:
        raise InputError(f"--workers {options.workers}: not a number of processes; give 1 or more.")
    file = options.run / FILE
    refuse_existing(file, overwrite=options.overwrite)
    manifest = _manifest(options)
    examples = find_examples(manifest, options.prediction or options.run / "predictions")
    measure = Measure.of(protocol(options.protocol or manifest.task.protocol))
    dims = manifest.task.spatial_dims
    with progress_bar() as progress:
        bar = progress.add_task("searching", total=len(examples) * len(steps(dims)))
        rules = search_rules(
            examples,
            manifest.regions,
            measure,
            spatial_dims=dims,
            workers=options.workers,
            advance=lambda: progress.advance(bar),
        )
    write_text(file, yaml.safe_dump(rules.to_yaml(), sort_keys=False))
    print("\n".join(_lines(rules, "ml" if dims == 3 else "%")))
    print(f"Written: {file}, by which predict --run {options.run} goes", file=sys.stderr)


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


def _lines(rules: "Postprocessing", unit: str) -> list[str]:
    """The table that is printed: every rule that was tried, with what it brought."""
    lines = ["| region | rule | value | gain | 95 % interval | |", "|---|---|---|---|---|---|"]
    return [*lines, *(_line(each, unit) for each in rules.found)]


def _line(found: Mapping[str, Any], unit: str) -> str:
    value, ends = found["value"], found["ci95"]
    sized = value is not None and found["rule"].startswith("smallest")
    shown = "none helps" if value is None else f"{value} {unit}" if sized else str(value)
    gain = f"{found['gain']:+.3f} {found['measure']}"
    interval = "" if ends is None else f"{ends[0]:+.3f} to {ends[1]:+.3f}, n = {found['n']}"
    kept = "kept" if found["kept"] else "off"
    return f"| {found['region']} | {found['rule']} | {shown} | {gain} | {interval} | {kept} |"


if __name__ == "__main__":
    raise SystemExit(main())
