"""Outcome: what the jobs of a comparison came to, as data for its page and its files."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from inspire_med.comparing.costs import Effort, Size, effort_of, facts_of
from inspire_med.comparing.job import Job, is_done
from inspire_med.comparing.notes import notes_on
from inspire_med.comparing.schedule import Schedule
from inspire_med.comparing.scores import (
    Spread,
    mean_over_seeds,
    scores_of,
    spreads,
    whole_set_means,
)
from inspire_med.comparing.variants import words_on
from inspire_med.errors import InputError
from inspire_med.evaluation.measures.measure import Measure, in_pixels
from inspire_med.evaluation.scores import Summaries, summarise_scores
from inspire_med.evaluation.statistics.summary import patients_note
from inspire_med.files import read_json
from inspire_med.reports.comparison import Comparison, comparison_json
from inspire_med.training.budget import budget_of
from inspire_med.training.checkpoint import precision_of_run
from inspire_med.wording import counted

_COSTS = (
    "Costs: the forward pass is that of one training patch, two operations a multiplication, of "
    "convolutions and matrix products alone; a step is the median one with its wait for data; "
    "memory is the training process's peak, of the GPU where there is one; inference is the median "
    "from reading a case to its mask. Seconds are of one machine: read their ratios."
)


@dataclass(frozen=True)
class Outcome:
    """A comparison with what its networks cost.

    Attributes:
        comparison: Each case's mean over seeds, with tests against the baseline.
        scores: Of all its jobs, a row a method, seed, fold, case, region and measure.
        sizes: Of each variant.
        efforts: Of each variant.
        spreads: `spreads[variant][region][measure]`, from seed to seed.
    """

    comparison: Comparison
    scores: pd.DataFrame
    sizes: Mapping[str, Size]
    efforts: Mapping[str, Effort]
    spreads: Mapping[str, Mapping[str, Mapping[str, Spread]]]

    def to_json(self) -> dict[str, Any]:
        """The content of comparison.json."""
        variants = {
            variant: {**asdict(self.sizes[variant]), **asdict(self.efforts[variant])}
            for variant in self.efforts
        }
        seeds = {
            variant: {
                region: {measure: asdict(each) for measure, each in measures.items()}
                for region, measures in regions.items()
            }
            for variant, regions in self.spreads.items()
        }
        shown = comparison_json(self.comparison)
        return {"format": 1, **shown, "costs": variants, "seeds": seeds}


def bring_together(
    schedule: Schedule, sizes: Mapping[str, Size], failed: Sequence[str], exam: str = ""
) -> Outcome:
    """Compare the networks all of whose jobs are done, on one of the schedule's exams.

    Args:
        schedule: The comparison.
        sizes: Of each variant.
        failed: What failed of this exam, a sentence each.
        exam: Name of the test set; empty for the folds.

    Raises:
        InputError: If there are no two such networks, or the baseline is none of them.
    """
    names = [variant.name for variant in schedule.variants]
    asked = [job for job in schedule.jobs() if job.exam.name == exam]
    jobs = {name: [job for job in asked if job.variant == name] for name in names}
    jobs = {name: own for name, own in jobs.items() if all(map(is_done, own))}
    if len(jobs) < 2 or schedule.baseline not in jobs:
        raise InputError(
            f"{schedule.page_folder(exam)}: nothing to compare yet, "
            f"{counted(len(failed), 'job')} failed, "
            f"first {failed[0]}; mend the cause and give the same command again."
        )
    used = [job for own in jobs.values() for job in own]
    scores = scores_of(used)
    means = mean_over_seeds(scores)
    measures = _measures(schedule, means[means["method"] == schedule.baseline])
    by_method = dict(iter(scores.groupby("method")))
    spread = {name: spreads(by_method[name]) for name in jobs}
    efforts = {name: effort_of(own) for name, own in jobs.items()}
    comparison = Comparison(
        protocol=schedule.protocol,
        measures=measures,
        scores=means,
        summaries={
            name: _summaries(means[means["method"] == name], whole_set_means(own, by_method[name]))
            for name, own in jobs.items()
        },
        baseline=schedule.baseline,
        notes=_notes(schedule, used, failed),
        provenance=_provenance(schedule, used),
        facts={
            name: {
                **_own_options(schedule, name),
                **facts_of(sizes[name], efforts[name]),
                **_by_seed_facts(spread[name], measures),
            }
            for name in jobs
        },
        by_seed=scores,
    )
    return Outcome(comparison, scores, sizes, efforts, spread)


def _measures(schedule: Schedule, scores: pd.DataFrame) -> dict[str, Measure]:
    """The protocol's measures as they read for this set, those that have a value a case first."""
    words = dict(schedule.protocol.measures)
    if schedule.manifest.task.spatial_dims == 2:
        words = in_pixels(words)
    found = {*scores["measure"]}
    return {name: words[name] for name in sorted(words, key=lambda name: name not in found)}


def _summaries(scores: pd.DataFrame, whole: Summaries) -> Summaries:
    return {
        region: {**measures, **whole.get(region, {})}
        for region, measures in summarise_scores(scores).items()
    }


def _own_options(schedule: Schedule, name: str) -> dict[str, str]:
    """What a variant changes, in words, where names do not say it."""
    if all(variant.file is None for variant in schedule.variants):
        return {}
    own = next(variant.options for variant in schedule.variants if variant.name == name)
    words = "; ".join(f"{option} {json.dumps(value, default=str)}" for option, value in own.items())
    return {"Options": words or "none of its own"}


def _by_seed_facts(
    spreads: Mapping[str, Mapping[str, Spread]], measures: Mapping[str, Measure]
) -> dict[str, str]:
    """The first measure of each region, seed by seed, in words."""
    facts: dict[str, str] = {}
    for region, found in spreads.items():
        name = next(name for name in measures if name in found)
        each, measure = found[name], measures[name]
        seeds = ", ".join(measure.written(mean) for mean in each.by_seed.values())
        deviation = "" if each.sd is None else f" (SD {each.sd:.2g})"
        facts[f"{measure.title} of {region} by seed"] = seeds + deviation
    return facts


def _notes(schedule: Schedule, jobs: Sequence[Job], failed: Sequence[str]) -> list[str]:
    seeds, exam = len(schedule.seeds), jobs[0].exam
    notes = [
        f"Each case's value is its mean over {seeds} seeds, undefined where it is undefined with "
        "any of them. Intervals and tests are over cases: they say what other cases like these "
        "would show of these trained networks; the spread over seeds says what training again "
        "would change."
        if seeds > 1
        else f"One training each, with seed {schedule.seeds[0]}: what training again would change "
        "is not seen, and may be more than the differences shown."
    ]
    if exam.name:
        notes += [_on_training(schedule), *exam.leaks]
    elif schedule.config.validations > 1:
        notes.append(
            f"Each network predicts with the best of {schedule.config.validations} checkpoints by "
            "Dice on the very cases that are scored: a little too good, for all alike. With "
            "--validations 1 it is the last."
        )
    notes += exam.manifest.notes
    if not schedule.protocol.of_videos:
        patients = {case.id: case.patient for job in jobs for case in job.cases}
        notes += filter(None, [patients_note(patients)])
    notes += [*words_on(schedule.variants, schedule.config), _COSTS]
    notes += [f"Failed: {sentence}" for sentence in failed]
    shown = {job.variant for job in jobs}
    absent = [each.name for each in schedule.variants if each.name not in shown]
    if absent:
        notes.append(f"Left out, not all of their trainings being done: {', '.join(absent)}.")
    return [*notes, *notes_on(jobs)]


def _on_training(schedule: Schedule) -> str:
    """What networks that are tried on a test set have seen of the manifest."""
    if schedule.config.fold == "none":
        return "Trained on every labelled case of the manifest; the last checkpoint predicts."
    fold, count = schedule.config.fold, schedule.config.validations
    chosen = f"on which the best of {count} checkpoints was chosen"
    return (
        f"Trained on all folds of the manifest but {fold}, "
        f"{chosen if count > 1 else 'and the last checkpoint predicts'}."
    )


def _provenance(schedule: Schedule, jobs: Sequence[Job]) -> dict[str, str]:
    budget = budget_of(schedule.config)
    limits = [counted(budget.max_steps, "step")] if budget.max_steps is not None else []
    limits += [] if schedule.config.max_time is None else [schedule.config.max_time]
    sessions = [each for job in jobs for each in read_json(job.run / "run.json")["sessions"]]
    precisions = {precision_of_run(job.run / "checkpoints") for job in jobs}
    exam = jobs[0].exam
    test = {"Test set": str(exam.file), "Test set's hash": exam.manifest.hash} if exam.name else {}
    return {
        **test,
        "Manifest": str(schedule.config.manifest),
        "Manifest hash": schedule.manifest.hash,
        "Folds": ", ".join(map(str, schedule.folds)),
        "Seeds": ", ".join(map(str, schedule.seeds)),
        "Budget of each training": " or ".join(limits),
        "Precision": ", ".join(sorted(filter(None, precisions))),
        "Commit": _each_once(str(session["commit"]) for session in sessions),
        "torch": _each_once(session["versions"]["torch"] for session in sessions),
        "MONAI": _each_once(session["versions"]["monai"] for session in sessions),
        "Machine": _each_once(session["machine"]["platform"] for session in sessions),
        "Folder": str(schedule.folder),
    }


def _each_once(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))
