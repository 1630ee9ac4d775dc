import json

import pytest
import torch

from inspire_med.errors import InputError
from inspire_med.networks import build_network
from inspire_med.tasks.presets import PRESETS

PLAIN = {"spatial_dims": 2, "in_channels": 3, "out_channels": 1}


def test_a_description_survives_json():
    description = {**PLAIN, "widths": [8, 16], "skip": "ise+isa", "steps": 3, "encoder": None}

    network = build_network(json.loads(json.dumps(description)))

    assert network.channels == (8, 16)
    assert (network.spatial_dims, network.in_channels, network.out_channels) == (2, 3, 1)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_builds(name):
    network = build_network({**PRESETS[name], "in_channels": 2, "out_channels": 1})

    assert network.steps == 2


def test_a_stem_stride_reaches_the_encoder():
    network = build_network({**PLAIN, "widths": [8, 16], "stem_stride": 4})

    assert [level.shape[2:] for level in network.pyramid(torch.randn(1, 3, 32, 40))] == [
        (8, 10),
        (4, 5),
    ]


def test_strides_and_kernels_along_each_axis_reach_both_paths():
    kernels = [[1, 3], [3, 3]]
    network = build_network(
        {**PLAIN, "widths": [8, 16], "strides": [[1, 2]], "kernel_sizes": kernels}
    )

    assert [tuple(p.shape[2:]) for p in network.pyramid(torch.randn(2, 3, 9, 9))] == [
        (9, 9),
        (9, 5),
    ]
    assert network.encoder.stages[1][0].conv.kernel_size == (3, 3)
    assert network.top_down.merges[0].convs[1].conv.kernel_size == (1, 3)


def test_the_decoders_widths_reach_the_decoder():
    network = build_network({**PLAIN, "widths": [8, 16], "decoder_widths": [4, 6]})

    assert (network.channels, network.decoder_widths) == ((8, 16), (4, 6))


def test_the_norm_is_chosen_by_name():
    names = build_network({**PLAIN, "widths": [8, 16], "norm": "instance"}).state_dict()

    assert not any("running_mean" in name for name in names)


def test_a_description_of_passes_that_wait_makes_a_network_of_one_pass():
    torch.manual_seed(0)
    waiting = build_network({**PLAIN, "widths": [8, 16], "passes_wait": True}).eval()
    image = torch.randn(1, 3, 20, 17)

    for parameter in waiting.feedback.parameters():
        torch.nn.init.normal_(parameter)
    once = waiting(image)
    waiting.begin_passes()

    assert not torch.allclose(waiting(image), once)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spatal_dims": 2}, "unknown key 'spatal_dims'; did you mean spatial_dims"),
        ({"xyz": 2}, "unknown key 'xyz'; choose from"),
        ({"in_channels": None}, "'in_channels' is missing"),
        ({"spatial_dims": 4}, "spatial_dims=4 is not a dimension; give 2 or 3"),
        ({"out_channels": 0}, "out_channels=0 must be a positive integer"),
        ({"steps": True}, "steps=True must be a positive integer"),
        ({"stem_stride": 0}, "stem_stride=0 must be a positive integer"),
        ({"passes_wait": 1}, "passes_wait=1 must be true or false"),
        ({"monai_arguments": [1]}, r"monai_arguments=\[1\] must be values by name"),
        ({"strides": 2}, "strides=2 must be lists of positive integers, one an axis"),
        ({"strides": [2, 2, 2]}, r"strides=\[2, 2, 2\] must be lists of positive integers"),
        ({"strides": [[2, 0]] * 3}, "must be lists of positive integers, one an axis"),
        ({"kernel_sizes": [[1, "3"]] * 4}, "must be lists of positive integers, one an axis"),
        (
            {"strides": [[2, 2]] * 4},
            "network: strides=.*: 4 levels have 3 steps between them; give each of these 2 numbers",
        ),
        ({"strides": [[1, 2, 2]] * 3}, "give each of these 2 numbers of at least 1, one an axis"),
        (
            {"kernel_sizes": [[1, 3]] * 3},
            "network: kernel_sizes=.*: there are 4 levels; give each of them 2 odd numbers",
        ),
        ({"kernel_sizes": [[2, 3]] * 4}, "give each of them 2 odd numbers, one an axis"),
        ({"kernel_sizes": [[1, 1]] * 4}, "and not all of them 1"),
        (
            {"encoder": "efficientnet-lite0", "strides": [[1, 2]] * 4},
            "network: strides: the encoder efficientnet-lite0 has its own; leave them out",
        ),
        (
            {"encoder": "resnet18", "kernel_sizes": [[1, 3]] * 5},
            "network: kernel_sizes: the encoder resnet18 has its own; leave them out",
        ),
        ({"widths": [8]}, r"widths=\[8\] must be two or more positive integers"),
        ({"decoder_widths": [8, 0]}, r"decoder_widths=\[8, 0\] must be two or more positive"),
        (
            {"decoder_widths": [8, 9]},
            r"decoder_widths: 8, 9 are 2 numbers, but the encoder has 4",
        ),
        ({"norm": "layer"}, "norm='layer' is unknown; give 'batch' or 'instance'"),
        ({"skip": "concatt"}, "skip='concatt' is not a skip"),
        (
            {"skip": "ssba@5"},
            "its feedback is to stand from level 5 on, but on a network of 4 levels",
        ),
        ({"skip": 3}, "skip=3 must be a name"),
        ({"encoder": "resnet19"}, "encoder='resnet19' is unknown; choose from eff"),
    ],
)
def test_refuses_what_it_cannot_build(change, words):
    with pytest.raises(InputError, match=words):
        build_network({**PLAIN, **change})
