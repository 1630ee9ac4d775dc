"""Plan: which trainings a comparison is made of, and that its folder holds no others."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inspire_med.cases.manifest import Manifest
from inspire_med.comparing.job import Job
from inspire_med.comparing.variants import network_of
from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import Protocol
from inspire_med.files import read_json, write_json
from inspire_med.training.experiment import check_request
from inspire_med.training.recipe import refuse_difference

REQUEST = "request.json"
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
        variants: The networks, in the order to be shown.
        baseline: The one that the others are tested against.
        seeds: Each network is trained with each of these.
        config: Options of every training, but for what a variant and seed change; with fold `all`
            each network is trained once a fold and validated on it.
        manifest: The data set.
        protocol: What the predictions are scored by.
    """

    folder: Path
    variants: tuple[str, ...]
    baseline: str
    seeds: tuple[int, ...]
    config: TrainConfig
    manifest: Manifest
    protocol: Protocol

    @property
    def folds(self) -> tuple[int, ...]:
        """The folds that are validated."""
        return self.manifest.folds if self.config.fold == "all" else (self.config.fold,)

    def jobs(self) -> list[Job]:
        """Every training: all networks with a seed before the next seed, so that times compare."""
        return [
            self._job(variant, seed, fold)
            for seed in self.seeds
            for fold in self.folds
            for variant in self.variants
        ]

    def _job(self, variant: str, seed: int, fold: int) -> Job:
        ending = f"-fold{fold}" if self.config.fold == "all" else ""
        folder = self.folder / variant.replace(":", "-") / f"seed{seed}{ending}"
        config = replace(
            self.config,
            run=folder / "run",
            seed=seed,
            fold=fold,
            network=network_of(variant, self.config.network),
        )
        cases = self.manifest.fold(fold)[1]
        return Job(variant, seed, fold, folder, config, cases, self.protocol)


def load_labelled(path: Path) -> Manifest:
    """Read a manifest that networks can be compared on.

    Raises:
        InputError: If no case has a label, or no labelled one a fold.
    """
    manifest = Manifest.load(path)
    if not any(case.label for case in manifest.cases):
        raise InputError(f"{path}: no case has a label; give a labelled manifest.")
    if not manifest.folds:
        raise InputError(
            f"{path}: no labelled case has a fold, so there is none to compare on; run prepare "
            "with --folds."
        )
    return manifest


def check(plan: Plan) -> None:
    """Refuse what can be seen to be wrong before anything is trained.

    Raises:
        InputError: If an option makes no sense for one of the networks, or the baseline is none.
    """
    if plan.baseline not in plan.variants:
        raise InputError(
            f"option --baseline: {plan.baseline!r}, which the others are tested against, is not "
            f"among the variants {', '.join(plan.variants)}; add it, or choose one of them."
        )
    for job in plan.jobs():
        check_request(job.config, job.config.devices or 1)


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
    content, asked = read_json(plan.folder / REQUEST), _request(plan)
    if content.get("manifest_hash") != asked["manifest_hash"]:
        raise InputError(
            f"{plan.folder}: compares on the data set "
            f"{str(content.get('manifest_hash'))[:12]}, but the manifest is "
            f"{plan.manifest.hash[:12]}; use the same manifest or another --run."
        )
    refuse_difference(plan.folder, content, asked)


def keep_request(plan: Plan) -> None:
    """Note in the folder what is asked for, the first time.

    Raises:
        InputError: As `refuse_other_folder`.
    """
    refuse_other_folder(plan)
    if not (plan.folder / REQUEST).exists():
        write_json(plan.folder / REQUEST, _request(plan))


def _request(plan: Plan) -> dict[str, Any]:
    options = {key: value for key, value in plan.config.to_json().items() if key not in _LEFT_OUT}
    options["network"] = {k: v for k, v in options["network"].items() if k not in ("skip", "monai")}
    return {"format": 1, "manifest_hash": plan.manifest.hash, **options}
