import re

import pytest

from inspire_med.comparing.variants_file import is_variants_file, read_variants
from inspire_med.errors import InputError


@pytest.fixture
def written(tmp_path):
    def write(text):
        file = tmp_path / "v.yaml"
        file.write_text(text)
        return file

    return write


def test_a_file_is_told_from_names():
    assert is_variants_file("search.yaml")
    assert is_variants_file("a/b.yml")
    assert not is_variants_file("concat,ise+isa")


def test_nested_and_dotted_options_have_the_types_of_train(written):
    plain, wide, monai, same = read_variants(
        written(
            "plain: {network.skip: concat}\n"
            "wide@2: {network: {widths: [8, 16]}, optimizer.lr: 1, data: {augment: none}}\n"
            "monai: {network.monai: SegResNet, network.monai_arguments: {init_filters: 8}}\n"
            "same: {}\n"
        )
    )

    assert (plain.name, plain.options) == ("plain", {"network.skip": "concat"})
    assert wide.name == "wide@2"
    assert wide.options == {"network.widths": (8, 16), "optimizer.lr": 1.0, "data.augment": "none"}
    assert isinstance(wide.options["optimizer.lr"], float)
    assert monai.options["network.monai_arguments"] == {"init_filters": 8}
    assert same.options == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: {network.skp: ise}", "variant a: option --network.skp: unknown; did you mean --netw"),
        ("a: {netwrk: {skip: ise}}", "variant a: option --netwrk: unknown"),
        ("a: {network.widths: wide}", "variant a: option --network.widths: wide is not a list"),
        ("a: {network.norm: layer}", "variant a: option --network.norm: layer is not one of"),
        ("a: {network: 3}", "variant a: network is 3, but holds options; write network.NAME."),
        ("a: {network: {skip: ise}, network.skip: isa}", "variant a: has network.skip twice"),
        *(
            (f"a: {{{name}: 1}}", f"variant a: {name} must be the same for all variants")
            for name in ("manifest", "fold", "seed", "run", "max_steps", "max_time", "validations")
        ),
        ("a: ise", "variant a: 'ise' is no mapping of options"),
        ("a:", "variant a: None is no mapping of options"),
        ("on: {}", "the variant's name True is no text; write it in quotes"),
        *(
            (f"'{name}': {{}}", f"the variant's name '{name}' cannot be that of a folder here")
            for name in ("a/b", "..", ".a", "a b", "", "lock", "request.json", "test-x", "ü")
        ),
    ],
)  # fmt: skip
def test_refuses_what_is_no_variant(written, text, sentence):
    file = written(f"{text}\nb: {{}}\n")

    with pytest.raises(InputError, match=f"^{re.escape(f'{file}: {sentence}')}"):
        read_variants(file)


@pytest.mark.parametrize("text", ["", "[a, b]", "a: {}", "plain"])
def test_refuses_what_leaves_nothing_to_compare(written, text):
    with pytest.raises(InputError, match="v.yaml: does not map two or more names to options"):
        read_variants(written(text))


def test_refuses_a_name_that_comes_twice(written):
    with pytest.raises(InputError, match="v.yaml: has the key a twice; keep one"):
        read_variants(written("a: {}\na: {}\n"))
