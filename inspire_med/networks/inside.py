"""Inside: what the parts on a network's skips do to one image, as tensors.

A network knows which of its modules stands at which level and in which pass; blocks know of no
level, and what draws these tensors knows of no module.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from inspire_med.blocks.align import DeformAlign, FlowAlign
from inspire_med.blocks.isa import Alignment
from inspire_med.blocks.ise import ISE, AdaptiveAttention, ResidualISE
from inspire_med.blocks.loop import Pass
from inspire_med.blocks.pyramid import TopDown
from inspire_med.blocks.resize import resize
from inspire_med.blocks.ssba import SSBA
from inspire_med.networks.unet import UNet

Calls = dict[nn.Module, list[tuple[Any, Any]]]  # arguments and answer


@dataclass(frozen=True)
class Change:
    """A feature before and behind a part that attends to something.

    Attributes:
        step: The pass, from 1.
        level: The level of the hierarchy, 1 is the finest.
        attention: A', `(channels, *cells)`, in (0, 1): of C for ISE, of P for SSBA.
        before: `(channels, *spatial)`: C for ISE; for SSBA the first pass's C.
        after: Likewise: R for ISE, C̃ for SSBA.
    """

    step: int
    level: int
    attention: Tensor
    before: Tensor
    after: Tensor

    def attention_on(self, size: Sequence[int]) -> Tensor:
        """The mean attention of all channels, resized to `size` as the block resizes it."""
        return _resized(self.attention.mean(0, keepdim=True), size)[0]

    def amount_on(self, size: Sequence[int]) -> Tensor:
        """How far the feature is changed, resized to `size`.

        It is the length over channels of (after - before) at a place, over the root mean square
        length of `before`: 1 is as much as the feature itself.
        """
        usual = self.before.square().sum(0).mean().sqrt().clamp(min=1e-12)
        moved = (self.after - self.before).square().sum(0, keepdim=True).sqrt()
        return _resized(moved / usual, size)[0]


@dataclass(frozen=True)
class Merge:
    """A coarse map that ISA brings to a fine one.

    Attributes:
        step: The pass, from 1.
        level: The level that is merged into.
        flow: `(dims, *spatial)` in voxels of its own grid: the merged map at p is the coarse one
            at p + flow(p). The mean over the kernel's points where the alignment is deformable;
            None where there is no alignment.
        weight: λ, `(1 or channels, *spatial)`: 1 takes the coarse map alone, 0 the fine one.
        coarse: P^c, `(channels, *spatial)`.
        fine: R, likewise.
    """

    step: int
    level: int
    flow: Tensor | None
    weight: Tensor
    coarse: Tensor
    fine: Tensor

    def flow_on(self, size: Sequence[int]) -> Tensor | None:
        """The flow resized to `size`, and in voxels of that."""
        if self.flow is None:
            return None
        own = self.flow.shape[1:]
        ratios = [large / small for large, small in zip(size, own, strict=True)]
        longer = self.flow.new_tensor(ratios).view(-1, *[1] * len(own))
        return _resized(self.flow, size) * longer

    def weight_on(self, size: Sequence[int]) -> Tensor:
        """The mean λ of all channels, resized to `size`."""
        return _resized(self.weight.mean(0, keepdim=True), size)[0]

    def share_on(self, size: Sequence[int]) -> Tensor:
        """How much of what is merged is the coarse map, resized to `size`.

        It is |λP^c| / (|λP^c| + |λ'R|), lengths over channels; a small λ can stand before a large
        map. Of `isa-norm` these are the maps before they are normed.
        """
        coarse = (self.weight * self.coarse).square().sum(0, keepdim=True).sqrt()
        fine = ((1 - self.weight) * self.fine).square().sum(0, keepdim=True).sqrt()
        return _resized(coarse / (coarse + fine).clamp(min=1e-12), size)[0]


@dataclass(frozen=True)
class Inside:
    """What happened in a network; empty lists where it lacks the part.

    Attributes:
        enhanced: By ISE, pass by pass, fine to coarse.
        merged: By ISA, likewise.
        fed_back: By SSBA, likewise; the pass is the one that begins with it.
        logits: `(regions, *spatial)` of each pass whose pyramid reaches the finest level, the last
            one's at the end.
    """

    enhanced: list[Change]
    merged: list[Merge]
    fed_back: list[Change]
    logits: list[Tensor]


class _Part(NamedTuple):
    step: int
    level: int
    block: nn.Module


@torch.no_grad()
def look_inside(network: UNet, image: Tensor) -> Inside:
    """Run a network on one image and keep what its skips do.

    Args:
        network: In evaluation mode.
        image: `(1, channels, *spatial)`.

    Raises:
        ValueError: If the network is in training mode, in which the image would change it.
    """
    if network.training:
        raise ValueError("network.training is True: looking would change it; call eval() first.")
    enhancing, merging = _on_laterals(network), _at_merges(network)
    begin = len(network.channels) - len(network.feedback)
    back = list(network.feedback)
    listened = [network.encoder, *back, *(part.block for part in (*enhancing, *merging))]
    with _listening(listened) as calls:
        pyramids = list(network.pyramids(image))
    ((_, first),) = calls[network.encoder]
    return Inside(
        [_enhanced(part, *call) for part in enhancing for call in calls[part.block]],
        [_merged(part, *call) for part in merging for call in calls[part.block]],
        [
            _fed_back(_Part(step, level + 1, block), first[level], *call)
            for level, block in enumerate(back, begin)
            for step, call in enumerate(calls[block], 2)
        ],
        [
            resize(network.head(pyramid[0]), image.shape[2:])[0]
            for pyramid in pyramids
            if len(pyramid) == len(network.channels)
        ],
    )


def _enhanced(part: _Part, arguments: Any, answer: Tensor) -> Change:
    (feature,) = arguments
    (attention,) = (each for each in part.block.modules() if isinstance(each, AdaptiveAttention))
    weights = attention.weights(feature)
    return Change(part.step, part.level, weights[0], feature[0], answer[0])


def _fed_back(part: _Part, first: Tensor, arguments: Any, answer: Tensor) -> Change:
    pyramid, _ = arguments
    assert isinstance(part.block, SSBA)
    weights = part.block.attention.weights(pyramid)
    return Change(part.step, part.level, weights[0], first[0], answer[0])


def _merged(part: _Part, arguments: Any, answer: Any) -> Merge:
    assert isinstance(part.block, Alignment)
    (coarse, fine), (aligned, weight) = arguments, answer
    flow = _flow(part.block.align, coarse, fine, part.block.describe(fine))
    moved = None if flow is None else flow[0]
    return Merge(part.step, part.level, moved, weight[0], aligned[0], fine[0])


def _flow(align: nn.Module, coarse: Tensor, fine: Tensor, guide: Tensor) -> Tensor | None:
    if isinstance(align, FlowAlign):
        return align.displacement(align.reduce(coarse), guide)
    if isinstance(align, DeformAlign):
        up = resize(align.reduce(coarse), fine.shape[2:])
        return align.displacements(up, guide).mean(dim=1)
    return None


def _on_laterals(network: UNet) -> list[_Part]:
    """ISE of every pass and level; a residual one holds another, which is not counted."""
    return [
        _Part(step, level, block)
        for step, level, lateral, _ in _levels(network)
        for block in [each for each in lateral.modules() if isinstance(each, ISE | ResidualISE)][:1]
    ]


def _at_merges(network: UNet) -> list[_Part]:
    """The alignments of every pass and level."""
    return [
        _Part(step, level, block)
        for step, level, _, merge in _levels(network)
        for block in merge.modules()
        if isinstance(block, Alignment)
    ]


def _levels(network: UNet) -> Iterator[tuple[int, int, nn.Module, nn.Module]]:
    """Pass, level, lateral and merge of each level of each decoder; the top merges nothing.

    The levels below those that are fed back run in the last pass alone.
    """
    last = 1 if network.passes_wait else network.steps
    begin = len(network.channels) - len(network.feedback) if network.feedback else 0
    decoders = [(1, 1, network.top_down)]
    for step, again in enumerate(network.passes, 2):
        assert isinstance(again, Pass)
        assert isinstance(again.top_down, TopDown)
        decoders.append((step, begin + 1, again.top_down))
    for step, finest, decoder in decoders:
        merges = [*decoder.merges, nn.Identity()]
        for level, (lateral, merge) in enumerate(
            zip(decoder.laterals, merges, strict=True), finest
        ):
            yield last if level <= begin else step, level, lateral, merge


@contextmanager
def _listening(blocks: Iterable[nn.Module]) -> Generator[Calls]:
    """Keep every call of these blocks; of one that is not called there are none."""
    calls: Calls = {block: [] for block in blocks}
    handles = [
        block.register_forward_hook(lambda own, given, answer: calls[own].append((given, answer)))
        for block in calls
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _resized(x: Tensor, size: Sequence[int]) -> Tensor:
    """Resize `(channels, *spatial)`."""
    return resize(x[None].float(), size)[0]
