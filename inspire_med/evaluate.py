"""Command: Dice and the rest, under a named protocol (`python -m inspire_med.evaluate ...`)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import Namespace

import inspire_med
from inspire_med.command import CommandParser, run_command
from inspire_med.errors import InputError
from inspire_med.files import atomic_path, refuse_existing, write_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inspire_med.data.case import Case
    from inspire_med.evaluation.reading.pairs import Pairing
    from inspire_med.evaluation.reading.references import References
    from inspire_med.evaluation.report.report import Picture
    from inspire_med.evaluation.result import CaseScores
    from inspire_med.evaluation.scores import Summaries

_MOST_WORKERS = 8  # each holds one case; more seldom helps, and memory counts


@dataclass(frozen=True)
class EvaluateOptions:
    """Scores of predicted masks against references, case by case and in summary.

    Args:
        prediction: Folder of masks named by case id: `<case id>.nii.gz` or an image.
        reference: A manifest (its labels and regions are used), or a folder of masks named alike.
        output: Folder for scores.csv, scores.json and report.html.
        protocol: Name of the rules: `segmentation`; docs/protocols.md says what they are.
        fold: With a manifest: only the validation cases of this fold.
        regions: With a folder: label values of each region; by default each value is a region.
        allow_missing: Leave out cases without a partner instead of refusing.
        ignore_affine: Compare voxel by voxel where the affines of two files differ.
        workers: Processes, each with one case in memory; 0 is one a core, 8 at most.
        overwrite: Write over the scores of an earlier run.
    """

    prediction: Path
    reference: Path
    output: Path
    protocol: str = "segmentation"
    fold: int | None = None
    regions: Sequence[str] | None = None
    allow_missing: bool = False
    ignore_affine: bool = False
    workers: int = 0
    overwrite: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, evaluate, and answer with the exit status."""
    parser = CommandParser(
        prog="inspire-med evaluate", description="Dice and the rest, under a named protocol."
    )
    parser.add_argument("--config", action="config", help="YAML file with any of these options.")
    parser.add_class_arguments(EvaluateOptions, as_group=False, skip={"regions"})
    parser.add_argument(
        "--regions",
        nargs="+",
        metavar="NAME=VALUES",
        help="With a folder: label values of each region, as in WT=1,2,4 TC=1,4 ET=4; by default "
        "each value is a region",
    )
    return run_command(parser, _evaluate, arguments)


def _evaluate(namespace: Namespace) -> None:
    namespace.pop("config")
    options = EvaluateOptions(**vars(namespace))
    refuse_existing(options.output, overwrite=options.overwrite)
    if options.output.is_file():
        raise InputError(f"option --output: {options.output} is a file; give a folder.")

    from rich.console import Console
    from rich.progress import Progress

    from inspire_med.evaluation.batch import Rules, score_batch
    from inspire_med.evaluation.protocols import protocol
    from inspire_med.evaluation.reading.pairs import find_masks, pair

    protocol(options.protocol)  # refuse an unknown one before any file is read
    workers = options.workers or min(_MOST_WORKERS, os.cpu_count() or 1)
    references, cases = _references(options, workers)
    predictions = find_masks(options.prediction)
    asked = {name: predictions[name] for name in predictions.keys() - references.elsewhere}
    pairing = pair(references.masks, asked, allow_missing=options.allow_missing)
    jobs = [(name, *files) for name, files in pairing.pairs.items()]
    rules = Rules(
        options.protocol, references.regions, references.background, options.ignore_affine
    )
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("scoring", total=len(jobs))
        scored = score_batch(jobs, rules, workers=workers, on_done=lambda: progress.advance(bar))
    _write(options, references, pairing, scored, cases)


def _references(options: EvaluateOptions, workers: int) -> "tuple[References, Mapping[str, Case]]":
    """What to compare with, and the cases it belongs to where a manifest names them."""
    from inspire_med.evaluation.reading.references import references_of_folder

    if options.reference.suffix == ".json":
        return _references_of_manifest(options)
    if options.fold is not None:
        raise InputError(
            f"option --fold: {options.reference} has no folds; give a manifest, or no fold."
        )
    return references_of_folder(options.reference, options.regions, workers=workers), {}


def _references_of_manifest(
    options: EvaluateOptions,
) -> "tuple[References, Mapping[str, Case]]":
    from inspire_med.data.case import Manifest
    from inspire_med.evaluation.reading.references import References

    if options.regions is not None:
        raise InputError("option --regions: the manifest has its own; leave the option out.")
    manifest = Manifest.load(options.reference)
    chosen = manifest.cases if options.fold is None else manifest.fold(options.fold)[1]
    masks = {case.id: case.label for case in chosen if case.label is not None}
    if not masks:
        raise InputError(f"{options.reference}: no case has a label; give a labelled manifest.")
    references = References(
        masks=masks,
        regions=manifest.regions,
        elsewhere=frozenset(case.id for case in manifest.cases) - masks.keys(),
        notes=manifest.notes,
        provenance={
            "Manifest": str(options.reference),
            "Manifest hash": manifest.hash,
            "Fold": "all" if options.fold is None else str(options.fold),
        },
    )
    return references, {case.id: case for case in chosen}


def _write(
    options: EvaluateOptions,
    references: "References",
    pairing: "Pairing",
    scored: "list[CaseScores]",
    cases: "Mapping[str, Case]",
) -> None:
    from inspire_med.evaluation.measures.words import MEASURES, in_pixels
    from inspire_med.evaluation.protocols import protocol
    from inspire_med.evaluation.report.report import Report, report_html
    from inspire_med.evaluation.scores import as_csv, as_json, as_table, summarise_table

    rules = protocol(options.protocol)
    notes = _notes(references, pairing, scored)
    provenance = {
        "Predictions": str(options.prediction),
        **references.provenance,
        "Regions": "; ".join(
            f"{name} = {', '.join(map(str, values))}" for name, values in references.regions.items()
        ),
        "inspire_med": inspire_med.__version__,
    }
    extra: dict[str, Any] = {
        "regions": {name: list(values) for name, values in references.regions.items()},
        "without_prediction": list(pairing.missing),
        "without_reference": list(pairing.spurious),
        "notes": notes,
        "provenance": provenance,
    }
    of_volumes = any(score.measure == "volume_difference_ml" for score in scored[0].scores)
    measures = MEASURES if of_volumes else in_pixels(MEASURES)
    pictures = _pictures(references, pairing, scored, cases)
    summaries = summarise_table(as_table(scored))
    report = Report(rules, measures, scored, summaries, pictures, notes, provenance)
    _write_text(options.output / "scores.csv", as_csv(scored))
    write_json(options.output / "scores.json", as_json(rules, len(scored), summaries, extra))
    _write_text(options.output / "report.html", report_html(report))
    print(f"protocol {rules.name}, {len(scored)} cases", _in_short(summaries), sep="\n")
    print(f"scores.csv, scores.json, report.html in {options.output}")


def _notes(references: "References", pairing: "Pairing", scored: "list[CaseScores]") -> list[str]:
    """What was left out and what readers decided; a reader's kind of note is said once."""
    notes = [
        f"Left out, {what}: {', '.join(ids)}."
        for ids, what in (
            (pairing.missing, "without a prediction"),
            (pairing.spurious, "without a reference"),
        )
        if ids
    ]
    decided = [note for each in scored for note in each.notes]
    if decided:
        others = f" ({len(decided) - 1} more likewise.)" if len(decided) > 1 else ""
        notes.append(decided[0] + others)
    return [*notes, *references.notes]


def _pictures(
    references: "References",
    pairing: "Pairing",
    scored: "list[CaseScores]",
    cases: "Mapping[str, Case]",
) -> "list[Picture]":
    """Strips of the worst, middle and best cases."""
    import io

    from PIL import Image

    from inspire_med.evaluation.case import region_masks
    from inspire_med.evaluation.reading.masks import read_label_map
    from inspire_med.evaluation.report.report import Picture
    from inspire_med.evaluation.scores import as_table
    from inspire_med.evaluation.statistics.extremes import notable_cases, rank_cases
    from inspire_med.viz import case_strip

    pictures: list[Picture] = []
    for group, members in notable_cases(rank_cases(as_table(scored), "dice")).items():
        for name, score in members:
            truth, answer = map(read_label_map, pairing.pairs[name])
            strip = case_strip(
                _background(cases[name], truth.labels.shape) if name in cases else None,
                region_masks(truth.labels, references.regions),
                region_masks(answer.labels, references.regions),
                truth.spacing_mm,
                truth.affine,
            )
            png = io.BytesIO()
            Image.fromarray(strip).save(png, format="png", optimize=True)
            pictures.append(Picture(group, name, score, png.getvalue()))
    return pictures


def _background(case: "Case", shape: tuple[int, ...]) -> "NDArray[Any] | None":
    """The scan to draw masks on; none where it cannot be read: scores need the masks alone."""
    from inspire_med.data.view import read_background

    try:
        return read_background(case, shape)
    except InputError:
        return None


def _in_short(summaries: "Summaries") -> str:
    """One line a region, with the first measure, for the person who watches."""
    lines: list[str] = []
    for region, measures in summaries.items():
        name, summary = next(iter(measures.items()))
        interval = "" if summary.ci95 is None else " [{:.3f}, {:.3f}]".format(*summary.ci95)
        mean = "undefined" if summary.mean is None else f"{summary.mean:.3f}"
        undefined = f", {summary.n_undefined} undefined" if summary.n_undefined else ""
        lines.append(f"  {region}: mean {name} {mean}{interval} (n {summary.n}{undefined})")
    return "\n".join(lines)


def _write_text(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
