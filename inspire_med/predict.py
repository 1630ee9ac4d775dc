"""Command: masks for a file, a folder or a manifest (`python -m inspire_med.predict ...`)."""

import sys
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jsonargparse import Namespace

from inspire_med.cli.command import run_command
from inspire_med.cli.parser import CommandParser
from inspire_med.cli.progress import cases_and_parts
from inspire_med.errors import InputError
from inspire_med.files import read_json, refuse_existing, write_json
from inspire_med.provenance import code_commit
from inspire_med.wording import counted

if TYPE_CHECKING:
    from inspire_med.cases.case import Case
    from inspire_med.cases.layouts.found import FoundCase
    from inspire_med.inference.predictor import Prediction, Predictor


@dataclass(frozen=True)
class PredictOptions:
    """Masks on each case's own grid.

    Args:
        run: A run folder of `train` (its best checkpoint is used), or a model folder.
        input: A manifest, a datalist, a folder of cases in any layout that `prepare` knows (labels
            are not needed), or one file: an image, a 4-D volume, or a sequence beside its others.
        output: Folder for the masks: `<case id>.nii.gz`, or `<case id>.png` for images.
        fold: With a manifest: only the cases of this fold.
        probabilities: Also write `<case id>_prob.nii.gz`, float32 with the regions along the last
            axis; for images `<case id>_prob.png`, where 255 stands for 1. Polyp models, and all
            whose task has a protocol that scores such maps, write them in any case.
        fill_missing: Predict cases that lack some channels, which are zero to the network; it is
            said, and stands in the record beside the masks.
        without: Channels to leave out though they are there, as in `flair,t1`: what a missing one
            costs.
        tta: Average over all mirrored views; takes 4 times as long for images, 8 for volumes.
        precision: `auto` measures for a second which of the others is right and fast here.
        device: `auto`, `cpu` or `cuda`.
        threads: CPU threads; 0 leaves the choice to torch.
        overwrite: Write into a folder that holds something already; never over an input.
    """

    run: Path
    input: Path
    output: Path
    fold: int | None = None
    probabilities: bool = False
    fill_missing: bool = False
    without: tuple[str, ...] = ()
    tta: bool = False
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto"
    device: str = "auto"
    threads: int = 0
    overwrite: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, predict, and answer with the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = CommandParser(prog="inspire-med predict", description="Masks on each case's own grid.")
    parser.add_argument("--config", action="config", help="YAML file with any of these options.")
    parser.add_class_arguments(PredictOptions, as_group=False)
    return run_command(parser, _predict, words)


def _predict(namespace: Namespace) -> None:
    namespace.pop("config")
    options = PredictOptions(**vars(namespace))
    refuse_existing(options.output, overwrite=options.overwrite)

    import torch

    from inspire_med.evaluation.protocols import scores_maps
    from inspire_med.imaging.output import refuse_clashes
    from inspire_med.inference.allocator import keep_freed_memory
    from inspire_med.inference.predictor import Predictor

    if options.threads < 0:
        raise InputError(f"--threads: {options.threads} is too small; give at least 0.")
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    predictor = Predictor.load(
        options.run,
        device=options.device,
        precision=options.precision,
        flips=options.tta,
        fill_missing=options.fill_missing or bool(options.without),
    )
    cases = _without(options.without, _cases(options, predictor), predictor)
    refuse_clashes(case.id for case in cases)
    _refuse_problems([problem for case in cases for problem in predictor.problems(case)])
    files = {case.id: _files(options.output, case) for case in cases}
    _refuse_inputs_as_output(cases, [mask for mask, _ in files.values()])
    with_maps = options.probabilities or scores_maps(predictor.card.task.protocol)
    seconds: dict[str, float] = {}
    with cases_and_parts("predicting", len(cases), "windows") as (next_case, watch):
        for case in cases:
            started = time.perf_counter()
            prediction = predictor.predict_case(case, watch)
            seconds[case.id] = time.perf_counter() - started
            _write(prediction, *files[case.id], with_probabilities=with_maps)
            next_case()
    missing = {case.id: names for case in cases if (names := predictor.missing(case))}
    _write_record(options, predictor, seconds, missing)
    for names, count in Counter(missing.values()).items():
        print(f"{counted(count, 'case')} predicted without {', '.join(names)}", file=sys.stderr)
    maps = " and as many maps" if with_maps else ""
    print(f"{counted(len(cases), 'mask')}{maps} in {options.output}", file=sys.stderr)
    _name_older_masks(options.output, [path for both in files.values() for path in both])


def _cases(options: PredictOptions, predictor: "Predictor") -> "Sequence[Case | FoundCase]":
    """What is to be predicted; all of it can be, by its names."""
    from inspire_med.cases.layouts import datalist
    from inspire_med.cases.layouts.recognise import find_inputs
    from inspire_med.cases.manifest import Manifest
    from inspire_med.tasks.datalist import is_datalist

    listed = datalist.NAME in predictor.card.task.layouts and is_datalist(options.input)
    if options.input.suffix != ".json" or listed:
        if options.fold is not None:
            raise InputError(f"--fold: {options.input} has no folds; give a manifest, or no fold.")
        found = find_inputs(predictor.card.task, options.input)
        _refuse_problems(found.problems)
        return found.cases
    manifest = Manifest.load(options.input)
    if manifest.task.name != predictor.card.task.name:
        raise InputError(
            f"{options.input}: is for task {manifest.task.name}, but the model is for "
            f"{predictor.card.task.name}; choose another --run."
        )
    predictor.paint_as(manifest.regions, options.input)
    return manifest.cases if options.fold is None else manifest.fold(options.fold)[1]


def _without(
    names: Sequence[str], cases: "Sequence[Case | FoundCase]", predictor: "Predictor"
) -> "Sequence[Case | FoundCase]":
    """The cases as if some channels were missing."""
    channels = predictor.card.channels
    unknown = [name for name in names if name not in channels]
    if unknown or (names and len({*names}) == len(channels)):
        wrong = f"{unknown[0]} is no channel of the model" if unknown else "leaves no channel"
        raise InputError(f"--without: {wrong}; give some of {', '.join(channels)}.")
    if names and predictor.card.task.spatial_dims == 2:
        raise InputError("--without: the colours of a picture come together; leave it out.")
    return [
        replace(case, images={name: p for name, p in case.images.items() if name not in names})
        for case in cases
    ]


def _refuse_problems(problems: Sequence[str]) -> None:
    """Name every problem before anything is predicted, so that no case is left out in silence."""
    if len(problems) == 1:
        raise InputError(problems[0])
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        raise InputError(
            f"{counted(len(problems), 'problem')} named above, nothing predicted; mend the "
            "files, or give the good cases by themselves."
        )


def _files(folder: Path, case: "Case | FoundCase") -> tuple[Path, Path]:
    """Where the mask of a case goes, and where its probabilities."""
    from inspire_med.imaging.output import file_names
    from inspire_med.imaging.picture import is_picture

    mask, probabilities = file_names(case.id, is_picture=is_picture(case.images))
    return folder / mask, folder / probabilities


def _refuse_inputs_as_output(cases: "Sequence[Case | FoundCase]", masks: Iterable[Path]) -> None:
    """Never write a mask over a scan, a picture or a reference, however it is reached."""
    files = {
        file.resolve()
        for case in cases
        for file in (*case.images.values(), *([] if case.label is None else [case.label]))
    }
    for mask in masks:
        if mask.resolve() in files:
            raise InputError(
                f"--output: {mask} is a file of the input, which a mask would replace; choose "
                "another folder."
            )


def _name_older_masks(folder: Path, written: Collection[Path]) -> None:
    """Say which masks are not of this request: an evaluation of the folder would mix them in."""
    older = [
        path.name
        for path in sorted(folder.iterdir())
        if path.name.endswith((".png", ".nii.gz")) and path not in written
    ]
    if older:
        print(f"also there, of an earlier request: {', '.join(older)}", file=sys.stderr)


def _write(
    prediction: "Prediction", mask: Path, probabilities: Path, *, with_probabilities: bool
) -> None:
    from inspire_med.imaging.output import write_mask, write_probabilities

    write_mask(mask, prediction.labels, prediction.placement, prediction.regions)
    if with_probabilities:
        write_probabilities(probabilities, prediction.probabilities, prediction.placement)


def _write_record(
    options: PredictOptions,
    predictor: "Predictor",
    seconds: dict[str, float],
    missing: dict[str, tuple[str, ...]],
) -> None:
    """Say beside the masks where they come from, and the seconds that each case took.

    They run from reading to the finished mask; the first case warms the network up.
    """
    from inspire_med.evaluation.origin import RECORD
    from inspire_med.inference.predictor import model_folder

    record = options.run / "run.json"
    sessions = read_json(record)["sessions"] if record.is_file() else [{}]
    write_json(
        options.output / RECORD,
        {
            "format": 1,
            "run": str(options.run.resolve()),
            "trained_on": predictor.card.manifest_hash or None,
            "trained_by": sessions[-1].get("commit"),
            "predicted_by": code_commit(),
            "checkpoint": _checkpoint(model_folder(options.run).resolve()),
            **predictor.settings,
            "missing": missing,
            "seconds": seconds,
        },
    )


def _checkpoint(folder: Path) -> dict[str, str | int | None]:
    """Where the weights are from: of a run its best or last checkpoint and the step of it."""
    record = folder / "training.json"
    if not record.is_file():
        return {"path": str(folder), "which": None, "step": None}
    step = read_json(record)["progress"]["step"]
    return {"path": str(folder), "which": folder.name, "step": step}


if __name__ == "__main__":
    raise SystemExit(main())
