"""The race: the same split, machine and wall time for this toolkit, MONAI and nnU-Net.

    python scripts/bench/race.py --task polyp --data DATA --out OUT --minutes 20 --seeds 3 \
        --nnunet-python NNUNET/bin/python

Tasks: `polyp` (Kvasir-SEG, its official split), `brats` (eleven real cases, fold 0 of 4) and
`phantoms` (40 made BraTS cases, fold 0 of 5). The wall time is that of training steps, for
everybody; what comes before and after them is printed apart. All masks are scored by
`inspire-med evaluate --protocol segmentation`. The same command goes on where it was stopped.
"""

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from race_nnunet import NnUNet

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.files import read_json, write_json
from inspire_med.provenance import code_commit

HERE = Path(__file__).resolve().parent
FOLD = 0
OURS, MONAI, NNUNET = "inspire-med", ("DynUNet", "SegResNet"), "nnU-Net"


@dataclass(frozen=True)
class Race:
    """What everybody is given.

    Args:
        task: `polyp` or `brats`, by which `train` chooses its defaults.
        manifest: The data set; fold 0 is tested on, the rest trains.
        out: Folder for everything.
        seconds: Of training.
    """

    task: str
    manifest: Path
    out: Path
    seconds: float


Contestant = Callable[[Race, int, Path], None]  # trains with a seed, predicts into a folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", choices=sorted(SOURCES), required=True)
    parser.add_argument("--data", type=Path, required=True, help="holds polyp, brats2018, ...")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--nnunet-python", type=Path, help="without it nnU-Net stays at home")
    parser.add_argument("--ours", nargs="*", default=[], help="options of train, as KEY=VALUE")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    manifest = prepared(options.task, options.data.resolve(), options.out)
    task = Manifest.load(manifest).task.name
    race = Race(task, manifest, options.out, 60 * options.minutes)
    who: dict[str, Contestant] = {OURS: ours(options.ours)}
    who |= {f"MONAI {name}": monai(name) for name in MONAI}
    if options.nnunet_python is not None:
        who[NNUNET] = nnunet(options.nnunet_python, race)
    for seed in range(options.seeds):
        for name, contestant in who.items():
            run(race, name, seed, contestant)
    print("\n".join(table(race, list(who), options.seeds)))


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
    "phantoms": lambda data: ["--task", "brats", "--phantom", 40],
}


def prepared(task: str, data: Path, out: Path) -> Path:
    """The manifest, written the first time."""
    made = task == "phantoms"
    manifest = out / "data" / "manifest.json" if made else out / "manifest.json"
    if not manifest.is_file():
        command("prepare", *SOURCES[task](data), "--out", out / "data" if made else manifest)
    return manifest


def ours(more: Sequence[str]) -> Contestant:
    """This toolkit, with its defaults and what is asked for besides."""

    def go(race: Race, seed: int, masks: Path) -> None:
        run = race.out / f"ours-seed{seed}"
        options = ["--task", race.task, "--manifest", race.manifest, "--run", run]
        budget = ["--max_time", f"{race.seconds:.0f}s", "--seed", seed]
        extra = [f"--{each}" for each in more]
        command("train", *options, *budget, "--fold", FOLD, "--validations", 1, *extra)
        where = ["--run", run, "--input", race.manifest, "--fold", FOLD]
        command("predict", *where, "--output", masks, "--overwrite")

    return go


def monai(network: str) -> Contestant:
    """A network of MONAI's, by the plain script."""

    def go(race: Race, seed: int, masks: Path) -> None:
        cases = race.out / "cases.json"
        write_json(cases, datalist(Manifest.load(race.manifest)))
        words = ["--cases", cases, "--network", network, "--seconds", race.seconds]
        words += ["--seed", seed, "--out", masks]
        logged([sys.executable, HERE / "race_monai.py", *words], race.out / f"{network}.log")

    return go


def nnunet(python: Path, race: Race) -> Contestant:
    """nnU-Net, whose planning and preprocessing are done once, before its time runs."""
    theirs = NnUNet(python.absolute(), race.out / "nnunet", Manifest.load(race.manifest), FOLD)
    theirs.folder.mkdir(exist_ok=True)
    print(f"nnU-Net: planned and preprocessed in {theirs.prepare():.0f} s", flush=True)
    return lambda race, seed, masks: theirs.train_and_predict(seed, race.seconds, masks)


def datalist(manifest: Manifest) -> dict[str, object]:
    """What race_monai.py reads."""
    training, test = manifest.fold(FOLD)

    def files(case: Case) -> str | list[str]:
        """One file of all channels as it is, several in their order."""
        found = [str(case.images[channel]) for channel in manifest.channels]
        return found[0] if len(set(found)) == 1 else found

    return {
        "spatial_dims": manifest.task.spatial_dims,
        "regions": {name: list(values) for name, values in manifest.regions.items()},
        "training": [{"image": files(case), "label": str(case.label)} for case in training],
        "test": [{"id": case.id, "image": files(case)} for case in test],
    }


def run(race: Race, name: str, seed: int, contestant: Contestant) -> None:
    """One start of one contestant, unless it was scored already."""
    folder = race.out / name.replace(" ", "-") / f"seed{seed}"
    if (folder / "scores" / "scores.json").is_file():
        return
    print(f"{name}, seed {seed}", flush=True)
    masks = folder / "masks"
    began = time.monotonic()
    contestant(race, seed, masks)
    write_json(folder / "seconds.json", {"all": time.monotonic() - began})
    words = ["--prediction", masks, "--reference", race.manifest, "--fold", FOLD]
    rules = ["--protocol", "segmentation", "--output", folder / "scores", "--overwrite"]
    command("evaluate", *words, *rules)


def table(race: Race, names: Sequence[str], seeds: int) -> Iterator[str]:
    """A row a contestant: Dice of each region, mean over seeds and each seed's; minutes in all."""
    regions = list(Manifest.load(race.manifest).regions)
    yield f"| who | {' | '.join(f'Dice of {name}' for name in regions)} | minutes in all |"
    yield f"|---|{'---:|' * (len(regions) + 1)}"
    for name in names:
        folders = [race.out / name.replace(" ", "-") / f"seed{seed}" for seed in range(seeds)]
        summaries = [read_json(folder / "scores" / "scores.json")["summary"] for folder in folders]
        cells: list[str] = []
        for region in regions:
            means = [summary[region]["dice"]["mean"] for summary in summaries]
            each = " ".join(f"{mean:.3f}" for mean in means)
            cells.append(f"{statistics.fmean(means):.3f} ({each})")
        took = statistics.fmean(read_json(folder / "seconds.json")["all"] for folder in folders)
        yield f"| {name} | {' | '.join(cells)} | {took / 60:.1f} |"
    count = len(Manifest.load(race.manifest).fold(FOLD)[1])
    yield ""
    yield (
        f"n = {count} test cases; {race.seconds / 60:g} minutes of training, {seeds} seeds; commit "
        f"{code_commit()}; {platform.platform()}."
    )


def command(*words: object) -> None:
    """A command of this toolkit, to its end."""
    subprocess.run([sys.executable, "-m", "inspire_med", *map(str, words)], check=True)


def logged(words: Sequence[object], log: Path) -> None:
    with log.open("ab") as file:
        subprocess.run(list(map(str, words)), stdout=file, stderr=subprocess.STDOUT, check=True)


if __name__ == "__main__":
    main()
