"""Command: networks side by side, trained alike (`python -m inspire_med.compare ...`)."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import Namespace

from inspire_med.cli.command import run_command, say
from inspire_med.cli.options import RunParser, add_training_options, training_config
from inspire_med.cli.parser import CommandParser
from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.files import remove_half_written, write_json, write_text
from inspire_med.tasks.find import refuse_other_task

if TYPE_CHECKING:
    from inspire_med.comparing.costs import Size
    from inspire_med.comparing.outcome import Outcome
    from inspire_med.comparing.progress import Failure
    from inspire_med.comparing.schedule import Schedule
    from inspire_med.comparing.variants import Variant


@dataclass(frozen=True)
class CompareOptions:
    """What is compared.

    Args:
        variants: Networks, separated by commas: `concat` is the plain U-Net, `ise`, `ise+isa` and
            `inspire` add to it, `monai:SegResNet` is a network of MONAI's by its class. Or a YAML
            file that maps names to options of train (see docs/compare.md).
        seeds: How many seeds each network is trained with (3 is 0, 1 and 2), or which ones, as in
            `0,1,5`.
        baseline: The variant that each other one is tested against; by default the first.
        test: Manifests of cases that no network is trained on: each network is scored on them too,
            a page each. With `--fold none` networks are trained on every case of --manifest.
        allow_leak: What may flatter, and the pages then say: `patient,sequence,duplicate` are what
            test sets may share with --manifest; `init` is a model to begin with that has learned
            from cases that are scored.
        protocol: Name of the rules that predictions are scored by (see docs/protocols.md); by
            default the task's own, such as brats2023-gli, isles2022 or polyp-pranet.
    """

    variants: str = "concat,ise,ise+isa,inspire"
    seeds: str = "3"
    baseline: str | None = None
    test: tuple[Path, ...] = ()
    allow_leak: str = ""
    protocol: str | None = None


_OURS = ("variants", "seeds", "baseline", "test", "allow_leak", "protocol")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, compare, and answer with the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = RunParser(
        prog="inspire-med compare",
        description="Networks trained alike: same folds, seeds, budget and augmentation. Any "
        "option of train goes for all of them; --fold each compares on every fold. Each training "
        "lies in its own folder below --run, and the same command goes on where it was stopped.",
    )
    parser.add_class_arguments(CompareOptions, as_group=False)
    add_training_options(parser, words, without=("seed", "resume", "only_prepare", "allow_leak"))
    parser.set_defaults(max_steps=None)  # given a time alone, steps must not end it
    return run_command(parser, lambda options: _compare(parser, options, words), words)


def _compare(parser: CommandParser, namespace: Namespace, words: Sequence[str]) -> int:
    options = CompareOptions(**{name: namespace.pop(name) for name in _OURS})
    config = training_config(parser, namespace)
    variants = _variants(parser, options.variants, config)

    from inspire_med.comparing.costs import sizes_of
    from inspire_med.comparing.folder import keep_request, refuse_foreign_folder
    from inspire_med.comparing.process import StoppedError
    from inspire_med.comparing.progress import work_through
    from inspire_med.comparing.schedule import check
    from inspire_med.training.stopping import STOPPED, SignalledError, Signals, locked
    from inspire_med.wording import counted

    schedule = _schedule(options, variants, config)
    check(schedule)
    refuse_foreign_folder(schedule.folder)
    with locked(schedule.folder), Signals() as signals:
        try:
            schedule = _with_sizes(schedule, parser, words)
        except SignalledError:
            say("stopped by a signal while sizes were planned; the same command begins anew")
            return STOPPED
        check(schedule)
        sizes = sizes_of(schedule)
        remove_half_written(schedule.folder)
        keep_request(schedule)
        try:
            failed = work_through(schedule.jobs(), signals, say)
        except StoppedError:
            say(f"stopped; the same command goes on from here ({schedule.folder})")
            return STOPPED
        shown = [_show(schedule, sizes, failed, exam) for exam in schedule.exams]
    missing = [sentence for sentence in shown if sentence is not None]
    if missing:
        other = f"{counted(len(missing), 'page')} cannot be made, first " if missing[1:] else ""
        raise InputError(f"{other}{missing[0]}")
    if failed:
        raise InputError(
            f"{counted(len(failed), 'job')} failed, the others are compared; first "
            f"{failed[0].sentence}; the same command tries again."
        )
    return 0


def _show(
    schedule: "Schedule", sizes: "Mapping[str, Size]", failed: "Sequence[Failure]", exam: str
) -> str | None:
    """Write and print what an exam came to; or answer why not, and the others still can be."""
    from inspire_med.comparing.outcome import bring_together

    own = [failure.sentence for failure in failed if failure.concerns(exam)]
    folder = schedule.page_folder(exam)
    try:
        outcome = bring_together(schedule, sizes, own, exam)
    except InputError as error:
        return str(error)
    _write(outcome, folder)
    if exam:
        print(f"test set {exam}, ", end="")
    _print(outcome, folder)
    return None


def _variants(parser: CommandParser, words: str, config: TrainConfig) -> "tuple[Variant, ...]":
    from inspire_med.comparing.variants import parse_names
    from inspire_med.comparing.variants_file import is_variants_file, read_variants

    if is_variants_file(words):
        return read_variants(Path(words))
    usual = parser.get_defaults()["network.skip"]
    if config.network.skip != usual or config.network.monai:
        raise InputError(
            "options --network.skip, --network.monai: the variants decide; name it in --variants."
        )
    return parse_names(words)


def _schedule(
    options: CompareOptions, variants: "tuple[Variant, ...]", config: TrainConfig
) -> "Schedule":
    from inspire_med.cases.leaks import KINDS, kinds_named
    from inspire_med.comparing.exam import load_tests
    from inspire_med.comparing.rules import rules_for
    from inspire_med.comparing.schedule import Schedule, load_labelled
    from inspire_med.comparing.variants import parse_seeds
    from inspire_med.training.initial_checks import LEAK

    manifest = load_labelled(config.manifest)
    task = manifest.task
    refuse_other_task(config.task, task, config.manifest)
    allowed = kinds_named(options.allow_leak, (*KINDS, LEAK))
    config = replace(config, task=task.name, allow_leak=LEAK if LEAK in allowed else None)
    if config.max_steps is None and config.max_time is None:
        config = replace(config, max_steps=task.training.get("max_steps"))
    return Schedule(
        folder=config.run,
        variants=variants,
        baseline=options.baseline or variants[0].name,
        seeds=parse_seeds(options.seeds),
        config=config,
        manifest=manifest,
        protocol=rules_for(task, options.protocol),
        tests=load_tests(options.test, manifest, allowed),
    )


def _with_sizes(schedule: "Schedule", parser: CommandParser, words: Sequence[str]) -> "Schedule":
    """The same trainings, all by one plan of sizes; a comparison that has begun keeps its own."""
    from inspire_med.cli.planned import NONE, asked_options, by_plan, made_plan, plan_word
    from inspire_med.comparing.folder import sizes_kept
    from inspire_med.comparing.levels import at_own_levels

    config, manifest = schedule.config, schedule.manifest
    if plan_word(config, manifest.task) == NONE:
        return schedule
    asked = asked_options(parser, words, manifest.task)
    begun, sizes = sizes_kept(schedule.folder)
    if not begun:
        sizes = made_plan(config, manifest, asked, processes=config.devices or 1, say=say)
    if sizes is None:
        return replace(schedule, config=replace(config, plan=NONE))
    config = replace(by_plan(config, sizes, asked), plan=NONE)
    variants: list[Variant] = []
    for variant in schedule.variants:
        with variant.at_fault():
            variants.append(at_own_levels(variant, config, sizes, asked))
    return replace(schedule, sizes=sizes, config=config, variants=tuple(variants))


def _write(outcome: "Outcome", folder: Path) -> None:
    from inspire_med.comparing.scores import as_csv
    from inspire_med.reports.comparison import comparison_html

    write_text(folder / "comparison.csv", as_csv(outcome.scores))
    write_json(folder / "comparison.json", outcome.to_json())
    write_text(folder / "comparison.html", comparison_html(outcome.comparison))


def _print(outcome: "Outcome", folder: Path) -> None:
    """Means and costs of each network, then what the tests show."""
    from inspire_med.reports.score_files import compared_in_short

    print("\n".join(compared_in_short(outcome.comparison)))
    print(f"comparison.csv, comparison.json, comparison.html in {folder}")


if __name__ == "__main__":
    raise SystemExit(main())
