"""Program: a trained network as torch's exported graph, which runs where this package is not.

The batch is free. So are the sizes of a U-Net with its own encoder; another network's are those of
the training's patches. Every program is held against the network that it was made of.
"""

import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from inspire_med.errors import InputError
from inspire_med.inference.model import ModelCard

CLOSE = 1e-5  # most that a logit may differ from the network's, of the largest among them
_EXAMPLE = (45, 47, 51)  # sides that no pooling or stride divides, each another


@dataclass(frozen=True)
class Program:
    """A network as a graph: images `(batch, channels, *spatial)` to logits of their size.

    Args:
        exported: The graph and its weights.
        channels: Channels of the image.
        size: The one spatial size that it takes; None is any from `least` on.
        least: Smallest side along each axis where the size is free.
    """

    exported: ExportedProgram
    channels: int
    size: tuple[int, ...] | None
    least: tuple[int, ...]


def export_program(network: nn.Module, card: ModelCard) -> Program:
    """Turn a network into a program.

    Args:
        network: That of the card, as `read_model` gives it.
        card: Has the patch size and says what encoder the network has.

    Raises:
        InputError: If torch cannot export the network, or if the program's answer is another.
    """
    network, channels, patch = network.cpu().eval(), len(card.channels), card.patch_size
    # Torch reasons on the paddings of MONAI's and named encoders for minutes, or not at all.
    own = card.network.get("encoder") is None and card.network.get("monai") is None
    try:
        if own:
            with suppress(AssertionError):  # a guard: patches of so few voxels are a case apart
                return _of_any_size(network, channels, patch)
        return _of_one_size(network, channels, patch)
    except InputError:
        raise
    except Exception as error:  # whatever torch says of it, in its many ways
        words = " ".join(str(error).split())[:200]
        raise InputError(
            f"--format: torch cannot export this network ({words}); give --format model."
        ) from None


def greatest_difference(program: Program, network: nn.Module, image: Tensor) -> float:
    """The most that a logit differs from the network's, of the largest among them."""
    with torch.inference_mode():
        own, wanted = program.exported.module()(image), network(image)
    return float((own - wanted).abs().max() / wanted.abs().max().clamp(min=1))


def _of_any_size(network: nn.Module, channels: int, patch: tuple[int, ...]) -> Program:
    """Free batch and sizes; held against the network at sizes of both kinds."""
    dims = len(patch)
    sides = [max(own, side) for own, side in zip(_EXAMPLE, patch, strict=False)]
    sides = [side + 2 * axis + 1 - side % 2 for axis, side in enumerate(sides)]
    free = dict.fromkeys((0, *range(2, dims + 2)), Dim.AUTO)
    exported = _exported(network, (2, channels, *sides), free)
    program = Program(exported, channels, None, _least(exported, dims))
    odd = tuple(max(side * 2 // 3 - axis, 9) for axis, side in enumerate(patch))
    for batch, size in ((1, patch), (2, odd)):
        _refuse_other_answer(program, network, batch, size)
    return program


def _of_one_size(network: nn.Module, channels: int, patch: tuple[int, ...]) -> Program:
    """A free batch alone."""
    exported = _exported(network, (2, channels, *patch), {0: Dim.AUTO})
    program = Program(exported, channels, patch, patch)
    for batch in (1, 2):
        _refuse_other_answer(program, network, batch, patch)
    return program


def _exported(
    network: nn.Module, shape: tuple[int, ...], free: Mapping[int, Any]
) -> ExportedProgram:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of torch about its own tracing
        program = torch.export.export(network, (torch.zeros(shape),), dynamic_shapes=(free,))
    program.example_inputs = None  # zeros, and as large as a case
    return program


def _least(exported: ExportedProgram, dims: int) -> tuple[int, ...]:
    """The smallest side along each axis, by what torch found out."""
    (name,) = exported.graph_signature.user_inputs
    (image,) = [node for node in exported.graph.nodes if node.name == name]
    sides = image.meta["val"].shape[-dims:]
    ranges = exported.range_constraints
    return tuple(int(ranges[side.node.expr].lower) for side in sides)


def _refuse_other_answer(
    program: Program, network: nn.Module, batch: int, size: tuple[int, ...]
) -> None:
    random = torch.Generator().manual_seed(0)
    image = torch.randn(batch, program.channels, *size, generator=random)
    difference = greatest_difference(program, network, image)
    if not difference <= CLOSE:  # NaN is neither
        raise InputError(
            f"--format: the exported network differs by {difference:.1g} from the trained one at "
            f"{' x '.join(map(str, size))}; give --format model."
        )
