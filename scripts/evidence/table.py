"""Print what belongs into docs/evidence.md, from the comparison.json of finished comparisons.

    python scripts/evidence/table.py OUT/runs/test-kvasir/comparison.json ...

Of each file: the networks' leading measures with intervals, their means of each seed and their
costs; the paired tests of these measures; the same two tables for all further measures that have a
value a case; where the numbers come from. `evaluate` compares masks that may come from anywhere:
its comparison.json knows no seeds and costs.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.protocols import MaskProtocol, PictureProtocol, protocol
from inspire_med.files import read_json
from inspire_med.reports.findings import p_text, signed

_LEADING = 3  # measures of a region that stand in the first table, as the protocol orders them
_DIFFERENCES = (
    "Mean difference [95 % interval], p after Holm over the measure's tests, seeds that have its "
    "sign; n where a case is undefined:"
)
_ORIGIN = (
    *("Test set", "Seeds", "Folds", "Budget of each training", "Precision", "Commit", "torch"),
    "Scored by inspire_med",
)
_OF_TRAININGS = ("by seed", "SD", "steps", "minutes", "s/step", "parameters")

Column = tuple[str, str]  # region and measure


def main() -> None:
    """Print the table of each file."""
    parser = argparse.ArgumentParser(description="Tables of finished comparisons, as Markdown.")
    parser.add_argument("files", nargs="+", type=Path, help="comparison.json of each")
    for file in parser.parse_args().files:
        print("\n".join(markdown(read_json(file))))
        print()


def markdown(content: Mapping[str, Any]) -> Iterator[str]:
    """The lines of one comparison."""
    rules = protocol(content["protocol"])
    assert isinstance(rules, MaskProtocol | PictureProtocol)  # compare scores by no other
    leading, further = _columns(content, rules.measures)
    yield from _leading_means(content, leading, rules.measures)
    yield from ("", _DIFFERENCES, "")
    yield from _differences(content, leading, rules.measures)
    if further:
        yield from ("", "Further measures, and the differences in them:", "")
        yield _row("network", *_heads(further, rules.measures))
        yield _row("---", *["---:"] * len(further))
        for method in content["methods"]:
            yield _row(method, *_means(content, method, further, rules.measures))
        yield ""
        yield from _differences(content, further, rules.measures)
    yield ""
    origin = content["provenance"]
    known = [f"{label} {origin[label]}" for label in _ORIGIN if label in origin]
    yield f"n = {content['n_cases']}; `{content['protocol']}`; {'; '.join(known)}."
    if "Machine" in origin:
        yield f"Machine: {origin['Machine']}."


def _columns(
    content: Mapping[str, Any], measures: Mapping[str, Measure]
) -> tuple[list[Column], list[Column]]:
    """Region and measure of all that has a value a case: the leading ones, and the others."""
    found = {(each["region"], each["measure"]): None for each in content["differences"]}
    leading: list[Column] = []
    further: list[Column] = []
    for region in dict.fromkeys(region for region, _ in found):
        own = [(region, name) for name in measures if (region, name) in found]
        leading += own[:_LEADING]
        further += own[_LEADING:]
    return leading, further


def _leading_means(
    content: Mapping[str, Any], columns: Sequence[Column], measures: Mapping[str, Measure]
) -> Iterator[str]:
    """A row a network: its means, the first of them by seed, its costs."""
    trained = "costs" in content
    heads = [*_heads(columns, measures), *(_OF_TRAININGS if trained else ())]
    yield _row("network" if trained else "masks", *heads)
    yield _row("---", *["---:"] * len(heads))
    for method in content["methods"]:
        own = _of_trainings(content, method, columns[0], measures) if trained else ()
        yield _row(method, *_means(content, method, columns, measures), *own)


def _of_trainings(
    content: Mapping[str, Any], method: str, column: Column, measures: Mapping[str, Measure]
) -> Iterator[str]:
    """One network's mean of each seed in a column, and its costs."""
    region, name = column
    cost, spread = content["costs"][method], content["seeds"][method][region][name]
    yield " ".join(measures[name].written(mean) for mean in spread["by_seed"].values())
    yield "–" if spread["sd"] is None else f"{spread['sd']:.3f}"
    yield f"{cost['steps']:,.0f}"
    yield f"{cost['training_s'] / 60:.1f}"
    yield f"{cost['step_s']:.3g}"
    yield f"{cost['parameters']:,}"


def _heads(columns: Sequence[Column], measures: Mapping[str, Measure]) -> list[str]:
    return [f"{measures[name].title} of {region}" for region, name in columns]


def _means(
    content: Mapping[str, Any],
    method: str,
    columns: Sequence[Column],
    measures: Mapping[str, Measure],
) -> Iterator[str]:
    """One network's mean over cases in each column, with its interval."""
    for region, name in columns:
        summary = content["summary"][method][region].get(name)
        ends = summary and summary["ci95"]
        interval = " [{}, {}]".format(*map(measures[name].written, ends)) if ends else ""
        yield measures[name].written(summary and summary["mean"]) + interval


def _differences(
    content: Mapping[str, Any], columns: Sequence[Column], measures: Mapping[str, Measure]
) -> Iterator[str]:
    """A row a pair of networks: the paired test of each column."""
    found: dict[str, dict[Column, str]] = {}
    for each in content["differences"]:
        pair = found.setdefault(f"{each['first']} − {each['second']}", {})
        measure = measures[each["measure"]]
        pair[each["region"], each["measure"]] = _difference(each, measure, content["n_cases"])
    yield _row("difference", *_heads(columns, measures))
    yield _row("---", *["---:"] * len(columns))
    for pair, cells in found.items():
        yield _row(pair, *(cells.get(column, "–") for column in columns))


def _difference(each: Mapping[str, Any], measure: Measure, cases: int) -> str:
    """A paired test in a cell."""
    mean = signed(measure, each["mean"])
    ends = each["ci95"] or ()
    interval = f" [{', '.join(signed(measure, end) for end in ends)}]" if ends else ""
    seeds = "" if each["seeds_alike"] is None else f", {each['seeds_alike']}/{each['seeds']}"
    left_out = "" if each["n"] == cases else f", n = {each['n']}"
    return f"{mean}{interval}, p {p_text(each['p_holm'])}{seeds}{left_out}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
