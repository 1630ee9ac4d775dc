"""Command: masks for a file, a folder or a manifest (`python -m inspire_med.predict ...`)."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import Namespace

from inspire_med.cli.command import run_command
from inspire_med.cli.progress import cases_and_parts
from inspire_med.files import refuse_existing
from inspire_med.memory import bytes_of
from inspire_med.predicting.options import PredictOptions, make_parser, read_options
from inspire_med.wording import counted

if TYPE_CHECKING:
    from inspire_med.inference import Prediction, Predictor


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, predict, and answer with the exit status."""
    return run_command(make_parser("Masks on each case's own grid."), _predict, arguments)


def _predict(namespace: Namespace) -> None:
    options = read_options(namespace)
    refuse_existing(options.output, overwrite=options.overwrite)

    from inspire_med.evaluation.protocols import scores_maps
    from inspire_med.imaging.output import refuse_clashes
    from inspire_med.predicting import inputs
    from inspire_med.predicting.record import write_record

    predictor = _loaded(options)
    cases = inputs.find_cases(options, predictor)
    cases = inputs.without(options.without, cases, predictor)
    refuse_clashes(case.id for case in cases)
    inputs.refuse_problems([problem for case in cases for problem in predictor.problems(case)])
    files = {case.id: inputs.files_of(options.output, case) for case in cases}
    inputs.refuse_inputs_as_output(cases, [mask for mask, _ in files.values()])
    with_maps = options.probabilities or scores_maps(predictor.card.task.protocol)
    done: dict[str, dict[str, Any]] = {}
    with cases_and_parts("predicting", len(cases), "windows") as (next_case, watch):
        for case in cases:
            started = time.perf_counter()
            prediction = predictor.predict_case(case, watch)
            seconds = time.perf_counter() - started
            done[case.id] = {
                "seconds": seconds,  # from reading to the finished mask; the first one warms up
                "seen_as": prediction.seen_as,
                "missing": predictor.missing(case),
            }
            _write(prediction, *files[case.id], with_probabilities=with_maps)
            next_case()
    write_record(options.output, options.run, predictor, done)
    _say(predictor, done)
    maps = " and as many maps" if with_maps else ""
    print(f"{counted(len(cases), 'mask')}{maps} in {options.output}", file=sys.stderr)
    inputs.name_older_masks(options.output, [path for both in files.values() for path in both])


def _loaded(options: PredictOptions) -> "Predictor":
    import torch

    from inspire_med.inference import Predictor
    from inspire_med.inference.allocator import keep_freed_memory

    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    return Predictor.load(
        options.run,
        device=options.device,
        precision=options.precision,
        flips=options.tta,
        fill_missing=options.fill_missing or bool(options.without),
        windows=options.windows,
        postprocess=options.postprocess,
        memory=None if options.memory is None else bytes_of(options.memory, "--memory"),
    )


def _say(predictor: "Predictor", done: dict[str, dict[str, Any]]) -> None:
    """How the cases were predicted: by how many models, without what, in which windows."""
    if len(predictor.folders) > 1:
        print(f"by the mean of {counted(len(predictor.folders), 'model')}", file=sys.stderr)
    for names, count in Counter(tuple(each["missing"]) for each in done.values()).items():
        if names:
            words = f"{counted(count, 'case')} predicted without {', '.join(names)}"
            print(words, file=sys.stderr)
    if rules := predictor.settings["postprocess"]:
        print(f"masks of {', '.join(rules)} by rules of postprocessing", file=sys.stderr)
    plans = Counter(each["seen_as"] for each in done.values())
    most, count = plans.most_common(1)[0]
    rest = (
        ""
        if count == len(done)
        else f" ({counted(count, 'case')}; the others in the record beside the masks)"
    )
    print(f"seen as {most}{rest}", file=sys.stderr)


def _write(
    prediction: "Prediction", mask: Path, probabilities: Path, *, with_probabilities: bool
) -> None:
    from inspire_med.imaging.output import write_mask, write_probabilities

    write_mask(mask, prediction.labels, prediction.placement, prediction.regions)
    if with_probabilities:
        write_probabilities(probabilities, prediction.probabilities, prediction.placement)


if __name__ == "__main__":
    raise SystemExit(main())
