"""Who takes part in race.py: each trains with a seed for the given time, then predicts."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from race_nnunet import NnUNet

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.files import write_json

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Race:
    """What everybody is given.

    Args:
        training: Manifest of the cases that train.
        test: Manifest of the cases that are scored.
        out: Folder for everything.
        seconds: Of training.
    """

    training: Path
    test: Path
    out: Path
    seconds: float


@dataclass(frozen=True)
class Contestant:
    """Who takes part.

    Args:
        start: Trains with a seed in a folder of its own, predicts into `masks` there.
        preparation_s: Seconds that it took once, before its time ran.
    """

    start: Callable[[int, Path], None]
    preparation_s: float = 0


def ours(race: Race, more: Sequence[str]) -> Contestant:
    """This toolkit, with its defaults and what is asked for besides; nothing is validated."""

    def start(seed: int, folder: Path) -> None:
        task = Manifest.load(race.training).task.name
        options = ["--task", task, "--manifest", race.training, "--fold", "none", "--seed", seed]
        # The task's own number of steps would end a training on a fast machine before its time.
        budget = ["--max_steps", "null", "--max_time", f"{race.seconds:.0f}s"]
        extra = [f"--{each}" for each in more]
        command("train", *options, *budget, "--run", folder / "run", *extra)
        where = ["--run", folder / "run", "--input", race.test, "--output", folder / "masks"]
        command("predict", *where)

    return Contestant(start)


def monai(race: Race, network: str) -> Contestant:
    """A network of MONAI's, by the plain script."""

    def start(seed: int, folder: Path) -> None:
        cases = folder / "cases.json"
        write_json(cases, datalist(Manifest.load(race.training), Manifest.load(race.test)))
        words = ["--cases", cases, "--network", network, "--seconds", race.seconds]
        words += ["--seed", seed, "--out", folder / "masks"]
        logged([sys.executable, HERE / "race_monai.py", *words], folder / "log.txt")

    return Contestant(start)


def nnunet(race: Race, python: Path) -> Contestant:
    """nnU-Net, whose planning and preprocessing are done once, before its time runs."""
    training, test = Manifest.load(race.training), Manifest.load(race.test)
    theirs = NnUNet(python.absolute(), race.out / "nnunet", training, test)
    theirs.folder.mkdir(exist_ok=True)

    def start(seed: int, folder: Path) -> None:
        theirs.train(seed, race.seconds)
        theirs.predict(folder / "masks")

    return Contestant(start, theirs.prepare())


def datalist(training: Manifest, test: Manifest) -> dict[str, object]:
    """What race_monai.py reads."""

    def files(case: Case) -> str | list[str]:
        """One file of all channels as it is, several in their order."""
        found = [str(case.images[channel]) for channel in training.channels]
        return found[0] if len(set(found)) == 1 else found

    return {
        "spatial_dims": training.task.spatial_dims,
        "regions": {name: list(values) for name, values in training.regions.items()},
        "training": [{"image": files(case), "label": str(case.label)} for case in training.cases],
        "test": [{"id": case.id, "image": files(case)} for case in test.cases],
    }


def command(*words: object) -> None:
    """A command of this toolkit, to its end."""
    subprocess.run([sys.executable, "-m", "inspire_med", *map(str, words)], check=True)


def logged(words: Sequence[object], log: Path) -> None:
    with log.open("ab") as file:
        subprocess.run(list(map(str, words)), stdout=file, stderr=subprocess.STDOUT, check=True)
