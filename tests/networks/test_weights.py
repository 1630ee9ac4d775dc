"""Weights under the names of other libraries; the state dicts are made by their naming rules."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from inspire_med.errors import InputError
from inspire_med.networks import monai_encoder
from inspire_med.networks.weights import fitted

FILE = Path("w.pth")
NORM = ("weight", "bias", "running_mean", "running_var")
# Blocks of a stage, side, expansion, channels out (Tan and Le, EfficientNet, ICML 2019, table 1).
B0 = [
    *((1, 3, 1, 16), (2, 3, 6, 24), (2, 5, 6, 40), (3, 3, 6, 80)),
    *((3, 5, 6, 112), (4, 5, 6, 192), (1, 3, 6, 320)),
]


def numbered(shapes: Iterator[tuple[str, tuple[int, ...]]]) -> dict[str, Tensor]:
    """A tensor of its own value for every name."""
    return {name: torch.full(shape, float(k)) for k, (name, shape) in enumerate(shapes)}


def conv(name, out, into, side, bias=False):
    yield f"{name}.weight", (out, into, side, side)
    if bias:
        yield f"{name}.bias", (out,)


def norm(name, channels):
    for each in NORM:
        yield f"{name}.{each}", (channels,)
    yield f"{name}.num_batches_tracked", ()


def block_of_b0(names, into, out, side, expansion):
    """One block of MBConv; `names` are those of its steps in this order."""
    names = iter(names)
    inner = into * expansion
    if expansion > 1:
        yield from conv(next(names), inner, into, 1)
        yield from norm(next(names), inner)
    yield from conv(next(names), inner, 1, side)
    yield from norm(next(names), inner)
    yield from conv(next(names), into // 4, inner, 1, bias=True)
    yield from conv(next(names), inner, into // 4, 1, bias=True)
    yield from conv(next(names), out, inner, 1)
    yield from norm(next(names), out)


def b0(stem, block):
    """All of B0 but its head; `block` names the steps of a block of a stage, place and number."""
    yield from conv(stem[0], 32, 3, 3)
    yield from norm(stem[1], 32)
    into, number = 32, 0
    for stage, (repeats, side, expansion, out) in enumerate(B0):
        for place in range(repeats):
            names = block(stage, place, number, expansion)
            yield from block_of_b0(names, into, out, side, expansion)
            into, number = out, number + 1


def timm_names(stage, place, number, expansion):
    steps = ["conv_dw", "bn1", "se.conv_reduce", "se.conv_expand", "conv_pw", "bn2"]
    if expansion > 1:
        steps = ["conv_pw", "bn1", "conv_dw", "bn2", *steps[2:4], "conv_pwl", "bn3"]
    return [f"blocks.{stage}.{place}.{step}" for step in steps]


def torchvision_names(stage, place, number, expansion):
    steps = ["0.0", "0.1", "1.0", "1.1", "2.fc1", "2.fc2", "3.0", "3.1"]
    if expansion == 1:
        steps = ["0.0", "0.1", "1.fc1", "1.fc2", "2.0", "2.1"]
    return [f"features.{stage + 1}.{place}.block.{step}" for step in steps]


def own_names(stage, place, number, expansion):
    steps = ["_expand_conv", "_bn0"] if expansion > 1 else []
    steps += ["_depthwise_conv", "_bn1", "_se_reduce", "_se_expand", "_project_conv", "_bn2"]
    return [f"_blocks.{number}.{step}" for step in steps]


LIBRARIES = {
    "timm": (("conv_stem", "bn1"), timm_names, "conv_head"),
    "torchvision": (("features.0.0", "features.0.1"), torchvision_names, "features.8.0"),
    "efficientnet-pytorch": (("_conv_stem", "_bn0"), own_names, "_conv_head"),
}


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
def test_efficientnet_takes_the_names_of_other_libraries(library):
    stem, block, head = LIBRARIES[library]
    made = numbered(b0(stem, block))
    encoder = monai_encoder("efficientnet-b0", 2, 3)

    state, channels = fitted({**made, f"{head}.weight": torch.ones(1)}, encoder, FILE)

    assert channels == 3
    assert set(state) == set(encoder.state_dict())
    # MONAI's names, block by block, are in the order that the made ones are in.
    order = {name: k for k, name in enumerate(numbered(b0(*LIBRARIES["efficientnet-pytorch"][:2])))}
    for name, value in state.items():
        parts = encoder.weight_names[name].split(".")
        flat = ".".join([parts[0], *parts[2:]]) if parts[0] == "_blocks" else ".".join(parts)
        assert (value == order[flat]).all()


def resnet18(dims: int, in_channels: int = 3) -> Iterator[tuple[str, tuple[int, ...]]]:
    """ResNet-18 as torchvision and timm name it."""

    def kernel(name, out, into, side):
        yield f"{name}.weight", (out, into, *[side] * dims)

    yield from kernel("conv1", 64, in_channels, 7)
    yield from norm("bn1", 64)
    into = 64
    for layer, out in enumerate((64, 128, 256, 512), start=1):
        for place in range(2):
            head = f"layer{layer}.{place}"
            yield from kernel(f"{head}.conv1", out, into, 3)
            yield from norm(f"{head}.bn1", out)
            yield from kernel(f"{head}.conv2", out, out, 3)
            yield from norm(f"{head}.bn2", out)
            if into != out:
                yield from kernel(f"{head}.downsample.0", out, into, 1)
                yield from norm(f"{head}.downsample.1", out)
            into = out


def test_resnet_takes_torchvisions_names():
    made = numbered(resnet18(2))
    encoder = monai_encoder("resnet18", 2, 3)

    state, channels = fitted({**made, "fc.weight": torch.ones(1)}, encoder, FILE)

    assert channels == 3
    assert len(state) == len(made)
    assert all(torch.equal(value, made[encoder.weight_names[n]]) for n, value in state.items())


def test_volumes_take_what_was_stored_with_a_head():
    made = numbered(resnet18(3, 1))
    encoder = monai_encoder("resnet18", 3, 1)

    state, _ = fitted({**made, "conv_seg.0.weight": torch.ones(1)}, encoder, FILE)

    assert len(state) == len(made)
    assert all(torch.equal(state[name], made[encoder.weight_names[name]]) for name in state)


@pytest.mark.parametrize("channels", [1, 4])
def test_equal_channels_give_what_equal_colours_gave(channels):
    torch.manual_seed(0)
    made = {name: torch.randn(shape) for name, shape in resnet18(2)}

    state, stored = fitted(made, monai_encoder("resnet18", 2, channels), FILE)

    adapted = state["stages.0.0.weight"]
    assert stored == 3
    assert adapted.shape[1] == channels
    torch.testing.assert_close(adapted.sum(1), made["conv1.weight"].sum(1))
    assert (adapted == adapted[:, :1]).all()


def refusal(made, encoder):
    with pytest.raises(InputError) as caught:
        fitted(made, encoder, FILE)
    return str(caught.value)


@pytest.mark.parametrize("layer", ["layer1.2.conv1.weight", "layer1.0.se.fc1.weight"])
def test_weights_of_an_encoder_with_more_layers_are_refused_by_the_first_of_these(layer):
    made = numbered(resnet18(2)) | {layer: torch.ones(64, 64, 3, 3)}

    assert refusal(made, monai_encoder("resnet18", 2, 3)) == (
        f"w.pth: has '{layer}', which the encoder has not; use weights made for this encoder."
    )


def test_another_encoders_weights_are_refused_by_the_first_tensor():
    made = numbered(resnet18(2))

    assert "has no tensor 'convInit.conv.weight'" in refusal(made, monai_encoder("segresnet", 2, 3))
    said = refusal(made, monai_encoder("resnet18", 3, 3))
    assert "'conv1.weight' has shape (64, 3, 7, 7) where the encoder has (64, 3, 7, 7, 7)" in said
