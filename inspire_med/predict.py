"""Command: masks for a file, a folder or a manifest (`python -m inspire_med.predict ...`)."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jsonargparse import Namespace

from inspire_med.command import CommandParser, run_command
from inspire_med.errors import InputError
from inspire_med.files import refuse_existing

if TYPE_CHECKING:
    from inspire_med.inference.predictor import Prediction, Predictor


@dataclass(frozen=True)
class PredictOptions:
    """Masks on each case's own grid.

    Args:
        run: A run folder of `train` (its best checkpoint is used), or a model folder.
        input: A manifest, a folder of cases in any layout that `prepare` knows, or one image file.
        output: Folder for the masks: `<case id>.nii.gz`, or `<case id>.png` for images.
        fold: With a manifest: only the cases of this fold.
        probabilities: Also write `<case id>_prob.nii.gz`, float32 with the regions along the last
            axis; for images `<case id>_prob.png`, where 255 stands for 1.
        tta: Average over all mirrored views; takes 4 times as long for images, 8 for volumes.
        precision: `auto` measures for a second which of the others is right and fast here.
        device: `auto`, `cpu` or `cuda`.
        threads: CPU threads; 0 leaves the choice to torch.
        overwrite: Write into a folder that holds something already.
    """

    run: Path
    input: Path
    output: Path
    fold: int | None = None
    probabilities: bool = False
    tta: bool = False
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto"
    device: str = "auto"
    threads: int = 0
    overwrite: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, predict, and answer with the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = CommandParser(prog="inspire-med predict", description="Masks on each case's own grid.")
    parser.add_class_arguments(PredictOptions, as_group=False)
    return run_command(parser, _predict, words)


def _predict(namespace: Namespace) -> None:
    options = PredictOptions(**vars(namespace))
    refuse_existing(options.output, overwrite=options.overwrite)

    import torch
    from rich.console import Console
    from rich.progress import track

    from inspire_med.inference.predictor import Predictor

    if options.threads:
        torch.set_num_threads(options.threads)
    predictor = Predictor.load(
        options.run, device=options.device, precision=options.precision, flips=options.tta
    )
    jobs = _jobs(options, predictor)
    console = Console(stderr=True)
    for name, job in track(jobs.items(), "predicting", console=console, transient=True):
        _write(options, name, job())
    print(f"{len(jobs)} masks in {options.output}", file=sys.stderr)


def _jobs(options: PredictOptions, predictor: "Predictor") -> "dict[str, Callable[[], Prediction]]":
    """What is to be predicted, by case id."""
    from inspire_med.data.case import Manifest
    from inspire_med.data.layouts.recognise import find_cases

    if options.input.suffix != ".json":
        if options.fold is not None:
            raise InputError(f"--fold: {options.input} has no folds; give a manifest, or no fold.")
        found = find_cases(predictor.card.task, options.input, labelled=False)
        return {case.id: partial(predictor.predict_found, case) for case in found.cases}
    manifest = Manifest.load(options.input)
    if manifest.task != predictor.card.task:
        raise InputError(
            f"{options.input}: is for task {manifest.task}, but the model is for "
            f"{predictor.card.task}; choose another --run."
        )
    chosen = manifest.cases if options.fold is None else manifest.fold(options.fold)[1]
    return {case.id: partial(predictor.predict_case, case) for case in chosen}


def _write(options: PredictOptions, name: str, prediction: "Prediction") -> None:
    from inspire_med.data.restore import write_mask, write_probabilities

    suffix = ".png" if prediction.record["kind"] == "picture" else ".nii.gz"
    write_mask(options.output / f"{name}{suffix}", prediction.labels, prediction.record)
    if options.probabilities:
        path = options.output / f"{name}_prob{suffix}"
        write_probabilities(path, prediction.probabilities, prediction.record)


if __name__ == "__main__":
    raise SystemExit(main())
