import json
from dataclasses import replace

import pytest
import yaml

from inspire_med.comparing.folder import keep_request, refuse_foreign_folder
from inspire_med.comparing.variants import Variant, parse_names
from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import protocol


def test_test_sets_are_remembered_by_what_they_hold(tested):
    keep_request(replace(tested, tests=()))
    keep_request(tested)
    (exam,) = tested.tests
    fewer = replace(exam, manifest=replace(exam.manifest, cases=exam.cases[:3]))

    with pytest.raises(InputError, match="was tested on other cases called others than those of"):
        keep_request(replace(tested, tests=(fewer,)))


def test_the_folder_goes_on_with_the_same_options(schedule):
    keep_request(schedule)

    oftener = replace(schedule.config, save_every=1.0, track=("mlflow",), run=schedule.folder / "x")
    keep_request(replace(schedule, config=oftener))
    more = replace(
        schedule, variants=parse_names("concat,ise,monai:VNet"), seeds=(0, 1, 2), baseline="ise"
    )
    keep_request(more)
    keep_request(replace(schedule, protocol=replace(protocol("segmentation"), name="another")))


def test_variants_are_remembered_and_more_may_come(schedule, tmp_path):
    file = tmp_path / "v.yaml"
    keep_request(replace(schedule, variants=parse_names("concat,monai:VNet")))
    later = (
        Variant("wide", {"network.widths": (8, 16)}, file),
        Variant("concat", {"network.skip": "concat", "network.monai_arguments": {}}),
    )
    keep_request(replace(schedule, variants=later))

    record = json.loads((schedule.folder / "request.json").read_text())
    assert record["variants"] == {
        "concat": {"network.skip": "concat", "network.monai_arguments": {}},
        "monai-VNet": {"network.monai": "VNet"},
        "wide": {"network.widths": [8, 16]},
    }
    changed = (Variant("wide", {"network.widths": (8, 12)}, file), later[1])
    with pytest.raises(InputError, match=r"wide: was .* \[8, 16\], but \[8, 12\] .* another name"):
        keep_request(replace(schedule, variants=changed))


def test_the_skip_for_all_is_remembered_where_a_variant_leaves_it(schedule):
    wide = Variant("wide", {"network.widths": (8, 16)})
    keep_request(replace(schedule, variants=(wide, *schedule.variants)))
    other = replace(schedule.config, network=replace(schedule.config.network, skip="isa"))

    keep_request(replace(schedule, config=other))  # concat and inspire have their own

    with pytest.raises(InputError, match=r"network.skip = inspire, but isa is asked for"):
        keep_request(replace(schedule, config=other, variants=(wide, *schedule.variants)))


def test_an_option_that_came_later_had_its_default(schedule):
    keep_request(schedule)
    file = schedule.folder / "request.json"
    older = json.loads(file.read_text())
    del older["optimizer"]["ema"], older["variants"]
    file.write_text(json.dumps(older))

    keep_request(schedule)

    averaged = replace(schedule.config, optimizer=replace(schedule.config.optimizer, ema=0.9))
    with pytest.raises(InputError, match=r"optimizer.ema = None, but 0.9 is asked for"):
        keep_request(replace(schedule, config=averaged))


def test_each_fold_was_called_all(schedule):
    whole = replace(schedule, config=replace(schedule.config, fold="each"))
    keep_request(whole)
    file = schedule.folder / "request.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"fold": "all"}))

    keep_request(whole)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"max_steps": 5}, "trained with max_steps = 4, but 5 is asked for; use the same options"),
        ({"fold": "each"}, "trained with fold = 0, but each is asked for"),
        ({"precision": "32-true"}, "trained with precision = auto, but 32-true"),
    ],
)
def test_refuses_another_request_for_a_folder(schedule, change, sentence):
    keep_request(schedule)

    with pytest.raises(InputError, match=f"{schedule.folder}: was {sentence}"):
        keep_request(replace(schedule, config=replace(schedule.config, **change)))


def test_refuses_a_nested_option_that_is_another(schedule):
    keep_request(schedule)
    wider = replace(schedule.config, network=replace(schedule.config.network, widths=(8, 16)))

    with pytest.raises(InputError, match=r"network.widths = \[4, 8\], but \[8, 16\] is asked for"):
        keep_request(replace(schedule, config=wider))


def test_refuses_another_data_set(schedule):
    keep_request(schedule)

    with pytest.raises(InputError, match="compares on the data set .* the manifest is .* another"):
        keep_request(replace(schedule, manifest=replace(schedule.manifest, register=True)))


def test_refuses_a_folder_of_something_else(schedule):
    schedule.folder.mkdir()
    (schedule.folder / "thesis.tex").touch()

    with pytest.raises(InputError, match="holds something else; choose another --run"):
        refuse_foreign_folder(schedule.folder)


def test_refuses_a_file_for_a_folder(schedule):
    schedule.folder.touch()

    with pytest.raises(InputError, match="is a file; choose another --run"):
        refuse_foreign_folder(schedule.folder)


@pytest.fixture
def begun(schedule):
    """The folder of a comparison from before variants had names in its request, and its run."""
    keep_request(schedule)
    file = schedule.folder / "request.json"
    request = json.loads(file.read_text())
    del request["variants"]
    file.write_text(json.dumps(request))
    job = schedule.jobs()[0]
    job.run.mkdir(parents=True)
    options = job.config.to_json() | {"precision": "bf16-mixed"}  # what was chosen by a trial
    (job.run / "config.yaml").write_text(yaml.safe_dump(options))
    return job.run


def test_a_run_that_no_request_names_is_known_by_its_own_options(schedule, begun, tmp_path):
    concat, inspire = schedule.variants
    other = Variant("concat", {**concat.options, "optimizer.lr": 0.5}, tmp_path / "v.yaml")

    sentence = r"config.yaml: was trained with optimizer.lr = 0.001, but 0.5 is .* another name"
    with pytest.raises(InputError, match=sentence):
        keep_request(replace(schedule, variants=(other, inspire)))
    keep_request(schedule)


def test_a_variants_weights_are_the_same_file_from_any_folder(
    schedule, begun, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    own = {"network.encoder": "resnet18", "network.weights": "w.pth"}
    variant = Variant("concat", own)
    options = variant.of(schedule.config).to_json()
    options["network"]["weights"] = str(tmp_path / "w.pth")
    (begun / "config.yaml").write_text(yaml.safe_dump(options))

    keep_request(replace(schedule, variants=(variant, schedule.variants[1])))
