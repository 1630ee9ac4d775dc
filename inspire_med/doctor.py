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
from inspire_med.errors import InputError

if TYPE_CHECKING:
    from inspire_med.cli.machine import Finding
    from inspire_med.config import TrainConfig


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
    unfit = 0
    for finding in _findings(wanted):
        print(f"{finding.verdict:5}  {finding.subject:13}  {finding.text}", flush=True)
        unfit += finding.verdict == "UNFIT"
    print(f"{unfit} unfit" if unfit else "fit")
    return 2 if unfit else 0


def _findings(wanted: DoctorOptions) -> Iterator["Finding"]:
    from inspire_med.cli import machine

    config = _config(wanted)
    yield from machine.look(wanted.run or (Path() if config is None else config.manifest.parent))
    if config is None:
        return
    looks = {"data set": lambda: _look_at_cases(config.manifest)}
    if wanted.run is not None:
        looks["checkpoints"] = lambda: _look_at_checkpoints(config.run)
    looks["the run"] = lambda: _look_ahead(config)
    for subject, look in looks.items():
        finding = _tried(subject, look)
        yield finding
        if finding.verdict == "UNFIT":
            return  # what comes next needs it


def _tried(subject: str, look: Callable[[], str]) -> "Finding":
    """What a look says; an error of the input is a finding too."""
    from inspire_med.cli.machine import Finding

    try:
        return Finding("ok", subject, look())
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


def _look_at_cases(manifest: Path) -> str:
    """Read every file of every case, and refuse the first that is broken."""
    from inspire_med.cases.check import check_again
    from inspire_med.cases.manifest import Manifest

    verdicts = check_again(Manifest.load(manifest), lambda done, total: None)
    problems = [problem for verdict in verdicts for problem in verdict.problems]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InputError(f"{problems[0]}{more}")
    return f"{manifest}: {len(verdicts)} cases, every file read"


def _look_at_checkpoints(run: Path) -> str:
    """Verify the run's newest checkpoint."""
    from inspire_med.training.checkpoint import verified_progress

    progress = verified_progress(run / "checkpoints")
    if progress is None:
        return "none yet"
    return f"whole, of step {progress.step} after {progress.elapsed_s / 60:.0f} min"


def _look_ahead(config: "TrainConfig") -> str:
    """Try a few steps of the run."""
    import torch

    from inspire_med.training.experiment import build_experiment, check_request
    from inspire_med.training.launch import find_launcher
    from inspire_med.training.step import out_of_memory, try_steps

    with tempfile.TemporaryDirectory() as folder:
        alone = replace(config, devices=None, store=Path(folder))
        manifest = check_request(alone, 1)
        experiment = build_experiment(alone, manifest, find_launcher(), lambda text: None)
        try:
            outlook = try_steps(experiment)
        except torch.OutOfMemoryError:
            raise out_of_memory(experiment) from None
    text = f"{outlook.step_s:.2f} s a step, {outlook.memory_gib:.1f} GiB"
    if outlook.run_s is None:
        return f"{text}; it ends after {config.max_time}"
    return f"{text}; {outlook.run_s / 3600:.1f} h for the steps that are left, in one process"


if __name__ == "__main__":
    raise SystemExit(main())
