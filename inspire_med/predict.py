"""Command: masks for a file, a folder or a manifest (`python -m inspire_med.predict ...`)."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from jsonargparse import Namespace

from inspire_med.cli.command import run_command
from inspire_med.cli.progress import cases_and_parts
from inspire_med.files import refuse_existing
from inspire_med.predicting.options import PredictOptions, make_parser, read_options
from inspire_med.wording import counted, listed

if TYPE_CHECKING:
    from inspire_med.inference import Predictor
    from inspire_med.predicting.answers import Answers


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, predict, and answer with the exit status."""
    return run_command(make_parser("Masks on each case's own grid."), _predict, arguments)


def _predict(namespace: Namespace) -> None:
    options = read_options(namespace)
    refuse_existing(options.output, overwrite=options.overwrite)

    from inspire_med.predicting.inputs import unpacked

    with unpacked(options) as known:
        _predict_all(known)


def _predict_all(options: PredictOptions) -> None:
    from inspire_med.evaluation.protocols import scores_maps
    from inspire_med.imaging.output import refuse_clashes
    from inspire_med.predicting import inputs
    from inspire_med.predicting.answers import Answers
    from inspire_med.predicting.beside import Beside
    from inspire_med.predicting.doubt_files import FOLDER, remove_tables
    from inspire_med.predicting.record import remove_record, write_record
    from inspire_med.predicting.summary import remove_summary
    from inspire_med.reports.doubt_page import FILE

    how = options.predictor
    filled = how.fill_missing or bool(options.without)
    predictor = replace(how, fill_missing=filled).load()
    cases = inputs.find_cases(options, predictor)
    cases = inputs.without(options.without, cases, predictor)
    refuse_clashes(case.id for case in cases)
    inputs.refuse_problems([problem for case in cases for problem in predictor.problems(case)])
    inputs.refuse_inputs_as_output(cases, options.output)
    with_maps = options.probabilities or scores_maps(predictor.card.task.protocol)
    answers = Answers(options.output, predictor, with_maps=with_maps, with_doubt=options.doubt)
    beside = Beside(options, predictor, cases)
    remove_record(options.output)
    remove_summary(options.output)
    remove_tables(options.output / FOLDER)
    beside.remove_older()
    with cases_and_parts("predicting", len(cases), "windows") as (next_case, watch):
        for case in cases:
            started = time.perf_counter()
            prediction = predictor.predict_case(case, watch)
            # From reading to the finished mask; the first case warms the network up.
            seconds = time.perf_counter() - started
            own = {"seconds": seconds, "missing": predictor.missing(case)}
            answers.take(case.id, prediction, own)
            beside.take(case, prediction)
            del prediction  # else it lives while the next one is found
            next_case()
    answers.finish()
    kinds = {"probabilities": with_maps, **beside.kinds}
    write_record(options.output, how.run, predictor, answers.cases, kinds)
    _say(predictor, answers)
    maps = " and as many maps" if with_maps else ""
    print(f"{counted(len(cases), 'mask')}{maps} in {options.output}", file=sys.stderr)
    if options.doubt:
        print(f"which to look at first: {options.output / FOLDER / FILE}", file=sys.stderr)
    inputs.name_older_masks(options.output, answers.files)


def _say(predictor: "Predictor", answers: "Answers") -> None:
    """How the cases were predicted: by what, without what, in which windows; and how surely."""
    said: list[str] = []
    if len(predictor.folders) > 1:
        said.append(f"by the mean of {counted(len(predictor.folders), 'model')}")
    of_cases = answers.cases.values()
    for names, count in Counter(tuple(each["missing"]) for each in of_cases).items():
        if names:
            said.append(f"{counted(count, 'case')} predicted without {', '.join(names)}")
    if rules := predictor.settings["postprocess"]:
        said.append(f"masks of {', '.join(rules)} by rules of postprocessing")
    most, count = Counter(each["seen_as"] for each in of_cases).most_common(1)[0]
    others = len(of_cases) - count
    said.append(f"seen as {most}" + (f", {counted(others, 'case')} otherwise" if others else ""))
    if doubtful := answers.to_look_at:
        words = f"{len(doubtful)} of {counted(len(of_cases), 'case')} a person should look at"
        said.append(f"{words}: {listed(doubtful)}")
    if answers.has_lost_limit:
        said.append(
            "no case is named to look at: the limit of confidence was found with other rules of "
            "postprocessing; predict with --postprocess stored, or run tune again"
        )
    print("\n".join(said), file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
