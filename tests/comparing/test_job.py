import json
import shutil
from dataclasses import replace

import pytest
import yaml

from inspire_med.comparing.job import (
    JobError,
    do,
    inference_s,
    is_done,
    is_predicted,
    is_trained,
)
from inspire_med.comparing.progress import Failure, time_left, work_through
from inspire_med.evaluation.protocols import protocol
from inspire_med.training.state import Progress


class Stage:
    """Stands for `Child`: every command leaves what it should, and is noted."""

    def __init__(self, finish, fails=()):
        self.calls = []
        self.jobs = {}
        self._finish = finish
        self._fails = fails

    def run(self, words, log, *, aloud):
        self.calls.append((words[0], log.parent.name))
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("it went\nbadly\n")
        for command, status in self._fails:
            if command == words[0]:
                return status
        self._finish(self.jobs[log], 0.5)
        return 0


@pytest.fixture
def job(schedule):
    return schedule.jobs()[0]


@pytest.fixture
def stage(job, finish):
    stage = Stage(finish)
    stage.jobs[job.log] = job
    return stage


@pytest.mark.parametrize(
    ("progress", "done"),
    [
        (None, False),
        (Progress(step=3, validations=1), False),
        (Progress(step=4, validations=0), False),  # a signal broke the last validation off
        (Progress(step=4, validations=1), True),
        (Progress(step=4, validations=1, extra_steps=2), False),
    ],
)
def test_a_training_is_done_when_budget_and_validations_are(job, trained, progress, done):
    if progress is not None:
        trained[job.run] = progress

    assert is_trained(job) == done


def test_without_validation_cases_the_budget_alone_ends_a_training(job, trained):
    job = replace(job, config=replace(job.config, fold="none"))
    trained[job.run] = Progress(step=4, validations=0)

    assert is_trained(job)


def test_a_training_by_time_is_done_when_no_validation_fits_any_more(job, trained):
    job = replace(job, config=replace(job.config, max_steps=None, max_time="100s"))
    trained[job.run] = Progress(step=9, elapsed_s=95.0, validation_s=5.0, validations=1)

    assert is_trained(job)


def test_a_finished_job_is_left_alone(job, stage, finish):
    finish(job, 0.5)

    do(job, stage, None)

    assert is_done(job)
    assert stage.calls == []


@pytest.mark.parametrize("lost", ["scores", "scores/scores.csv", "scores/scores.json"])
def test_only_what_is_missing_is_done_again(job, stage, finish, lost):
    finish(job, 0.5)
    target = job.folder / lost
    shutil.rmtree(target) if target.is_dir() else target.unlink()

    do(job, stage, None)

    assert [command for command, _ in stage.calls] == ["evaluate"]


def test_scores_of_masks_that_are_made_again_go_first(job, finish, trained):
    finish(job, 0.5)
    (job.predictions / f"{job.cases[-1].id}.png").unlink()
    stage = Stage(finish, fails=[("predict", 1)])

    with pytest.raises(JobError):
        do(job, stage, None)

    assert stage.calls == [("predict", "seed0")]
    assert not job.scores.exists()


def test_all_that_stands_on_a_training_goes_before_it(job, finish, trained):
    finish(job, 0.5)
    del trained[job.run]

    with pytest.raises(JobError):
        do(job, Stage(finish, fails=[("train", 1)]), None)

    assert {path.name for path in job.folder.iterdir()} == {"run", "train.yaml", "log.txt"}


def test_scores_of_another_protocol_are_made_again(job, stage, finish):
    finish(job, 0.5)
    (job.scores / "scores.json").write_text(json.dumps({"protocol": "another", "summary": {}}))

    do(job, stage, None)

    assert [command for command, _ in stage.calls] == ["evaluate"]


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (0, "concat/seed0: train ended before it was done"),
        (2, "concat/seed0: train failed with status 2: badly"),
        (-9, r"concat/seed0: train was killed by signal 9 \(out of memory\?\)"),
        (-11, "concat/seed0: train was killed by signal 11 "),
    ],
)
def test_a_failure_names_job_command_and_log(job, finish, status, sentence):
    with pytest.raises(JobError, match=rf"{sentence}.*log: .*seed0/log.txt\)"):
        do(job, Stage(finish, fails=[("train", status)]), None)


@pytest.mark.parametrize(("asked", "written"), [("auto", "bf16-mixed"), ("32-true", "32-true")])
def test_all_trainings_take_the_precision_of_the_first(job, stage, asked, written):
    job = replace(job, config=replace(job.config, precision=asked))

    do(job, stage, "bf16-mixed")

    options = yaml.safe_load((job.folder / "train.yaml").read_text())
    assert options["precision"] == written
    assert options["seed"] == 0
    assert options["network"]["skip"] == "concat"


def test_maps_are_wanted_where_maps_are_scored(job, finish):
    finish(job, 0.5)

    assert is_predicted(job)
    assert not is_predicted(replace(job, protocol=protocol("polyp-pranet")))


def test_one_failure_does_not_lose_the_others(schedule, monkeypatch, finish):
    jobs = schedule.jobs()
    finish(jobs[0], 0.5)
    told = []

    class Failing(Stage):
        def __init__(self, signals, say):
            super().__init__(finish)
            self.jobs = {job.log: job for job in jobs}

        def run(self, words, log, *, aloud):
            if log == jobs[1].log:
                log.write_text("no room\n")
                return 1
            return super().run(words, log, aloud=aloud)

    monkeypatch.setattr("inspire_med.comparing.progress.Child", Failing)

    failed = work_through(schedule.jobs(), None, told.append)

    (failure,) = failed
    said = f"inspire/seed0: train failed with status 1: no room (log: {jobs[1].log})"
    assert (failure.job, failure.sentence) == (jobs[1], said)
    assert [is_done(job) for job in jobs] == [True, False, True, True]
    assert told[0] == "1 of 4 jobs are done already"
    assert told[1].startswith("[2/4] inspire/seed0, time left: about 3 min")


def test_a_failure_concerns_its_own_exam_unless_a_training_is_missing(schedule, tested, finish):
    fold, test = replace(tested, config=schedule.config).jobs()[:2]

    assert [Failure(test, "why").concerns(exam) for exam in ("", "others")] == [True, True]
    finish(fold, 0.5)
    assert [Failure(test, "why").concerns(exam) for exam in ("", "others")] == [False, True]
    assert [Failure(fold, "why").concerns(exam) for exam in ("", "others")] == [True, False]


def test_the_outlook_goes_by_the_same_network_then_by_all(schedule, finish, trained):
    jobs = schedule.jobs()
    assert time_left(jobs, jobs) == "time left: known after the first training"
    finish(jobs[0], 0.5)
    trained[jobs[0].run] = Progress(elapsed_s=600.0)
    finish(jobs[1], 0.5)
    trained[jobs[1].run] = Progress(elapsed_s=1200.0)
    trained[jobs[2].run] = Progress(elapsed_s=300.0)  # half of it was done before a stop

    assert time_left(jobs, jobs[2:]) == "time left: about 25 min"


def test_the_outlook_goes_by_the_budget_before_anything_is_done(schedule):
    limited = replace(schedule, config=replace(schedule.config, max_steps=None, max_time="1h"))

    assert time_left(limited.jobs(), limited.jobs()) == "time left: about 4 h 00 min"


def test_seconds_of_predictions_that_an_earlier_version_recorded_are_known(schedule, finish):
    job = schedule.jobs()[0]
    finish(job, 0.5)
    assert set(inference_s(job).values()) == {0.25}

    job.record.write_text(json.dumps({"format": 1, "seconds": {"disc0": 1.5}}))

    assert inference_s(job) == {"disc0": 1.5}
