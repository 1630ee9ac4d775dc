import json
from dataclasses import replace

import pytest

from inspire_med.comparing.plan import check, keep_request, load_labelled
from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import protocol


def names(plan):
    return [job.name for job in plan.jobs()]


def test_every_network_has_a_seed_before_the_next_seed_comes(plan):
    assert names(plan) == ["concat/seed0", "inspire/seed0", "concat/seed1", "inspire/seed1"]


def test_all_folds_are_as_many_trainings_with_their_own_cases(plan):
    whole = replace(plan, config=replace(plan.config, fold="all"), seeds=(5,))

    assert names(whole)[:2] == ["concat/seed5-fold0", "inspire/seed5-fold0"]
    jobs = [job for job in whole.jobs() if job.variant == "concat"]
    assert [job.config.fold for job in jobs] == [0, 1]
    cases = [case.id for job in jobs for case in job.cases]
    assert sorted(cases) == [case.id for case in whole.manifest.cases]


def test_jobs_differ_in_seed_run_and_network_alone(plan):
    first, other, *_ = plan.jobs()

    same = replace(other.config, run=first.config.run, network=first.config.network)
    assert same == first.config
    assert (first.config.network.skip, other.config.network.skip) == ("concat", "inspire")
    assert replace(other.config.network, skip="concat") == first.config.network


def test_a_network_of_monais_has_a_folder_that_any_system_can_name(plan):
    other = replace(plan, variants=("concat", "monai:SegResNet"))

    assert other.jobs()[1].folder == plan.folder / "monai-SegResNet" / "seed0"


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
def test_refuses_what_cannot_be_compared(plan, change, sentence):
    if "config" in change:
        change = {"config": replace(plan.config, **change["config"])}
    with pytest.raises(InputError, match=sentence):
        check(replace(plan, **change))


@pytest.mark.parametrize(
    ("left_out", "sentence"),
    [("label", "no case has a label"), ("fold", "no labelled case has a fold")],
)
def test_refuses_a_manifest_that_nothing_can_be_scored_on(
    tmp_path, disc_images, left_out, sentence
):
    content = json.loads(disc_images.read_text())
    for case in content["cases"]:
        case[left_out] = None
    del content["hash"]
    (tmp_path / "manifest.json").write_text(json.dumps(content))

    with pytest.raises(InputError, match=sentence):
        load_labelled(tmp_path / "manifest.json")


def test_the_folder_goes_on_with_the_same_options(plan):
    keep_request(plan)

    oftener = replace(plan.config, save_every=1.0, track=("mlflow",), run=plan.folder / "x")
    keep_request(replace(plan, config=oftener))
    more = replace(plan, variants=("concat", "ise", "monai:VNet"), seeds=(0, 1, 2), baseline="ise")
    keep_request(more)
    keep_request(replace(plan, protocol=replace(protocol("segmentation"), name="another")))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"max_steps": 5}, "trained with max_steps = 4, but 5 is asked for; use the same options"),
        ({"fold": "all"}, "trained with fold = 0, but all is asked for"),
        ({"precision": "32-true"}, "trained with precision = auto, but 32-true"),
    ],
)
def test_refuses_another_request_for_a_folder(plan, change, sentence):
    keep_request(plan)

    with pytest.raises(InputError, match=f"{plan.folder}: was {sentence}"):
        keep_request(replace(plan, config=replace(plan.config, **change)))


def test_refuses_a_nested_option_that_is_another(plan):
    keep_request(plan)
    wider = replace(plan.config, network=replace(plan.config.network, widths=(8, 16)))

    with pytest.raises(InputError, match=r"network.widths = \[4, 8\], but \[8, 16\] is asked for"):
        keep_request(replace(plan, config=wider))


def test_refuses_another_data_set(plan):
    keep_request(plan)

    with pytest.raises(InputError, match="compares on the data set .* the manifest is .* another"):
        keep_request(replace(plan, manifest=replace(plan.manifest, register=True)))


def test_refuses_a_folder_of_something_else(plan):
    plan.folder.mkdir()
    (plan.folder / "thesis.tex").touch()

    with pytest.raises(InputError, match="holds something else; choose another --run"):
        keep_request(plan)


def test_refuses_a_file_for_a_folder(plan):
    plan.folder.touch()

    with pytest.raises(InputError, match="is a file; choose another --run"):
        keep_request(plan)
