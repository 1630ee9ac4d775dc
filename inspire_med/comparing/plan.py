"""Plan: which trainings a comparison is made of, and that its folder holds no others."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from inspire_med.cases.manifest import Manifest
from inspire_med.comparing.exam import Exam
from inspire_med.comparing.job import Job
from inspire_med.comparing.variants import Variant
from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import Protocol
from inspire_med.files import read_json, write_json
from inspire_med.training.recipe import every_option, refuse_difference
from inspire_med.training.request import check_request

REQUEST = "request.json"
TEST = "test-"  # begins the name of each folder of a test set
Fold = int | Literal["all", "none"]
_OF_THE_REQUEST = {"format", "manifest_hash", "variants", "tests"}
_NETWORK = {"network.skip", "network.monai"}
# Places (the manifest is known by its hash), what is each job's own, and what changes no result.
_LEFT_OUT = {
    "run",
    "manifest",
    "store",
    "seed",
    "resume",
    "save_every",
    "save_every_steps",
    "track",
}


@dataclass(frozen=True)
class Plan:
    """A comparison.

    Attributes:
        folder: Where everything goes.
        variants: What is compared, in the order to be shown.
        baseline: Name of the one that the others are tested against.
        seeds: Each network is trained with each of these.
        config: Options of every training, but for what a variant and seed change; with fold `all`
            each network is trained once a fold and validated on it, with `none` once on all.
        manifest: The data set.
        protocol: What the predictions are scored by.
        tests: Test sets, which each network is scored on besides.
    """

    folder: Path
    variants: tuple[Variant, ...]
    baseline: str
    seeds: tuple[int, ...]
    config: TrainConfig
    manifest: Manifest
    protocol: Protocol
    tests: tuple[Exam, ...] = ()

    @property
    def folds(self) -> tuple[Fold, ...]:
        """What is left out of the trainings, one after the other."""
        return self.manifest.folds if self.config.fold == "all" else (self.config.fold,)

    @property
    def exams(self) -> list[str]:
        """Names of what networks are tried on: their own folds, which have none, and test sets."""
        own = [] if self.config.fold == "none" else [""]
        return own + [exam.name for exam in self.tests]

    def jobs(self) -> list[Job]:
        """All there is to do: all networks with a seed before the next seed, so times compare."""
        return [
            self._job(variant, seed, fold, exam)
            for seed in self.seeds
            for fold in self.folds
            for variant in self.variants
            for exam in (*self._own_fold(fold), *self.tests)
        ]

    def _own_fold(self, fold: Fold) -> list[Exam]:
        if not isinstance(fold, int):
            return []
        return [Exam("", self.config.manifest, self.manifest, fold)]

    def _job(self, variant: Variant, seed: int, fold: Fold, exam: Exam) -> Job:
        ending = f"-fold{fold}" if self.config.fold == "all" else ""
        folder = self.folder / variant.folder / f"seed{seed}{ending}"
        config = replace(variant.of(self.config), run=folder / "run", seed=seed, fold=fold)
        place = folder / f"{TEST}{exam.name}" if exam.name else folder
        return Job(variant.name, seed, fold, place, config, exam, self.protocol)


def load_labelled(path: Path) -> Manifest:
    """Read a manifest that networks can be trained on.

    Raises:
        InputError: If no case has a label.
    """
    manifest = Manifest.load(path)
    if not any(case.label for case in manifest.cases):
        raise InputError(f"{path}: no case has a label; give a labelled manifest.")
    return manifest


def check(plan: Plan) -> None:
    """Refuse what can be seen to be wrong before anything is trained.

    Raises:
        InputError: If an option makes no sense for one of the variants, or the baseline is none.
    """
    names = [variant.name for variant in plan.variants]
    if plan.baseline not in names:
        raise InputError(
            f"option --baseline: {plan.baseline!r}, which the others are tested against, is not "
            f"among the variants {', '.join(names)}; add it, or choose one of them."
        )
    _refuse_nothing_scored(plan)
    for variant in plan.variants:
        with variant.at_fault():
            check_request(variant.of(plan.config), plan.config.devices or 1)


def _refuse_nothing_scored(plan: Plan) -> None:
    fold = plan.config.fold
    if fold == "none" and not plan.tests:
        raise InputError(
            "option --fold: none leaves no case to score networks on; give a manifest as --test."
        )
    if fold == "all" and plan.tests:
        raise InputError(
            "option --test: with --fold all a seed has several networks; give --fold none, which "
            "trains on all cases, or one fold."
        )
    if fold != "none" and not plan.manifest.folds:
        raise InputError(
            f"{plan.config.manifest}: no labelled case has a fold, so there is none to compare on; "
            "run prepare with --folds, or give --fold none and --test."
        )
    if isinstance(fold, int):
        plan.manifest.fold(fold)  # refuses one that there is not


def refuse_other_folder(plan: Plan) -> None:
    """Only the same trainings may be added to a folder.

    More variants and seeds may be asked for later, or fewer, or another protocol: what is trained
    is kept.

    Raises:
        InputError: If the folder holds something else, or trainings with other options.
    """
    if plan.folder.is_file():
        raise InputError(f"{plan.folder}: is a file; choose another --run.")
    files = [file.name for file in plan.folder.iterdir()] if plan.folder.exists() else []
    if REQUEST not in files:
        # What is left by a comparison that ended before it could write its request.
        begun = [name for name in files if name == "lock" or name.startswith(".tmp-")]
        if len(files) > len(begun):
            raise InputError(f"{plan.folder}: holds something else; choose another --run.")
        return
    content = read_json(plan.folder / REQUEST)
    if content.get("manifest_hash") != plan.manifest.hash:
        raise InputError(
            f"{plan.folder}: compares on the data set "
            f"{str(content.get('manifest_hash'))[:12]}, but the manifest is "
            f"{plan.manifest.hash[:12]}; use the same manifest or another --run."
        )
    refuse_difference(plan.folder, _alike(content, plan), _alike(plan.config.to_json(), plan))
    tests = content.get("tests", {})
    for exam in plan.tests:
        if tests.get(exam.name, exam.manifest.hash) != exam.manifest.hash:
            raise InputError(
                f"{plan.folder}: was tested on other cases called {exam.name} than those of "
                f"{exam.file}; use the same manifest, or give the file another name."
            )
    known = content.get("variants", {})
    for name, options in _by_folder(plan).items():
        if name in known:
            refuse_difference(
                plan.folder / name, known[name], options, "give the variant another name"
            )


def keep_request(plan: Plan) -> None:
    """Note in the folder what is asked for, beside the variants and tests of earlier requests.

    Raises:
        InputError: As `refuse_other_folder`.
    """
    refuse_other_folder(plan)
    file = plan.folder / REQUEST
    before = read_json(file) if file.exists() else _request(plan)
    named = {
        "variants": before.get("variants", {}) | _by_folder(plan),
        "tests": before.get("tests", {}) | {exam.name: exam.manifest.hash for exam in plan.tests},
    }
    if {**before, **named} != before:
        write_json(file, {**before, **named})


def _request(plan: Plan) -> dict[str, Any]:
    options = {key: value for key, value in plan.config.to_json().items() if key not in _LEFT_OUT}
    return {"format": 1, "manifest_hash": plan.manifest.hash, **options}


def _by_folder(plan: Plan) -> dict[str, dict[str, Any]]:
    """Each variant's own options, in JSON's types, by the name of its folder."""
    own = {variant.folder: variant.options for variant in plan.variants}
    return json.loads(json.dumps(own, default=str))


def _alike(options: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """Of a request's options those that each variant is trained with."""
    free = _LEFT_OUT | _OF_THE_REQUEST
    if all(_NETWORK & {*variant.options} for variant in plan.variants):
        free |= _NETWORK
    shared = {name: value for name, value in options.items() if name not in free}
    return {name: value for name, value in every_option(shared).items() if name not in free}
