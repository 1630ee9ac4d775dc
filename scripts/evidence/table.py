"""Print what belongs into docs/evidence.md, from the comparison.json of finished comparisons.

    python scripts/evidence/table.py OUT/runs/test-kvasir/comparison.json ...

A table a file: each network's measures with intervals, its mean of each seed, what it cost; then
the tests against the baseline, and where the numbers come from.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.protocols import MaskProtocol, PictureProtocol, protocol
from inspire_med.files import read_json

_SHOWN = 3  # measures of a region, the first that a protocol names
_ORIGIN = ("Test set", "Seeds", "Folds", "Budget of each training", "Precision", "Commit", "torch")


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
    columns = list(_columns(content, rules.measures))
    first = columns[0]
    heads = [f"{rules.measures[name].title} of {region}" for region, name in columns]
    yield _row("network", *heads, "by seed", "SD", "steps", "minutes", "s/step", "parameters")
    yield _row("---", *["---:"] * (len(heads) + 6))
    for method in content["methods"]:
        summary, cost = content["summary"][method], content["costs"][method]
        region, name = first
        spread, measure = content["seeds"][method][region][name], rules.measures[name]
        yield _row(
            method,
            *(_mean(summary[r].get(m), rules.measures[m]) for r, m in columns),
            " ".join(measure.written(mean) for mean in spread["by_seed"].values()),
            "–" if spread["sd"] is None else f"{spread['sd']:.3f}",
            f"{cost['steps']:,.0f}",
            f"{cost['training_s'] / 60:.1f}",
            f"{cost['step_s']:.3g}",
            f"{cost['parameters']:,}",
        )
    yield ""
    yield from (_difference(each) for each in content["differences"] if _is(each, *first))
    yield ""
    origin = content["provenance"]
    known = [f"{label} {origin[label]}" for label in _ORIGIN if label in origin]
    yield f"n = {content['n_cases']}; `{content['protocol']}`; {'; '.join(known)}."
    yield f"Machine: {origin['Machine']}."


def _columns(
    content: Mapping[str, Any], measures: Mapping[str, Measure]
) -> Iterator[tuple[str, str]]:
    """Region and measure, the protocol's first ones that have a value a case."""
    found = {(each["region"], each["measure"]): None for each in content["differences"]}
    for region in dict.fromkeys(region for region, _ in found):
        own = [name for name in measures if (region, name) in found]
        yield from ((region, name) for name in own[:_SHOWN])


def _mean(summary: Mapping[str, Any] | None, measure: Measure) -> str:
    if summary is None:
        return "–"
    ends = summary["ci95"]
    interval = "" if ends is None else " [{}, {}]".format(*map(measure.written, ends))
    return measure.written(summary["mean"]) + interval


def _is(difference: Mapping[str, Any], region: str, name: str) -> bool:
    return difference["measure"] == name and difference["region"] == region


def _difference(each: Mapping[str, Any]) -> str:
    """A paired test in a line."""
    if each["mean"] is None:
        return f"- {each['first']} − {each['second']}: undefined in every case."
    ends = "" if each["ci95"] is None else " [{:+.3f}, {:+.3f}]".format(*each["ci95"])
    seeds = (
        f", this sign in {each['seeds_alike']} of {each['seeds']} seeds" if each["seeds"] else ""
    )
    return (
        f"- {each['first']} − {each['second']}: {each['mean']:+.3f}{ends}, p {each['p_holm']:.3f} "
        f"(Holm), n = {each['n']}{seeds}"
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
