"""Plan: sizes of data and network for a data set, printed and written beside its manifest."""

from dataclasses import replace
from pathlib import Path

from inspire_med.cases.manifest import Manifest
from inspire_med.cases.planning.plan import write_plan
from inspire_med.cli.options import training_config, training_parser
from inspire_med.cli.planned import asked_options, find_plan


def plan_file(manifest: Path) -> Path:
    """Where the plan of a manifest is written."""
    return manifest.with_name(f"{manifest.stem}-plan.yaml")


def plan_set(manifest: Path, name: str, *, overwrite: bool = False) -> None:
    """Plan the task's usual training on fold 0, or on all cases where there are no folds.

    Args:
        manifest: The data set's manifest.
        name: `auto`, `small` or `large`.
        overwrite: Replace an older plan.

    Raises:
        InputError: If there is no labelled case, or no room to train in.
    """
    found = Manifest.load(manifest)
    words = ["--manifest", str(manifest), "--run", "none"]
    parser = training_parser(words)
    config = replace(training_config(parser, parser.parse_args(words)), plan=name)
    if 0 not in found.folds:
        config = replace(config, fold="all")
    plan = find_plan(config, found, asked_options(parser, words, found.task), say=print)
    assert plan is not None  # one was asked for by name
    out = plan_file(manifest)
    write_plan(out, plan, f"Plan of {found.task.name}, made for {name}", overwrite=overwrite)
    print(f"Written: {out}")
