"""Schedule: which trainings a comparison is made of, and whether they make sense."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from inspire_med.cases.manifest import Manifest
from inspire_med.cases.planning.plan import Plan
from inspire_med.comparing.exam import Exam, refuse_absent_files
from inspire_med.comparing.job import Job
from inspire_med.comparing.variants import Variant
from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import Protocol
from inspire_med.training.first_weights import check_first_weights
from inspire_med.training.initial_checks import refuse_seen, refuse_unfit
from inspire_med.training.request import check_request

_TEST = "test-"  # begins the name of each folder of a test set
Fold = int | Literal["each", "all", "none"]


@dataclass(frozen=True)
class Schedule:
    """A comparison.

    Attributes:
        folder: Where everything goes.
        variants: What is compared, in the order to be shown.
        baseline: Name of the one that the others are tested against.
        seeds: Each network is trained with each of these.
        config: Options of every training, but for what a variant and seed change; with fold `each`
            each network is trained once a fold and validated on it, with `none` once on all.
        manifest: The data set.
        protocol: What the predictions are scored by.
        tests: Test sets, which each network is scored on besides.
        sizes: Plan of sizes that all trainings go by, in `config` already; None if there is none.
    """

    folder: Path
    variants: tuple[Variant, ...]
    baseline: str
    seeds: tuple[int, ...]
    config: TrainConfig
    manifest: Manifest
    protocol: Protocol
    tests: tuple[Exam, ...] = ()
    sizes: Plan | None = None

    @property
    def folds(self) -> tuple[Fold, ...]:
        """What is left out of the trainings, one after the other."""
        return self.manifest.folds if self.config.fold == "each" else (self.config.fold,)

    @property
    def exams(self) -> list[str]:
        """Names of what networks are tried on: their own folds, which have none, and test sets."""
        own = [] if self.config.fold == "none" else [""]
        return own + [exam.name for exam in self.tests]

    def page_folder(self, exam: str) -> Path:
        """Where the page of an exam and its files lie."""
        return self.folder / f"{_TEST}{exam}" if exam else self.folder

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
        ending = f"-fold{fold}" if self.config.fold == "each" else ""
        folder = self.folder / variant.folder / f"seed{seed}{ending}"
        config = replace(variant.of(self.config), run=folder / "run", seed=seed, fold=fold)
        place = folder / f"{_TEST}{exam.name}" if exam.name else folder
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


def check(schedule: Schedule) -> None:
    """Refuse what can be seen to be wrong before anything is trained.

    Raises:
        InputError: If an option makes no sense for one of the variants, the first weights or the
            model of one will not do, or the baseline is none.
    """
    names = [variant.name for variant in schedule.variants]
    if schedule.baseline not in names:
        raise InputError(
            f"option --baseline: {schedule.baseline!r}, which the others are tested against, is "
            f"not among the variants {', '.join(names)}; add it, or choose one of them."
        )
    _refuse_nothing_scored(schedule)
    own = () if schedule.config.fold == "none" else schedule.manifest.cases
    refuse_absent_files((*own, *(case for exam in schedule.tests for case in exam.cases)))
    for variant in schedule.variants:
        with variant.at_fault():
            config = variant.of(schedule.config)
            check_request(config, schedule.config.devices or 1)
            check_first_weights(config.network, schedule.manifest)
            for job in schedule.jobs():
                if job.variant == variant.name:
                    refuse_unfit(job.config, schedule.manifest)
                    refuse_seen(job.config, job.exam.manifest.hash, job.exam.fold)


def _refuse_nothing_scored(schedule: Schedule) -> None:
    fold = schedule.config.fold
    if fold == "all":
        raise InputError(
            "option --fold: `all` trains on every case and leaves none to compare on; `each` "
            "leaves out one fold after the other."
        )
    if fold == "none" and not schedule.tests:
        raise InputError(
            "option --fold: none leaves no case to score networks on; give a manifest as --test."
        )
    if fold == "each" and schedule.tests:
        raise InputError(
            "option --test: with --fold each a seed has several networks; give --fold none, which "
            "trains on all cases, or one fold."
        )
    if fold != "none" and not schedule.manifest.folds:
        raise InputError(
            f"{schedule.config.manifest}: no labelled case has a fold, so there is none to compare "
            "on; run prepare with --folds, or give --fold none and --test."
        )
    if isinstance(fold, int):
        schedule.manifest.fold(fold)  # refuses one that there is not
