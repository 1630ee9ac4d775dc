import json
from dataclasses import replace

import pytest

from inspire_med.comparing.exam import load_tests
from inspire_med.comparing.plan import check, keep_request, load_labelled
from inspire_med.comparing.variants import Variant, parse_names
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
    other = replace(plan, variants=parse_names("concat,monai:SegResNet"))

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


def test_names_the_variant_whose_options_make_no_sense(plan, tmp_path):
    odd = Variant("odd", {"optimizer.lr": -1.0}, tmp_path / "v.yaml")

    with pytest.raises(InputError, match=r"v.yaml: variant odd: --optimizer.lr: -1.0 makes no"):
        check(replace(plan, variants=(*plan.variants, odd)))


@pytest.mark.parametrize(
    ("left_out", "sentence"),
    [("label", "no case has a label"), ("fold", "no labelled case has a fold")],
)
def test_refuses_a_manifest_that_nothing_can_be_scored_on(
    plan, tmp_path, disc_images, left_out, sentence
):
    content = json.loads(disc_images.read_text())
    for case in content["cases"]:
        case[left_out] = None
    del content["hash"]
    (tmp_path / "manifest.json").write_text(json.dumps(content))

    with pytest.raises(InputError, match=sentence):
        check(replace(plan, manifest=load_labelled(tmp_path / "manifest.json")))


@pytest.fixture
def tested(plan, other_discs):
    """Trained on all the discs, tested on the others."""
    tests = load_tests([other_discs], plan.manifest)
    return replace(plan, config=replace(plan.config, fold="none"), tests=tests)


def test_a_test_set_is_scored_by_networks_of_all_cases(plan, tested):
    assert names(tested)[:2] == ["concat/seed0/others", "inspire/seed0/others"]
    job = tested.jobs()[0]
    assert job.run == plan.folder / "concat" / "seed0" / "run"
    assert job.folder == plan.folder / "concat" / "seed0" / "test-others"
    assert job.config.fold == "none"
    assert tested.exams == ["others"]


def test_one_training_serves_its_fold_and_the_test_set(plan, tested):
    both = replace(tested, config=plan.config)

    assert both.exams == ["", "others"]
    assert names(both)[:2] == ["concat/seed0", "concat/seed0/others"]
    fold, test, *_ = both.jobs()
    assert fold.run == test.run
    assert fold.config == test.config


@pytest.mark.parametrize(
    ("fold", "tests", "sentence"),
    [
        ("none", (), "option --fold: none leaves no case to score networks on; give a manifest"),
        ("all", None, "option --test: with --fold all a seed has several networks"),
    ],
)
def test_refuses_a_fold_that_does_not_go_with_tests(plan, tested, fold, tests, sentence):
    config = replace(plan.config, fold=fold)

    with pytest.raises(InputError, match=sentence):
        check(replace(tested, config=config, tests=tested.tests if tests is None else tests))


def test_test_sets_are_remembered_by_what_they_hold(tested):
    keep_request(replace(tested, tests=()))
    keep_request(tested)
    (exam,) = tested.tests
    fewer = replace(exam, manifest=replace(exam.manifest, cases=exam.cases[:3]))

    with pytest.raises(InputError, match="was tested on other cases called others than those of"):
        keep_request(replace(tested, tests=(fewer,)))


def test_the_folder_goes_on_with_the_same_options(plan):
    keep_request(plan)

    oftener = replace(plan.config, save_every=1.0, track=("mlflow",), run=plan.folder / "x")
    keep_request(replace(plan, config=oftener))
    more = replace(
        plan, variants=parse_names("concat,ise,monai:VNet"), seeds=(0, 1, 2), baseline="ise"
    )
    keep_request(more)
    keep_request(replace(plan, protocol=replace(protocol("segmentation"), name="another")))


def test_variants_are_remembered_and_more_may_come(plan, tmp_path):
    file = tmp_path / "v.yaml"
    keep_request(replace(plan, variants=parse_names("concat,monai:VNet")))
    later = (
        Variant("wide", {"network.widths": (8, 16)}, file),
        Variant("concat", {"network.skip": "concat", "network.monai_arguments": {}}),
    )
    keep_request(replace(plan, variants=later))

    record = json.loads((plan.folder / "request.json").read_text())
    assert record["variants"] == {
        "concat": {"network.skip": "concat", "network.monai_arguments": {}},
        "monai-VNet": {"network.monai": "VNet"},
        "wide": {"network.widths": [8, 16]},
    }
    changed = (Variant("wide", {"network.widths": (8, 12)}, file), later[1])
    with pytest.raises(InputError, match=r"wide: was .* \[8, 16\], but \[8, 12\] .* another name"):
        keep_request(replace(plan, variants=changed))


def test_the_skip_for_all_is_remembered_where_a_variant_leaves_it(plan):
    wide = Variant("wide", {"network.widths": (8, 16)})
    keep_request(replace(plan, variants=(wide, *plan.variants)))
    other = replace(plan.config, network=replace(plan.config.network, skip="isa"))

    keep_request(replace(plan, config=other))  # concat and inspire have their own

    with pytest.raises(InputError, match=r"network.skip = inspire, but isa is asked for"):
        keep_request(replace(plan, config=other, variants=(wide, *plan.variants)))


def test_an_option_that_came_later_had_its_default(plan):
    keep_request(plan)
    file = plan.folder / "request.json"
    older = json.loads(file.read_text())
    del older["optimizer"]["ema"], older["variants"]
    file.write_text(json.dumps(older))

    keep_request(plan)

    averaged = replace(plan.config, optimizer=replace(plan.config.optimizer, ema=0.9))
    with pytest.raises(InputError, match=r"optimizer.ema = None, but 0.9 is asked for"):
        keep_request(replace(plan, config=averaged))


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
