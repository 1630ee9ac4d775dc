"""Command: Dice and the rest, under a named protocol (`python -m inspire_med.evaluate ...`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import Namespace

from inspire_med.cli.command import run_command
from inspire_med.cli.parser import CommandParser
from inspire_med.cli.progress import progress_bar
from inspire_med.errors import InputError
from inspire_med.files import refuse_existing

if TYPE_CHECKING:
    from inspire_med.cases.manifest import Manifest
    from inspire_med.evaluation.cohort import Cohort
    from inspire_med.evaluation.protocols import Protocol, SetProtocol
    from inspire_med.evaluation.references import References

# What makes sense only where each case has files of its own.
_OF_CASES = ("fold", "regions", "allow_missing", "ignore_affine", "resample", "calibration")
_MOST_WORKERS = 8  # each holds one case; more seldom helps, and memory counts


@dataclass(frozen=True)
class EvaluateOptions:
    """Scores of predicted masks against references, case by case and in summary.

    Args:
        prediction: Folder of masks named by case id: `<case id>.nii.gz` or an image. Several, each
            as NAME=FOLDER, are compared with each other.
        reference: A manifest (its labels and regions are used), or a folder of masks named alike
            (for `polyp-video` with a folder a video); for `coco` a file of annotations.
        output: Folder for scores.csv, scores.json and report.html; with several predictions a
            folder for each, and comparison.html beside them.
        protocol: Name of the rules; docs/protocols.md says what each is. `segmentation@0.5,3` takes
            NSD at 0.5 and 3 mm.
        fold: With a manifest: only the validation cases of this fold.
        regions: With a folder: label values of each region; by default the protocol's own, or each
            value is a region. One called ignore is none: nothing is scored there.
        baseline: With several predictions: the name that each other one is compared with; by
            default all pairs are compared.
        allow_missing: Leave out cases without a partner instead of refusing.
        ignore_affine: Compare voxel by voxel where the affines of two files differ.
        resample: Bring a prediction on another grid onto its reference's (nearest neighbour)
            instead of refusing it.
        calibration: Also score the probabilities beside the predictions (`<case id>_prob.*`).
        workers: Processes, each with one case in memory; 0 is one a core, 8 at most.
        overwrite: Write over the scores of an earlier run.
    """

    prediction: Sequence[str]
    reference: Path
    output: Path
    protocol: str = "segmentation"
    fold: int | None = None
    regions: Sequence[str] | None = None
    baseline: str | None = None
    allow_missing: bool = False
    ignore_affine: bool = False
    resample: bool = False
    calibration: bool = False
    workers: int = 0
    overwrite: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, evaluate, and answer with the exit status."""
    parser = CommandParser(
        prog="inspire-med evaluate", description="Dice and the rest, under a named protocol."
    )
    parser.add_argument("--config", action="config", help="YAML file with any of these options.")
    parser.add_class_arguments(EvaluateOptions, as_group=False, skip={"prediction", "regions"})
    parser.add_argument(
        "--prediction",
        nargs="+",
        required=True,
        metavar="[NAME=]FOLDER",
        help="Folder of masks named by case id: <case id>.nii.gz or an image; several, each as "
        "NAME=FOLDER, are compared with each other",
    )
    parser.add_argument(
        "--regions",
        nargs="+",
        metavar="NAME=VALUES",
        help="With a folder: label values of each region, as in WT=1,2,4 TC=1,4 ET=4; by default "
        "the protocol's own, or each value is a region; where a reference holds that of one called "
        "ignore, nothing is scored",
    )
    return run_command(parser, _evaluate, arguments)


def _evaluate(namespace: Namespace) -> None:
    namespace.pop("config")
    options = EvaluateOptions(**vars(namespace))
    words = options.prediction
    methods = named_folders([words] if isinstance(words, str) else words)  # a file may give one
    refuse_existing(options.output, overwrite=options.overwrite)
    if options.output.is_file():
        raise InputError(f"option --output: {options.output} is a file; give a folder.")
    _refuse_baseline(options.baseline, methods)

    from inspire_med.evaluation.protocols import SetProtocol, protocol
    from inspire_med.reports.score_files import (
        compared,
        earlier_methods,
        in_short,
        remove_stale,
        write_comparison,
        write_scores,
    )

    rules = protocol(options.protocol)  # refuse an unknown one before any file is read
    if isinstance(rules, SetProtocol):
        cohorts, manifest = {"": _score_whole_set(options, methods, rules)}, None
    else:
        cohorts, manifest = _score_folders(options, methods, rules)
    alone = len(cohorts) == 1
    comparison = None if alone else compared(cohorts, options.baseline)
    before, written = earlier_methods(options.output), list[Path]()
    for name, cohort in cohorts.items():
        folder = options.output if alone else options.output / name
        written += write_scores(cohort, folder, manifest)
        print("\n".join(in_short(cohort, "" if alone else name)))
    if comparison is not None:
        print("\n".join(comparison.findings))
        written += write_comparison(comparison, options.output)
    remove_stale(options.output, before, written)
    names = "scores.csv, scores.json, report.html"
    print(f"{names if alone else 'comparison.html and a folder for each'} in {options.output}")


def named_folders(words: Sequence[str]) -> dict[str, Path]:
    """Read `[NAME=]FOLDER`; one alone may go without a name.

    Raises:
        InputError: If one of several has no name, or two have one name.
    """
    if len(words) == 1:
        name, found, folder = words[0].partition("=")
        is_named = found and not Path(words[0]).exists()
        return {name: Path(folder)} if is_named else {"": Path(words[0])}
    methods: dict[str, Path] = {}
    for word in words:
        name, _, folder = word.partition("=")
        if not name or not folder or "/" in name or name.startswith("."):
            raise InputError(
                f"option --prediction: {word!r} of several has no name; write NAME=FOLDER."
            )
        if name in methods:
            raise InputError(f"option --prediction: {name} comes twice; give each its own name.")
        if Path(name).suffix in (".csv", ".json", ".html"):
            raise InputError(
                f"option --prediction: {name} could be a file of the scores; rename it."
            )
        methods[name] = Path(folder)
    return methods


def _refuse_baseline(baseline: str | None, methods: Mapping[str, Path]) -> None:
    if baseline is None or (baseline in methods and len(methods) > 1):
        return
    known = f"choose one of {', '.join(methods)}" if len(methods) > 1 else "leave it out"
    raise InputError(f"option --baseline: no other prediction is named {baseline}; {known}.")


def _score_folders(
    options: EvaluateOptions, methods: Mapping[str, Path], rules: "Protocol"
) -> "tuple[dict[str, Cohort], Manifest | None]":
    from inspire_med.evaluation.batch import usable_cores
    from inspire_med.evaluation.cohort import Request, score_cohort

    if options.workers < 0:
        raise InputError(f"option --workers: {options.workers} is too few; 0 is one a core.")
    workers = options.workers or min(_MOST_WORKERS, usable_cores())
    references, manifest = _references(options, rules, workers)
    request = Request(
        rules,
        options.allow_missing,
        options.ignore_affine,
        options.resample,
        options.calibration,
        workers,
    )
    if manifest is not None and options.fold is None and not options.allow_missing:
        for folder in methods.values():
            _refuse_one_fold(folder, rules, manifest)
    cohorts: dict[str, Cohort] = {}
    with progress_bar() as progress:
        for name, folder in methods.items():
            bar = progress.add_task(f"scoring {name}".strip(), total=None)
            cohorts[name] = score_cohort(
                folder,
                references,
                request,
                on_start=lambda total, bar=bar: progress.update(bar, total=total),
                on_done=lambda bar=bar: progress.advance(bar),
            )
    return cohorts, manifest


def _refuse_one_fold(folder: Path, rules: "Protocol", manifest: "Manifest") -> None:
    """Name the fold, where predictions are of one alone and all cases are asked for."""
    from inspire_med.evaluation.maps import find_predictions

    found = find_predictions(folder, rules).keys()
    labelled = {case.id: case.fold for case in manifest.cases if case.label is not None}
    folds = {labelled.get(case) for case in found}
    if len(folds) == 1 and None not in folds and len({*labelled.values()}) > 1:
        (fold,) = folds
        raise InputError(
            f"{folder}: holds predictions of fold {fold} alone; add --fold {fold}, or pass "
            "--allow_missing to leave the other cases out."
        )


def _score_whole_set(
    options: EvaluateOptions, methods: Mapping[str, Path], rules: "SetProtocol"
) -> "Cohort":
    from inspire_med.evaluation.cohort import score_whole_set

    if len(methods) > 1:
        raise InputError(
            f"option --prediction: protocol {rules.name} has no scores a case to compare by; "
            "evaluate one file at a time."
        )
    for option in _OF_CASES:
        if getattr(options, option) not in (None, False):
            raise InputError(
                f"option --{option}: protocol {rules.name} takes its images and categories from "
                "the reference file; leave it out."
            )
    (prediction,) = methods.values()
    return score_whole_set(options.reference, prediction, rules)


def _references(
    options: EvaluateOptions, rules: "Protocol", workers: int
) -> "tuple[References, Manifest | None]":
    """What to compare with, and the manifest that it comes from, if any."""
    from inspire_med.evaluation.references import references_of_folder

    if options.reference.suffix == ".json":
        return _references_of_manifest(options, rules)
    if options.fold is not None:
        raise InputError(
            f"option --fold: {options.reference} has no folds; give a manifest, or no fold."
        )
    words = [options.regions] if isinstance(options.regions, str) else options.regions
    found = references_of_folder(options.reference, words, rules, workers=workers)
    return found, None


def _references_of_manifest(
    options: EvaluateOptions, rules: "Protocol"
) -> "tuple[References, Manifest | None]":
    from inspire_med.cases.manifest import Manifest
    from inspire_med.evaluation.references import References
    from inspire_med.evaluation.statistics.summary import patients_note
    from inspire_med.evaluation.videos import videos_of
    from inspire_med.imaging.output import refuse_clashes

    if options.regions is not None:
        raise InputError("option --regions: the manifest has its own; leave the option out.")
    manifest = Manifest.load(options.reference)
    chosen = manifest.cases if options.fold is None else manifest.fold(options.fold)[1]
    masks = {case.id: case.label for case in chosen if case.label is not None}
    if not masks:
        raise InputError(f"{options.reference}: no case has a label; give a labelled manifest.")
    refuse_clashes(masks)
    patients = {case.id: case.patient for case in chosen if case.id in masks}
    videos = videos_of(patients, masks) if rules.of_videos else {}
    independent = {videos.get(case, case): patient for case, patient in patients.items()}
    references = References(
        masks=masks,
        regions=manifest.regions,
        ignore=manifest.task.preparation.ignore,
        elsewhere=frozenset(case.id for case in manifest.cases) - masks.keys(),
        notes=(*manifest.notes, *filter(None, [patients_note(independent)])),
        provenance={
            "Manifest": str(options.reference),
            "Manifest hash": manifest.hash,
            "Fold": "all" if options.fold is None else str(options.fold),
        },
        sites={case.id: case.site for case in chosen if case.site},
        videos=videos,
    )
    return references, manifest


if __name__ == "__main__":
    raise SystemExit(main())
