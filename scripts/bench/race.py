"""The race: the same split, machine and wall time for this toolkit, MONAI and nnU-Net.

    python scripts/bench/race.py --task polyp --data DATA --out OUT --minutes 20 --seeds 3 \
        --nnunet-python NNUNET/bin/python

Tasks: `polyp` (Kvasir-SEG, its official split), `brats` (eleven real cases, fold 0 of 4 tests) and
`phantoms` (40 made BraTS cases, of which 12 test). The wall time is that of training steps, for
everybody; nobody validates; what comes before and after the steps is printed apart. All masks are
scored by `inspire-med evaluate --protocol segmentation`. The same command goes on where it was
stopped: what is scored stays, a start that was stopped begins anew, whoever's it was.
"""

import argparse
import platform
import shutil
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from race_contestants import Contestant, Race, command, monai, nnunet, ours

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.files import read_json, write_json
from inspire_med.provenance import code_commit

OURS, MONAI, NNUNET = "inspire-med", ("DynUNet", "SegResNet"), "nnU-Net"
WHO = (OURS, *MONAI, NNUNET)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", choices=sorted(SOURCES), required=True)
    parser.add_argument("--data", type=Path, required=True, help="holds polyp, brats2018, ...")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cases", type=int, help="so many of the test cases, evenly spread")
    parser.add_argument("--who", nargs="+", choices=WHO, default=WHO, help="default: everybody")
    parser.add_argument("--nnunet-python", type=Path, help="without it nnU-Net stays at home")
    parser.add_argument("--ours", nargs="*", default=[], help="options of train, as KEY=VALUE")
    options = parser.parse_args()
    if options.cases is not None and options.cases < 1:
        parser.error(f"--cases: {options.cases} is too few; give at least 1.")
    asked = {name: getattr(options, name) for name in ("task", "minutes", "cases", "ours")}
    try:
        keep_request(options.out / "request.json", {**asked, "commit": code_commit()})
    except InputError as error:
        parser.error(str(error))
    manifest = prepared(options.task, options.data.resolve(), options.out)
    folds = TEST_FOLDS[options.task]
    training, test = shared_out(manifest, options.out, folds, options.cases)
    race = Race(training, test, options.out, 60 * options.minutes)
    who: dict[str, Contestant] = {}
    if OURS in options.who:
        who[OURS] = ours(race, options.ours)
    who |= {f"MONAI {name}": monai(race, name) for name in MONAI if name in options.who}
    if NNUNET in options.who and options.nnunet_python is not None:
        who[NNUNET] = nnunet(race, options.nnunet_python)
    for seed in range(options.seeds):
        for name, contestant in who.items():
            run(race, name, seed, contestant)
    print("\n".join(table(race, who, options.seeds)))


def keep_request(file: Path, request: Mapping[str, Any]) -> None:
    """Note what was asked for the first time; later it must be the same.

    Raises:
        InputError: If it is not.
    """
    if not file.is_file():
        write_json(file, request)
    before = read_json(file)
    for name, value in request.items():
        if before.get(name) != value:
            raise InputError(
                f"{file}: this race was begun with {name} {before.get(name)}, not {value}; give "
                "the same, or another --out."
            )


SOURCES = {
    "polyp": lambda data: [
        *("--task", "polyp", "--source", data / "polyp" / "Kvasir-SEG"),
        *("--split", data / "polyp" / "splits" / "kvasir_official_val_120.txt"),
    ],
    "brats": lambda data: [
        *("--task", "brats", "--folds", 4),
        *("--source", data / "brats2018" / "HGG", "--source", data / "brats2018" / "LGG"),
        *("--source", data / "brats2018_more" / "HGG", "--source", data / "brats2018_more" / "LGG"),
    ],
    "phantoms": lambda data: ["--task", "brats", "--phantom", 40, "--folds", 10],
}
TEST_FOLDS = {"polyp": (0,), "brats": (0,), "phantoms": (0, 1, 2)}


def prepared(task: str, data: Path, out: Path) -> Path:
    """The manifest, written the first time."""
    made = task == "phantoms"
    manifest = out / "data" / "manifest.json" if made else out / "manifest.json"
    if not manifest.is_file():
        command("prepare", *SOURCES[task](data), "--out", out / "data" if made else manifest)
    return manifest


def shared_out(
    manifest: Path, out: Path, folds: Sequence[int], cases: int | None
) -> tuple[Path, Path]:
    """Write manifests of the training cases and of the folds that test, or of so many of these."""
    whole = Manifest.load(manifest)
    labelled = [case for case in whole.cases if case.label is not None]
    training = [case for case in labelled if case.fold not in folds]
    test = [case for case in labelled if case.fold in folds]
    files = out / "training.json", out / "test.json"
    for file, chosen in zip(files, (training, spread(test, cases)), strict=True):
        replace(whole, cases=tuple(chosen)).save(file, overwrite=True)
    return files


def spread(cases: Sequence[Case], count: int | None) -> Sequence[Case]:
    """So many of the cases, evenly spread from the first on; all of them if there are no more."""
    if count is None or count >= len(cases):
        return cases
    return [cases[place * len(cases) // count] for place in range(count)]


def run(race: Race, name: str, seed: int, contestant: Contestant) -> None:
    """One start of one contestant, unless it was scored already."""
    folder = start_folder(race, name, seed)
    if (folder / "scores" / "scores.json").is_file():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(f"{name}, seed {seed}", flush=True)
    began = time.monotonic()
    contestant.start(seed, folder)
    rest_s = time.monotonic() - began - race.seconds
    write_json(folder / "seconds.json", {"rest": rest_s})
    print(f"{name}, seed {seed}: {rest_s / 60:.1f} minutes beside the training", flush=True)
    words = ["--prediction", folder / "masks", "--reference", race.test]
    command("evaluate", *words, "--protocol", "segmentation", "--output", folder / "scores")


def start_folder(race: Race, name: str, seed: int) -> Path:
    return race.out / name.replace(" ", "-") / f"seed{seed}"


def table(race: Race, who: Mapping[str, Contestant], seeds: int) -> Iterator[str]:
    """A row a contestant: Dice of each region, mean over seeds and each seed's; where time went."""
    regions = list(Manifest.load(race.test).regions)
    minutes = ["minutes of planning and preprocessing", "of training", "of start and prediction"]
    yield f"| who | {' | '.join([*(f'Dice of {name}' for name in regions), *minutes])} |"
    yield f"|---|{'---:|' * (len(regions) + len(minutes))}"
    for name, contestant in who.items():
        folders = [start_folder(race, name, seed) for seed in range(seeds)]
        summaries = [read_json(folder / "scores" / "scores.json")["summary"] for folder in folders]
        cells: list[str] = []
        for region in regions:
            means = [summary[region]["dice"]["mean"] for summary in summaries]
            each = " ".join(f"{mean:.3f}" for mean in means)
            cells.append(f"{statistics.fmean(means):.3f} ({each})")
        rest_s = statistics.fmean(read_json(folder / "seconds.json")["rest"] for folder in folders)
        parts_s = (contestant.preparation_s, race.seconds, rest_s)
        cells += [f"{seconds / 60:.1f}" for seconds in parts_s]
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""
    yield origin(race, seeds)


def origin(race: Race, seeds: int) -> str:
    """Where the numbers come from, as the race was begun."""
    request = read_json(race.out / "request.json")
    count = len(Manifest.load(race.test).cases)
    which = "all test cases" if request["cases"] is None else "test cases, evenly spread"
    options = " ".join(request["ours"]) or "its defaults"
    return (
        f"`{request['task']}`, n = {count} ({which}); {request['minutes']:g} minutes of training, "
        f"{seeds} seeds; {OURS} with {options}; commit {request['commit']}; {platform.platform()}."
    )


if __name__ == "__main__":
    main()
