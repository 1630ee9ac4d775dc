from pathlib import Path

import pytest
from plans import plan_of

from inspire_med.comparing.levels import at_own_levels
from inspire_med.comparing.variants import Variant
from inspire_med.config import TrainConfig, with_options
from inspire_med.errors import InputError

# Thick slices: the first step leaves them, as the planned strides do.
SIZES = plan_of(spacing_mm=(1.0, 1.0, 3.0), patch_size=(64, 64, 24), deep_supervision=3)
PLANNED = with_options(TrainConfig(manifest=Path("m.json"), run=Path("r")), SIZES.options())
ASKED = frozenset({"manifest", "run"})


def at(options, asked=ASKED):
    return at_own_levels(Variant("own", options), PLANNED, SIZES, asked).options


@pytest.mark.parametrize(
    "options",
    [
        {"network.skip": "ise"},
        {"network.widths": (16, 32, 64)},
        {"network.encoder": "resnet18"},
        {"network.monai": "UNet", "network.widths": (8, 16)},
    ],
)
def test_a_variant_of_as_many_levels_or_of_its_own_is_as_it_was(options):
    assert at(options) == options


def test_more_levels_go_on_as_the_plan_began():
    found = at({"network.widths": (8, 16, 32, 64)})

    # 64 x 64 x 24 voxels of 1 x 1 x 3 mm: in the plane to 2 mm, then all axes alike.
    assert found == {
        "network.widths": (8, 16, 32, 64),
        "network.strides": ((2, 2, 1), (2, 2, 2), (2, 2, 2)),
        "network.kernel_sizes": ((3, 3, 1), (3, 3, 3), (3, 3, 3), (3, 3, 3)),
        "network.deep_supervision": 3,
    }


def test_fewer_levels_supervise_no_more_than_there_are():
    found = at({"network.widths": (8, 16)})

    assert found["network.strides"] == ((2, 2, 1),)
    assert found["network.deep_supervision"] == 2
    assert "network.deep_supervision" not in at(
        {"network.widths": (8, 16)}, ASKED | {"network.deep_supervision"}
    )


def test_what_a_variant_asks_for_itself_stays():
    own = ((2, 2, 2), (2, 2, 2), (1, 1, 1))

    found = at({"network.widths": (8, 16, 32, 64), "network.strides": own})

    assert found["network.strides"] == own
    assert len(found["network.kernel_sizes"]) == 4


def test_strides_asked_for_all_are_those_of_one_number_of_levels():
    asked = ASKED | {"network.strides"}
    sentence = (
        "network.widths has 2 levels, and --network.strides, which is asked for all variants, "
        "goes with 3; give the variant its own network.strides."
    )

    with pytest.raises(InputError, match=sentence):
        at({"network.widths": (8, 16)}, asked)
    assert at({"network.widths": (8, 16), "network.strides": ((2, 2, 2),)}, asked)
