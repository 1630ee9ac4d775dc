import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inspire_med.cases.manifest import Manifest
from inspire_med.config import NetworkConfig, TrainConfig
from inspire_med.errors import InputError
from inspire_med.inference.model import WEIGHTS, ModelCard, write_model
from inspire_med.networks import DeepSupervision, build_network
from inspire_med.tasks.custom import own_task
from inspire_med.tasks.task import Preparation
from inspire_med.training.initial import (
    find_initial,
    has_seen,
    network_options,
    with_scheme_of,
)
from inspire_med.training.initial_checks import check_initial
from inspire_med.training.initial_weights import load_initial
from inspire_med.training.state import extra_outputs

OLD = ("flair", "t1", "t1ce", "t2")
REGIONS = {"whole": (1, 2), "core": (2,)}
SKIPS = [
    {"skip": "concat"},
    {"skip": "ise"},
    {"skip": "ise+isa"},
    {"skip": "inspire"},
    {"skip": "inspire", "steps": 3},
    {"skip": "ssba-light"},
    {"skip": "ise+isa+ssba@2", "decoder_widths": [4, 4, 8]},
    {"skip": "concat", "norm": "instance", "stem_stride": 2},
]


def card(dims=2, channels=OLD, regions=None, **network) -> ModelCard:
    regions = REGIONS if regions is None else regions
    task = own_task("own", dims, list(channels), regions, layouts=("pattern",), intensity="mri")
    numbers = {"spatial_dims": dims, "in_channels": len(channels), "out_channels": len(regions)}
    return ModelCard(
        task=task,
        channels=tuple(channels),
        regions=regions,
        network={**numbers, "widths": [4, 8, 8], "skip": "concat", **network},
        preparation=task.preparation,
        patch_size=(16,) * dims,
        precision="32-true",
    )


def trained(own: ModelCard):
    """A network all of whose tensors are random, statistics too."""
    network = build_network(own.network)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)
            elif tensor.is_floating_point():
                tensor.normal_(std=0.3)
    return network.eval()


@pytest.fixture
def model(tmp_path):
    """Write a network as a model's folder."""

    def write(own: ModelCard, network=None) -> Path:
        folder = tmp_path / "model"
        folder.mkdir()
        write_model(folder, own, trained(own) if network is None else network)
        return folder

    return write


def begin(folder: Path, own: ModelCard, network, *, said=None, extra=None, **options) -> None:
    config = TrainConfig(Path("m.json"), Path("run"), init=folder, **options)
    hears = str if said is None else said.append
    load_initial(find_initial(folder), config, own, network, extra or {}, hears)


@pytest.mark.parametrize("options", SKIPS, ids=lambda each: "-".join(map(str, each.values())))
@pytest.mark.parametrize("dims", [2, 3])
def test_with_channels_and_regions_in_another_order_it_answers_alike(model, dims, options):
    before = trained(card(dims, **options))
    folder = model(card(dims, **options), before)
    order, turned = [3, 0, 2, 1], {"core": (2,), "whole": (1, 2)}
    after = card(dims, [OLD[index] for index in order], turned, **options)
    network = build_network(after.network).eval()
    image = torch.randn(2, 4, *[16] * dims)

    begin(folder, after, network)

    with torch.no_grad():
        expected, found = before(image), network(image[:, order])
    torch.testing.assert_close(found, expected[:, [1, 0]], rtol=0, atol=1e-5)
    assert float(expected.std()) > 1e-3


@pytest.mark.parametrize("dims", [2, 3])
def test_of_fewer_channels_it_answers_as_if_the_others_were_zero(model, dims):
    before = trained(card(dims))
    folder = model(card(dims), before)
    after = card(dims, ["t1", "flair"])
    network = build_network(after.network).eval()
    image = torch.randn(2, 2, *[16] * dims)

    begin(folder, after, network)

    padded = torch.zeros(2, 4, *[16] * dims)
    padded[:, [1, 0]] = image
    torch.testing.assert_close(network(image), before(padded), rtol=0, atol=1e-5)


def test_a_network_of_one_pass_begins_one_of_two_with_its_statistics(model):
    before = trained(card())
    folder = model(card(), before)
    after, said = card(skip="ssba"), []
    network = build_network(after.network)

    begin(folder, after, network, said=said)

    new = sum(1 for name, _ in network.named_parameters() if name.startswith("feedback."))
    assert any(f"{new} tensors untrained: feedback." in line for line in said)

    stage = before.encoder.stages[-1].state_dict()
    again = network.passes[0].get_submodule("stages")[-1].state_dict()
    assert all(torch.equal(value, again[name]) for name, value in stage.items())


def test_passes_that_waited_in_the_model_begin_as_the_first(model):
    own = card(skip="ssba", passes_wait=True)
    before = trained(own)
    network = build_network(card(skip="ssba").network)

    begin(model(own, before), card(skip="ssba"), network)

    stage = before.encoder.stages[-1].state_dict()
    again = network.passes[0].get_submodule("stages")[-1].state_dict()
    assert all(torch.equal(value, again[name]) for name, value in stage.items())


def test_what_became_of_the_weights_is_said(model):
    folder, said = model(card()), []
    after = card(channels=["t1", "adc"], regions={"whole": (1,), "scar": (3,)}, skip="ise")
    after = replace(
        after, preparation=replace(after.preparation, spacing_mm=(1.0, 1.0, 2.5), intensity="none")
    )

    begin(folder, after, build_network(after.network), said=said)

    sha = json.loads((folder / "model.json").read_text())["sha256"]
    assert said[0] == f"init: {folder}, sha256 {sha[:12]}"
    assert said[1] == "init: network other than the model's in skip"
    assert said[3] == "init: channels: t1 by name; adc from the mean of flair, t1, t1ce, t2"
    assert said[4] == "init: regions: whole by name; scar untrained (the model has whole, core)"
    assert "untrained: top_down." in said[5]
    assert said[-2:] == [
        "init: spacing: the model was trained at each case's own, this run at 1 x 1 x 2.5 mm",
        "init: intensity: the model was trained at mri, this run at none",
    ]


def test_the_same_network_on_the_same_regions_says_little(model):
    folder, said = model(card()), []
    network = build_network(card().network)

    begin(folder, card(), network, said=said)

    count = len(network.state_dict())
    assert said[1:3] == ["init: network as the model's", f"init: {count} of {count} tensors taken"]


def test_extra_outputs_without_the_state_of_a_training_start_untrained(model):
    network = build_network(card().network)
    extra = extra_outputs(network, DeepSupervision(network, 3))
    before, said = {name: tensor.clone() for name, tensor in extra.items()}, []

    begin(model(card()), card(), network, extra=extra, said=said)

    assert len(extra) == 4
    assert all(torch.equal(before[name], tensor) for name, tensor in extra.items())
    assert any("4 tensors untrained: heads.0.weight, heads.0.bias" in line for line in said)


def test_another_fold_of_the_same_set_is_a_warning_where_it_is_allowed(model):
    folder, said = model(replace(card(), manifest_hash="abc")), []

    for own in (card(), replace(card(), manifest_hash="abc")):
        begin(folder, own, build_network(own.network), said=said)

    assert ["WARNING" in line for line in said].count(True) == 1
    assert said[-1].startswith("init: WARNING: the model has learned from cases that are validated")


def test_a_model_of_which_nothing_fits_is_refused(model):
    after = card(widths=[5, 6, 7])

    with pytest.raises(InputError, match="--init: no weights of .* fit this network"):
        begin(model(card()), after, build_network(after.network))


def test_an_encoder_that_would_keep_random_weights_is_not_frozen(model):
    after = card(widths=[4, 8, 16])

    with pytest.raises(InputError, match="--freeze: encoder.stages.2.* would keep random weights"):
        begin(model(card()), after, build_network(after.network), freeze="encoder")


def test_a_damaged_model_is_refused(model, tmp_path):
    folder = model(card())
    with (folder / WEIGHTS).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")
    manifest = Manifest(card().task, OLD, REGIONS, (), tmp_path)

    with pytest.raises(InputError, match="damaged"):
        check_initial(TrainConfig(tmp_path, tmp_path / "run", init=folder), manifest)


def begun_at_levels(model, tmp_path, own: ModelCard, **network) -> None:
    """Check a run that asks for these options of the network beside the model's own."""
    folder = model(own)
    options = {name.split(".")[1]: each for name, each in network_options(folder).items()}
    manifest = Manifest(own.task, OLD, REGIONS, (), tmp_path)
    asked = NetworkConfig(**{**options, **network})
    check_initial(TrainConfig(tmp_path, tmp_path / "run", init=folder, network=asked), manifest)


@pytest.mark.parametrize(
    ("asked", "options"),
    [
        ({}, "--network.strides and --network.kernel_sizes"),
        ({"strides": [[2, 2], [2, 2], [2, 2]]}, "--network.kernel_sizes"),
    ],
)
def test_widths_of_other_levels_than_the_models_are_refused_by_their_own_name(
    model, tmp_path, asked, options
):
    sentence = (
        f"--network.widths: 4 levels are asked for, and the model of --init has 3; give {options} "
        "for 4 too, or 3 widths."
    )

    with pytest.raises(InputError) as error:
        begun_at_levels(model, tmp_path, card(), widths=[4, 8, 8, 8], **asked)

    assert str(error.value) == sentence


@pytest.mark.parametrize(
    "asked",
    [
        {"widths": [4, 8, 16]},
        {"widths": [4, 8], "strides": [[2, 2]], "kernel_sizes": [[3, 3]] * 2},
        {"widths": [4, 8], "strides": None, "kernel_sizes": None},
        {"widths": [4, 8], "monai": "UNet"},
    ],
)
def test_widths_that_bring_what_goes_with_them_are_taken(model, tmp_path, asked):
    begun_at_levels(model, tmp_path, card(), **asked)


@pytest.mark.parametrize(
    ("trained_on", "left_out", "fold", "seen"),
    [
        ("abc", 1, 1, False),
        ("abc", 1, 0, True),
        ("abc", "none", 0, True),
        ("abc", None, 0, True),
        ("abc", 1, None, True),
        ("other", 1, 0, False),
        ("", 1, 0, False),
    ],
)
def test_a_model_has_seen_all_but_the_fold_that_it_left_out(trained_on, left_out, fold, seen):
    model = {"trained_on": trained_on, "fold": left_out}

    assert has_seen(model, "abc" if trained_on else "", fold) == seen


def test_a_model_has_seen_what_those_before_it_have():
    first = {"trained_on": "abc", "fold": 0}
    second = {"trained_on": "abc", "fold": 1, "before": first}
    third = {"trained_on": "other", "fold": "none", "before": second}

    assert not has_seen(first, "abc", 0)
    assert has_seen(second, "abc", 0)  # it is its own training's, where fold 1 was left out
    assert has_seen(second, "abc", 1)  # the first has
    assert has_seen(third, "abc", 1)
    assert not has_seen({**third, "before": first}, "abc", 0)


def test_what_a_model_began_with_is_kept(tmp_path, model):
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    model(card()).rename(run / "checkpoints" / "best")
    before = {"model": "older", "trained_on": "abc", "fold": 0}
    (run / "run.json").write_text(json.dumps({"init": before}))

    assert find_initial(run).to_json()["before"] == before


def test_options_of_the_network_are_the_models(model):
    own = card(3, strides=[[2, 2, 1], [2, 2, 2]], norm="instance")

    found = network_options(model(own))

    assert found["network.widths"] == [4, 8, 8]
    assert found["network.strides"] == [[2, 2, 1], [2, 2, 2]]
    assert found["network.kernel_sizes"] == [[3, 3, 3]] * 3
    assert found["network.norm"] == "instance"
    assert found["network.deep_supervision"] == 3
    assert {name.split(".")[1] for name in found} <= set(vars(NetworkConfig()))


def test_no_more_levels_are_supervised_than_the_model_has(model):
    assert network_options(model(card(widths=[4, 8])))["network.deep_supervision"] == 2


def test_pictures_get_the_normalisation_that_the_model_knows(model):
    numbers = {"red": {"mean": 127.0, "sd": 128.0}}
    known = Preparation(intensity="fixed", intensity_statistics=numbers)
    initial = find_initial(model(replace(card(), preparation=known)))

    assert with_scheme_of(Preparation(intensity="rgb"), initial).intensity_statistics == numbers
    for kept in (Preparation(intensity="ct"), Preparation(intensity="none")):
        assert with_scheme_of(kept, initial) == kept
    assert with_scheme_of(Preparation(intensity="rgb"), None).intensity == "rgb"
