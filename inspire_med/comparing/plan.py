"""Plan: which trainings a comparison is made of."""

from dataclasses import dataclass, replace
from pathlib import Path

from inspire_med.cases.case import Manifest
from inspire_med.comparing.job import Job
from inspire_med.comparing.variants import network_of
from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import Protocol
from inspire_med.training.experiment import check_request


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
        return tuple(_folds(self.manifest)) if self.config.fold == "all" else (self.config.fold,)

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
    if not _folds(manifest):
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


def _folds(manifest: Manifest) -> list[int]:
    labelled = (case for case in manifest.cases if case.label is not None)
    return sorted({case.fold for case in labelled if case.fold is not None})
