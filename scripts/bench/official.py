"""Hold the project's scores against the challenges' own scripts, on made volumes.

    git clone https://github.com/rachitsaluja/BraTS-2023-Metrics
    git clone https://github.com/rachitsaluja/BraTS-2024-Metrics       (at 9c2bcf9 and at f1131e3)
    git clone https://github.com/ezequieldlrosa/isles22                (isles24 likewise)
    pip install -e . MedPy brats-evaluation==0.0.10 panoptica==2.1.7   (an environment of its own)
    python scripts/bench/official.py --brats2023 BraTS-2023-Metrics --brats2024 9c2bcf9 \
        --brats2025 f1131e3 --brats2026 --isles2022 isles22 --volumes 40
    pip install -e . panoptica==1.1.19 scikit-learn                    (another, for ISLES'24)
    python scripts/bench/official.py --isles2024 isles24 --isles2026 isles24 --volumes 40

Prints how far apart the counts are, and the measure that differs most. The script of ISLES'26 is
not public here: --isles2026 takes that of ISLES'24 at IoU 0.25, and scikit-learn's PR-AUC.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, isnan
from pathlib import Path

import official_peers as peers
from made_pairs import Pair, lesion_pairs, made_pairs

from inspire_med.evaluation.batch import Job, Rules, score_case
from inspire_med.evaluation.protocols import MaskProtocol, protocol

CONFIGS_2026 = {"gli": "gli", "met": "mets", "ped": "ped"}
CONFIGS_2026 |= {"menrt": "MenRT", "menpre": "MenPre", "goat": "GoAT"}
SCRIPTS = {"gli": "GLI", "men": "MEN", "menrt": "MEN_RT", "met": "MET", "ped": "PED", "ssa": "SSA"}


@dataclass(frozen=True)
class Comparison:
    """A protocol beside its script.

    Attributes:
        name: Of the protocol.
        theirs: The script's values of pairs.
    """

    name: str
    theirs: Callable[[Sequence[Pair]], Iterator[peers.Scores]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("brats2023", "brats2024", "brats2025", "isles2022", "isles2024", "isles2026"):
        parser.add_argument(f"--{name}", type=Path, help="clone of its scripts")
    parser.add_argument("--brats2026", action="store_true", help="by the installed package")
    parser.add_argument("--volumes", type=int, default=100, help="made volumes of each kind")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    peers.put_back_old_names()
    print("| protocol | volumes | regions | measures | counts off by | largest difference |")
    print("|---|---:|---:|---:|---:|---|")
    for each in comparisons(options):
        compare(each, options)
    return 0


def comparisons(options: argparse.Namespace) -> Iterator[Comparison]:
    for name in ("gli", "men", "met", "ped", "ssa") if options.brats2023 else ():
        script = options.brats2023.resolve() / "metrics.py"
        theirs = partial(peers.brats, script, f"BraTS-{name.upper()}", ())
        yield Comparison(f"brats2023-{name}", theirs)
    for year in (2024, 2025):
        clone = getattr(options, f"brats{year}")
        for name, words in SCRIPTS.items() if clone else ():
            script = clone.resolve() / f"metrics_{words}.py"
            challenge = f"BraTS-{words.replace('_', '-')}"
            left_out = () if name == "men" else peers.FROM_NUMBERS
            if script.is_file():
                theirs = partial(peers.brats, script, challenge, left_out)
                yield Comparison(f"brats{year}-{name}", theirs)
    for name, config in CONFIGS_2026.items() if options.brats2026 else ():
        yield Comparison(f"brats2026-{name}", partial(peers.brats2026, config))
    if options.isles2022:
        script = options.isles2022.resolve() / "utils" / "eval_utils.py"
        yield Comparison("isles2022", partial(peers.isles2022, script))
    if options.isles2024:
        script = options.isles2024.resolve() / "utils" / "eval_utils.py"
        yield Comparison("isles2024", partial(peers.isles2024, script))
    if options.isles2026:
        script = options.isles2026.resolve() / "utils" / "eval_utils.py"
        yield Comparison("isles2026", partial(peers.isles2026, script))


def ours_of(pair: Pair, rules: MaskProtocol) -> peers.Scores:
    with peers.in_files(pair) as (reference, prediction):
        maps = prediction.with_name("prediction_prob.nii.gz") if rules.scores_maps else None
        job = Job("made", reference, prediction, maps)
        results = score_case(Rules(rules.name, rules.regions), job).regions
    return {region: dict(result.measures) for region, result in results.items()}


def compare(comparison: Comparison, options: argparse.Namespace) -> None:
    rules = protocol(comparison.name)
    assert isinstance(rules, MaskProtocol)
    # Any label is a lesion of ISLES.
    labels = max((value for values in rules.regions.values() for value in values), default=3)
    pairs = [*made_pairs(labels, options), *lesion_pairs(labels, options)]
    worst: dict[str, float] = {}
    for pair, theirs in zip(pairs, comparison.theirs(pairs), strict=True):
        ours = ours_of(pair, rules)
        for region in rules.regions:
            note_worst(worst, ours[region], theirs[region])
    show(comparison.name, len(pairs), len(pairs) * len(rules.regions), worst)


def note_worst(
    worst: dict[str, float], ours: Mapping[str, float], row: Mapping[str, float]
) -> None:
    for measure, value in row.items():
        same = value == ours[measure] or (isnan(value) and isnan(ours[measure]))
        apart = 0.0 if same else abs(value - ours[measure])
        worst[measure] = max(worst.get(measure, 0.0), inf if isnan(apart) else apart)


def show(name: str, volumes: int, regions: int, worst: Mapping[str, float]) -> None:
    counts = max((apart for measure, apart in worst.items() if "lesions_" in measure), default=0)
    measure = max(worst, key=lambda each: worst[each])
    cells = (f"`{name}`", volumes, regions, len(worst), f"{counts:g}", f"{worst[measure]:.1e}")
    print(f"| {' | '.join(map(str, cells))} (`{measure}`) |", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
