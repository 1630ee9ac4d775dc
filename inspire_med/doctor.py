"""Command: is this machine, this install, this data set fit for the run?"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import Namespace

from inspire_med.cli.command import run_command
from inspire_med.cli.options import training_config, training_parser, words_of_run
from inspire_med.cli.parser import CommandParser
from inspire_med.cli.progress import one_bar
from inspire_med.errors import InputError
from inspire_med.wording import counted, duration

if TYPE_CHECKING:
    from inspire_med.cli.machine import Finding
    from inspire_med.config import TrainConfig

_LONG_S = 48 * 3600.0  # a run of days is worth a second thought


@dataclass(frozen=True)
class DoctorOptions:
    """Is this machine, this install, this data set fit for the run?

    Args:
        manifest: Also read every file of this data set, and try steps of its task's default run.
        run: Also verify this run's checkpoints, and try steps of it.
        config: Options of `train` for a run that has not begun; then its steps are tried.
    """

    manifest: Path | None = None
    run: Path | None = None
    config: Path | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, look, and answer with the exit status: 2 if something is unfit."""
    parser = CommandParser(
        prog="inspire-med doctor",
        description="Is this machine, this install, this data set fit for the run?",
    )
    parser.add_class_arguments(DoctorOptions, as_group=False)
    return run_command(parser, lambda options: _doctor(parser, options), arguments)


def _doctor(parser: CommandParser, options: Namespace) -> int:
    wanted = DoctorOptions(**vars(parser.instantiate(options)))
    subjects: dict[str, list[str]] = {"ok": [], "warn": [], "UNFIT": []}
    for finding in _findings(wanted):
        print(f"{finding.verdict:5}  {finding.subject:13}  {finding.text}", flush=True)
        subjects[finding.verdict].append(finding.subject)
    if subjects["UNFIT"]:
        print(f"{len(subjects['UNFIT'])} unfit")
        return 2
    print(f"fit, with warnings: {', '.join(subjects['warn'])}" if subjects["warn"] else "fit")
    return 0


def _findings(wanted: DoctorOptions) -> Iterator["Finding"]:
    from inspire_med.cli import machine

    config = _config(wanted)
    yield from machine.look(wanted.run or (Path() if config is None else config.manifest.parent))
    if config is None:
        return
    looks = {"data set": lambda: _look_at_cases(config)}
    if wanted.run is not None:
        looks["checkpoints"] = lambda: _look_at_checkpoints(config.run)
    looks["the run"] = lambda: _look_ahead(config)
    for subject, look in looks.items():
        finding = _tried(subject, look)
        yield finding
        if finding.verdict == "UNFIT":
            return  # what comes next needs it


def _tried(subject: str, look: Callable[[], tuple[str, bool]]) -> "Finding":
    """What a look says, and whether that is a warning; an error of the input is a finding too."""
    from inspire_med.cli.machine import Finding

    try:
        text, warns = look()
        return Finding("warn" if warns else "ok", subject, text)
    except InputError as error:
        return Finding("UNFIT", subject, str(error))


def _config(wanted: DoctorOptions) -> "TrainConfig | None":
    """The experiment to look at: the run's own, a file's, or the default of the manifest's task."""
    manifest = [] if wanted.manifest is None else ["--manifest", str(wanted.manifest)]
    if wanted.run is not None:
        words = words_of_run(wanted.run)
        if not words:
            raise InputError(f"--run: {wanted.run} is no run folder; it has no config.yaml.")
        words += ["--run", str(wanted.run), *manifest]
    elif wanted.config is not None:
        words = ["--config", str(wanted.config), "--run", "runs", *manifest]
    elif wanted.manifest is not None:
        words = ["--run", "runs", *manifest]
    else:
        return None
    parser = training_parser(words)
    return training_config(parser, parser.parse_args(words))


def _look_at_cases(config: "TrainConfig") -> tuple[str, bool]:
    """Read every file of every case; refuse the first that is broken, and a fold of empty masks."""
    from inspire_med.cases.checking.every_case import check_again
    from inspire_med.cases.checking.whole_set import empty_in, look_over
    from inspire_med.cases.manifest import Manifest
    from inspire_med.cases.twins import find_twins
    from inspire_med.cli.findings import print_findings

    manifest = Manifest.load(config.manifest)
    with one_bar("reading") as advance:
        verdicts = check_again(manifest, advance)
    problems = [problem for verdict in verdicts for problem in verdict.problems]
    usable = [verdict for verdict in verdicts if verdict.case is not None]
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    findings = look_over(findings, usable, manifest.regions)
    print_findings(findings, "inspire-med prepare --check writes them all")
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InputError(f"{problems[0]}{more}")
    fold = config.fold if isinstance(config.fold, int) else None
    training = {case.id for case in manifest.fold(fold)[0]}
    pairs = list(zip(manifest.cases, verdicts, strict=True))
    if not any(verdict.foreground for case, verdict in pairs if case.id in training):
        raise InputError(
            f"{config.manifest}: the labels of all {counted(len(training), 'case')} to train on "
            "are empty; there is nothing to learn."
        )
    empty, labels = empty_in(verdicts, manifest.regions)
    twins = find_twins(manifest.cases, [verdict.fingerprints for verdict in verdicts])
    folds = {case.id: case.fold for case in manifest.cases}
    parted = [f"{two} and {one}" for one, two in twins if folds[one] != folds[two]]
    said = [f"{config.manifest}: {counted(len(verdicts), 'case')}, every file read"]
    said += [f"{name} empty in {len(ids)} of {labels}" for name, ids in empty.items() if ids]
    if parted:
        more = f" (and {counted(len(parted) - 1, 'more pair')})" if len(parted) > 1 else ""
        said.append(f"{parted[0]} hold the same image in two folds{more}; prepare it again")
    warnings = sum(finding.verdict == "warning" for finding in findings)
    if warnings:
        said.append(f"{counted(warnings, 'warning')} in the table above")
    return "; ".join(said), bool(parted) or warnings > 0


def _look_at_checkpoints(run: Path) -> tuple[str, bool]:
    """Verify the run's newest checkpoint."""
    from inspire_med.training.checkpoint import verified_progress

    progress = verified_progress(run / "checkpoints")
    if progress is None:
        return "none yet", False
    return f"whole, of step {progress.step} after {duration(progress.elapsed_s)}", False


def _look_ahead(config: "TrainConfig") -> tuple[str, bool]:
    """Try a few steps of the run; one of days is a warning."""
    import torch

    from inspire_med.training.experiment import build_experiment
    from inspire_med.training.initial_checks import check_initial
    from inspire_med.training.launch import find_launcher
    from inspire_med.training.request import check_request
    from inspire_med.training.step import out_of_memory, try_steps

    with tempfile.TemporaryDirectory() as folder:
        alone = replace(config, devices=None, store=Path(folder))
        manifest = check_request(alone, 1)
        check_initial(alone, manifest)
        experiment = build_experiment(alone, manifest, find_launcher(), lambda text: None)
        try:
            outlook = try_steps(experiment)
        except torch.OutOfMemoryError:
            raise out_of_memory(experiment) from None
    trainings = len(manifest.folds) if config.fold == "each" else 1
    left_s = outlook.left_s * trainings
    text = (
        f"{outlook.step_s:.2f} s a step, {outlook.memory_gib:.1f} GiB; "
        f"{duration(left_s)} to the end of the run, in one process"
    )
    if left_s <= _LONG_S:
        return text, False
    return f"{text}; give it more or faster GPUs, fewer --max_steps, or less --max_time", True


if __name__ == "__main__":
    raise SystemExit(main())
