from pathlib import Path

import pytest

from inspire_med.config import TrainConfig, dotted
from inspire_med.errors import InputError
from inspire_med.training.recipe import recipe, refuse_difference, refuse_other_recipe

USUAL = TrainConfig(manifest=Path("m.json"), run=Path("run")).to_json()
FREE = {
    *(
        "manifest",
        "task",
        "run",
        "store",
        "store_limit",
        "only_prepare",
        "resume",
        "precision",
        "plan",
        "allow_leak",
    ),
    *("max_steps", "max_time", "validations", "save_every", "save_every_steps"),
    *("max_nonfinite", "devices", "threads", "compile", "track"),
    *("data.workers", "network.recompute"),
}


@pytest.mark.parametrize("name", sorted(dotted(USUAL)))
def test_every_option_decides_on_what_is_learned_or_is_free(name):
    group, _, option = name.rpartition(".")
    other = {**USUAL, **({group: {**USUAL[group], option: "other"}} if group else {name: "other"})}

    if name in FREE:
        refuse_other_recipe(Path("run"), Path("place"), USUAL, other)
    else:
        with pytest.raises(InputError, match=rf"with {name} = .*, but other is asked for"):
            refuse_other_recipe(Path("run"), Path("place"), USUAL, other)


def test_an_option_that_an_older_version_had_not_has_its_default():
    older = {"optimizer": {"lr": 1e-3}}
    assert recipe(older) == recipe(USUAL)
    assert recipe(older)["optimizer.warmup"] == 0.05


def test_a_difference_is_found_from_both_sides():
    some, none = {"network": {"arguments": {"filters": 8}}}, {"network": {"arguments": {}}}
    with pytest.raises(InputError, match=r"network.arguments.filters = 8, but None is asked for"):
        refuse_difference(Path("place"), some, none)
    with pytest.raises(InputError, match=r"network.arguments.filters = None, but 8 is asked for"):
        refuse_difference(Path("place"), none, some)
