import pytest

from inspire_med.comparing.variants import network_of, parse_seeds, parse_variants, words_on
from inspire_med.config import NetworkConfig
from inspire_med.errors import InputError


@pytest.mark.parametrize(
    "text", ["concat,ise+isa,monai:SegResNet", "[concat, ise+isa, monai:SegResNet,]"]
)
def test_names_are_read_in_their_order(text):
    assert parse_variants(text) == ("concat", "ise+isa", "monai:SegResNet")


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
        parse_variants(text)


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


def test_a_variant_changes_the_skip_and_nothing_else():
    asked = NetworkConfig(widths=(4, 8), deep_supervision=2, monai_arguments={"init_filters": 4})

    assert network_of("ise", asked) == NetworkConfig(skip="ise", widths=(4, 8), deep_supervision=2)


def test_a_network_of_monais_keeps_its_arguments_and_loses_what_it_has_not():
    asked = NetworkConfig(encoder="resnet18", recompute=True, monai_arguments={"init_filters": 4})

    network = network_of("monai:SegResNet", asked)

    assert network.monai == "SegResNet"
    assert network.monai_arguments == {"init_filters": 4}
    assert (network.deep_supervision, network.encoder, network.recompute) == (1, None, False)


def test_says_where_networks_were_not_trained_alike():
    assert words_on(("concat", "inspire"), NetworkConfig()) == []
    assert words_on(("concat", "monai:VNet"), NetworkConfig(deep_supervision=1)) == []
    (sentence,) = words_on(("concat", "monai:VNet"), NetworkConfig(deep_supervision=3))
    assert sentence.startswith("monai:VNet: trained without deep supervision")
