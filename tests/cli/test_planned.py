import json
from dataclasses import replace
from pathlib import Path

import pytest
from lightning_fabric.plugins.environments import LightningEnvironment
from plans import plan_of

from inspire_med.cases.manifest import Manifest
from inspire_med.cases.planning.plan import plan_in_record, write_plan
from inspire_med.cli import planned
from inspire_med.cli.options import training_config, training_parser
from inspire_med.cli.planned import asked_options, by_plan, find_plan, plan_word
from inspire_med.config import NetworkConfig, TrainConfig
from inspire_med.errors import InputError
from inspire_med.tasks.custom import own_task
from inspire_med.tasks.isles import ISLES
from inspire_med.training.launch import Launcher

OWN = own_task("own", 3, ["a"], {"b": 1}, layouts=("pattern",), intensity="mri")
PLAN = plan_of(
    batch_size=4, strides=((2, 2, 1),), kernel_sizes=((3, 3, 1), (3, 3, 3)), widths=(8, 16)
)
CONFIG = TrainConfig(manifest=Path("m.json"), run=Path("run"))


@pytest.mark.parametrize(
    ("task", "asked", "word"),
    [
        (OWN, None, "auto"),
        (ISLES, None, "none"),
        (ISLES, "small", "small"),
        (OWN, "none", "none"),
        (OWN, "p.yaml", "p.yaml"),
    ],
)
def test_a_plan_is_made_by_itself_for_tasks_that_are_not_built_in(task, asked, word):
    assert plan_word(replace(CONFIG, plan=asked), task) == word


def test_a_word_that_is_no_plan_is_refused():
    sentence = "--plan: huge is none of auto, small, large, none, and no YAML file; give one of"

    with pytest.raises(InputError, match=sentence):
        plan_word(replace(CONFIG, plan="huge"), OWN)


def test_what_was_asked_for_is_told_from_what_is_usual(tmp_path):
    (tmp_path / "c.yaml").write_text("network: {norm: instance}")
    words = ["--manifest", "m", "--run", "r", "--data.batch_size", "2", "--network.widths", "4,8"]
    words += ["--config", str(tmp_path / "c.yaml"), "--debug"]
    task = replace(OWN, training={"data": {"patch_size": [8, 8, 8]}})

    asked = asked_options(training_parser(words), words, task)

    sizes = {"data.batch_size", "network.widths", "network.norm", "data.patch_size"}
    assert {name for name in asked if "." in name} == sizes
    spaced = replace(OWN, preparation=replace(OWN.preparation, spacing_mm=(1.0, 1.0, 1.0)))
    assert "data.spacing_mm" in asked_options(training_parser(words), words, spaced)
    assert "data.patch_size" not in asked_options(
        training_parser(words), words, replace(ISLES, training=task.training)
    )


def test_null_asks_for_nothing_but_where_it_is_a_size(tmp_path, ball_volumes):
    write_plan(tmp_path / "p.yaml", PLAN, "Plan")
    (tmp_path / "c.yaml").write_text(
        "network: {strides: null, kernel_sizes: null}\ndata: {intensity: null, spacing_mm: null}"
    )
    words = ["--manifest", str(ball_volumes), "--run", "r", "--config", str(tmp_path / "c.yaml")]
    own = replace(OWN, training={"network": {"strides": None}})

    asked = asked_options(training_parser(words), words, own)
    config = replace(CONFIG, plan=str(tmp_path / "p.yaml"))
    plan = find_plan(config, Manifest.load(ball_volumes), asked, say=lambda _: None)

    assert {name for name in asked if "." in name} == {"data.spacing_mm"}
    assert plan == replace(PLAN, spacing_mm=None)
    assert plan_in_record(plan.to_json(), Path("run.json")) == plan
    assert by_plan(config, plan, asked).network.strides == PLAN.strides


def test_a_training_goes_by_its_plan_but_for_what_was_asked_for():
    asked = replace(CONFIG, network=NetworkConfig(widths=(4, 8, 16)))

    found = by_plan(asked, PLAN, frozenset({"network.widths"}))

    assert (found.data.patch_size, found.data.batch_size) == ((32, 32, 16), 4)
    assert found.data.spacing_mm == (1.0, 1.0, 2.0)
    assert found.network.widths == (4, 8, 16)
    assert by_plan(asked, None, frozenset()) is asked


@pytest.mark.parametrize("network", [{"encoder": "resnet18"}, {"monai": "SegResNet"}])
def test_a_network_that_has_its_own_sizes_keeps_them(network):
    config = replace(CONFIG, network=NetworkConfig(**network, stem_stride=1, deep_supervision=1))

    found = by_plan(config, replace(PLAN, stem_stride=2), frozenset({"network.deep_supervision"}))

    assert found.data.patch_size == (32, 32, 16)
    assert found.network.stem_stride == 1
    own_widths = "encoder" in network
    assert (found.network.widths == config.network.widths) is own_widths


def test_a_plan_from_a_file_is_said_with_what_wins(tmp_path, ball_volumes):
    write_plan(tmp_path / "p.yaml", PLAN, "Plan")
    config = replace(CONFIG, plan=str(tmp_path / "p.yaml"))
    config = replace(config, data=replace(config.data, batch_size=7))
    said = []

    plan = find_plan(
        config, Manifest.load(ball_volumes), frozenset({"data.batch_size"}), say=said.append
    )

    assert plan == replace(PLAN, batch_size=7)
    assert "plan: batch_size 7: as asked for (data.batch_size)" in said
    assert "plan: patch_size 32 x 32 x 16: as p.yaml says" in said


def test_a_plan_of_pictures_is_not_taken_for_volumes(tmp_path, ball_volumes):
    flat = replace(
        PLAN,
        spacing_mm=None,
        image_size=(32, 32),
        patch_size=None,
        strides=((2, 2),),
        kernel_sizes=((3, 3), (3, 3)),
    )
    write_plan(tmp_path / "p.yaml", flat, "Plan")
    config = replace(CONFIG, plan=str(tmp_path / "p.yaml"))
    manifest = Manifest.load(ball_volumes)

    with pytest.raises(InputError) as caught:
        find_plan(config, manifest, frozenset(), say=lambda _: None)

    assert str(caught.value) == (
        f"{tmp_path / 'p.yaml'}: plans for pictures, and brats is of volumes; give a plan of its "
        "own, or --plan auto."
    )


def test_a_plan_is_made_of_the_training_fold(monkeypatch, ball_volumes):
    found = {}

    def make_plan(config, manifest, fingerprint, means, given):
        found.update(fingerprint=fingerprint, means=means, given=given)
        return PLAN.because(**dict.fromkeys(PLAN.options(), "")).because(
            **dict.fromkeys(planned.OPTIONS, "so")
        )

    monkeypatch.setattr("inspire_med.training.planning.make_plan", make_plan)
    words = ["--manifest", str(ball_volumes), "--run", "r", "--plan", "small", "--fold", "1"]
    words += ["--network.widths", "[4, 8]"]
    parser = training_parser(words)
    config = training_config(parser, parser.parse_args(words))
    manifest = Manifest.load(ball_volumes)

    said = []

    find_plan(config, manifest, asked_options(parser, words, manifest.task), say=said.append)

    assert said[0].startswith("data: 2 cases to train on, 2 cases read: median voxel 1 x 1 x 2 mm")
    assert any(line.startswith("data: region WT: in 2 of the 2 cases, median ") for line in said)
    assert found["fingerprint"].cases == 2
    assert found["fingerprint"].spacings_mm == ((1.0, 1.0, 2.0),) * 2
    assert (found["means"].name, found["given"]) == ("small", {"widths": (4, 8)})


def test_the_plan_of_a_run_is_kept_in_its_record(tmp_path):
    from inspire_med.cli.run_folder import plan_of_run, write_session

    run = replace(CONFIG, run=tmp_path)
    assert plan_of_run(tmp_path) == (False, None)

    write_session(run, "hash", PLAN, lambda _: None)
    write_session(run, "hash", PLAN, lambda _: None)

    assert plan_of_run(tmp_path) == (True, PLAN)
    assert len(json.loads((tmp_path / "run.json").read_text())["sessions"]) == 2


def test_a_run_keeps_its_plan_though_none_is_asked_for(tmp_path, ball_volumes):
    from inspire_med.cli.run_folder import write_session
    from inspire_med.train import _plan

    run = replace(CONFIG, run=tmp_path, plan="none")
    write_session(replace(run, plan="small"), "hash", PLAN, lambda _: None)
    alone = Launcher(LightningEnvironment(), 0, 0, 1, 1)

    assert _plan(run, Manifest.load(ball_volumes), alone, frozenset()) == PLAN
