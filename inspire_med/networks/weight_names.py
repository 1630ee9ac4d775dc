"""Weight names: what the tensors of an encoder are called in the files of several libraries."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_BLOCK = re.compile(r"_blocks\.(\d+)\.(\d+)\.(_\w+)\.(\w+)")  # stage, index over all, part, tensor
_PARTS = (
    *("_expand_conv", "_bn0", "_depthwise_conv", "_bn1"),
    *("_se_reduce", "_se_expand", "_project_conv", "_bn2"),
)


@dataclass(frozen=True)
class _Library:
    """How a library names the parts of an EfficientNet.

    Args:
        block: Of a block, from its stage, its place in the stage and its number over all.
        expanded: Of the parts of a block that expands its channels, in the order of `_PARTS`.
        plain: Of those of a block that does not, without the first two.
        stem: Of the stem's convolution and norm.
    """

    block: str
    expanded: tuple[str, ...]
    plain: tuple[str, ...]
    stem: tuple[str, str]

    def name(self, own: str, firsts: Mapping[int, int], expanding: set[int]) -> str:
        """What the library calls the tensor that MONAI calls `own`."""
        match = _BLOCK.fullmatch(own)
        if match is None:
            part, tensor = own.split(".")
            return f"{self.stem[('_conv_stem', '_bn0').index(part)]}.{tensor}"
        stage, number = int(match[1]), int(match[2])
        parts = _PARTS if number in expanding else _PARTS[2:]
        words = self.expanded if number in expanding else self.plain
        block = self.block.format(
            stage=stage, next_stage=stage + 1, place=number - firsts[stage], number=number
        )
        return f"{block}.{words[parts.index(match[3])]}.{match[4]}"


_LIBRARIES = (
    _Library(  # EfficientNet-PyTorch, whose names MONAI has taken, but for the stage
        block="_blocks.{number}",
        expanded=_PARTS,
        plain=_PARTS[2:],
        stem=("_conv_stem", "_bn0"),
    ),
    _Library(  # timm
        block="blocks.{stage}.{place}",
        expanded=(
            *("conv_pw", "bn1", "conv_dw", "bn2"),
            *("se.conv_reduce", "se.conv_expand", "conv_pwl", "bn3"),
        ),
        plain=("conv_dw", "bn1", "se.conv_reduce", "se.conv_expand", "conv_pw", "bn2"),
        stem=("conv_stem", "bn1"),
    ),
    _Library(  # torchvision
        block="features.{next_stage}.{place}.block",
        expanded=("0.0", "0.1", "1.0", "1.1", "2.fc1", "2.fc2", "3.0", "3.1"),
        plain=("0.0", "0.1", "1.fc1", "1.fc2", "2.0", "2.1"),
        stem=("features.0.0", "features.0.1"),
    ),
)


def namings(weight_names: Mapping[str, str]) -> list[dict[str, str]]:
    """Every way in which a file may name an encoder's tensors, from this toolkit's names.

    The first is that of the library the encoder comes from (for a ResNet MONAI's, torchvision's,
    timm's and MedicalNet's are one and the same), the second that of this toolkit's checkpoints.

    Args:
        weight_names: This toolkit's names to that library's.
    """
    found = [dict(weight_names), {ours: f"encoder.{ours}" for ours in weight_names}]
    blocks = [match for name in weight_names.values() if (match := _BLOCK.fullmatch(name))]
    if not blocks:
        return found
    firsts: dict[int, int] = {}
    for match in blocks:
        stage, number = int(match[1]), int(match[2])
        firsts[stage] = min(firsts.get(stage, number), number)
    expanding = {int(match[2]) for match in blocks if match[3] == "_expand_conv"}
    for library in _LIBRARIES:
        names = weight_names.items()
        found.append({ours: library.name(own, firsts, expanding) for ours, own in names})
    return found
