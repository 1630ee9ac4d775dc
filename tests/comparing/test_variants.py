from dataclasses import replace
from pathlib import Path

import pytest

from inspire_med.comparing.variants import Variant, parse_names, parse_seeds, words_on
from inspire_med.config import NetworkConfig, TrainConfig
from inspire_med.errors import InputError


@pytest.fixture
def asked() -> TrainConfig:
    network = NetworkConfig(widths=(4, 8), deep_supervision=2, recompute=True)
    return TrainConfig(manifest=Path("m.json"), run=Path("r"), network=network)


@pytest.mark.parametrize(
    "text", ["concat,ise+isa,monai:SegResNet", "[concat, ise+isa, monai:SegResNet,]"]
)
def test_names_are_read_in_their_order(text):
    names = [each.name for each in parse_names(text)]

    assert names == ["concat", "ise+isa", "monai:SegResNet"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("concat,inspyre", "'inspyre' names no network; did you mean inspire?"),
        ("concat,ise+xyz+isa", "'ise.xyz.isa' names no network; did you mean ise.isa?"),
        ("concat,monai:SegRestNet", "did you mean monai:SegResNet?"),
        ("concat,monai:DenseNet1", "'monai:DenseNet1' names no network"),
        (
            "concat,????????",
            "there are concat, ise, isa, .* and monai:NAME, as in monai:SegResNet.",
        ),
        ("concat,inspire,concat", "concat is there twice; name each once"),
        ("inspire", "'inspire' leaves nothing to compare with; give two or more"),
        ("", "'' leaves nothing to compare with"),
    ],
)
def test_refuses_what_is_no_list_of_networks(text, sentence):
    with pytest.raises(InputError, match=rf"option --variants: .*{sentence}".replace("?'", r"\?'")):
        parse_names(text)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("3", (0, 1, 2)),
        ("1", (0,)),
        ("4,2", (4, 2)),
        ("[7]", (7,)),
        ("0,1,", None),
        (" [0, 3] ", (0, 3)),
    ],
)
def test_seeds_are_a_number_of_them_or_a_list(text, seeds):
    if seeds is None:
        with pytest.raises(InputError, match="neither a number of seeds nor a list"):
            parse_seeds(text)
    else:
        assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "", "[]", "1;2"])
def test_refuses_what_is_no_number_of_seeds(text):
    with pytest.raises(InputError, match="option --seeds: .* write 3 or 0,1,2."):
        parse_seeds(text)


def test_refuses_a_seed_that_is_there_twice():
    with pytest.raises(InputError, match="'1,1' has a seed twice"):
        parse_seeds("1,1")


def test_a_name_changes_the_skip_and_nothing_else(asked):
    asked = replace(asked, network=replace(asked.network, monai_arguments={"init_filters": 4}))
    ise, _ = parse_names("ise,concat")

    wanted = NetworkConfig(skip="ise", widths=(4, 8), deep_supervision=2, recompute=True)
    assert ise.of(asked) == replace(asked, network=wanted)


def test_a_network_of_monais_keeps_its_arguments_and_loses_what_it_has_not(asked):
    network = NetworkConfig(encoder="resnet18", recompute=True, monai_arguments={"init_filters": 4})
    segresnet, _ = parse_names("monai:SegResNet,concat")

    network = segresnet.of(replace(asked, network=network)).network

    assert network.monai == "SegResNet"
    assert network.monai_arguments == {"init_filters": 4}
    assert (network.deep_supervision, network.encoder, network.recompute) == (1, None, False)


def test_a_network_of_one_pass_loses_what_is_for_further_passes(asked):
    network = NetworkConfig(second_pass_from=0.5, supervise_passes=True)
    asked = replace(asked, network=network)
    plain, inspire = (variant.of(asked).network for variant in parse_names("concat,inspire"))

    assert plain == NetworkConfig(skip="concat")
    assert inspire == network
    assert Variant("v", {"network.skip": "ise", "network.supervise_passes": True}).of(
        asked
    ).network == NetworkConfig(skip="ise", supervise_passes=True)  # its own wish, to be refused


def test_options_of_every_part_are_changed(asked):
    own = {"network.widths": (2, 3), "optimizer.lr": 0.5, "precision": "bf16-mixed"}

    changed = Variant("v", own).of(asked)

    assert changed.network == replace(asked.network, widths=(2, 3))
    assert changed.optimizer == replace(asked.optimizer, lr=0.5)
    assert changed == replace(
        asked, network=changed.network, optimizer=changed.optimizer, precision="bf16-mixed"
    )


def test_names_file_and_variant_of_what_is_wrong():
    named = Variant("wide", {}, Path("v.yaml"))

    with pytest.raises(InputError, match=r"^v.yaml: variant wide: --x: no$"), named.at_fault():
        raise InputError("--x: no")
    with pytest.raises(InputError, match=r"^--x: no$"), Variant("ise", {}).at_fault():
        raise InputError("--x: no")


def test_says_where_networks_were_not_supervised_alike(asked):
    def said(levels, names="concat,monai:VNet"):
        network = NetworkConfig(deep_supervision=levels)
        return words_on(parse_names(names), replace(asked, network=network))

    assert said(3, "concat,inspire") == said(1) == said(3, "monai:VNet,monai:UNet") == []
    assert said(3) == [
        "monai:VNet: trained without deep supervision, having one output; the other networks were "
        "supervised at 3 levels."
    ]


def test_levels_are_said_of_those_alone_that_share_them(asked):
    one, monai = Variant("one", {"network.deep_supervision": 1}), parse_names("ise,monai:VNet")

    (words,) = words_on((one, *monai), asked)

    assert words == "monai:VNet: trained without deep supervision, having one output."


def test_says_who_began_with_other_weights(asked):
    network = NetworkConfig(encoder="efficientnet-lite0", weights="imagenet", deep_supervision=1)
    asked = replace(asked, network=network)
    assert words_on(parse_names("concat,ise"), asked) == []

    names = parse_names("concat,ise,monai:VNet")
    own = Variant("own", {"network.encoder": None, "network.weights": None})
    scratch = Variant("scratch", {"network.weights": None})

    assert words_on((*names, own), asked) == [
        "monai:VNet: trained from random weights, with no other encoder; concat, ise began with "
        "encoder efficientnet-lite0 and weights imagenet."
    ]
    (words,) = words_on((scratch, *names), asked)
    assert words.endswith(
        "; scratch began with encoder efficientnet-lite0 and random weights; concat, ise began "
        "with encoder efficientnet-lite0 and weights imagenet."
    )
