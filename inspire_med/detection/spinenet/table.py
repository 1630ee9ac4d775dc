"""Table: the searched architecture, block by block, and its five sizes."""

from typing import NamedTuple

BOTTLENECK, BASIC = 4, 1  # what a kind of residual unit multiplies its width by
STEM_CHANNELS = 64  # of the stem, whatever the variant's scale
_BASE_WIDTHS = {2: 64, 3: 128, 4: 256, 5: 256, 6: 256, 7: 256}


class Block(NamedTuple):
    """A stage of residual units at one level, fed by two earlier blocks.

    Args:
        level: The stride is 2 to this power.
        expansion: Output channels over width: `BOTTLENECK` or `BASIC`.
        parents: The two earlier blocks that are resampled and added.
        dangling: An earlier block of the same level and channels that feeds no other block and is
            added as it is.
    """

    level: int
    expansion: int
    parents: tuple[int, ...] = ()
    dangling: int | None = None


# The original finds the dangling block while it runs: to an output it adds every earlier map of the
# same shape that feeds nobody. Over this table that is 11 to 14, always; it is written down because
# in small or odd images maps of different levels are equal in shape.
BLOCKS = (
    Block(2, BOTTLENECK),
    Block(2, BOTTLENECK),
    Block(2, BOTTLENECK, (0, 1)),
    Block(4, BASIC, (0, 1)),
    Block(3, BOTTLENECK, (2, 3)),
    Block(4, BOTTLENECK, (2, 4)),
    Block(6, BASIC, (3, 5)),
    Block(4, BOTTLENECK, (3, 5)),
    Block(5, BASIC, (6, 7)),
    Block(7, BASIC, (6, 8)),
    Block(5, BOTTLENECK, (8, 9)),
    Block(5, BOTTLENECK, (8, 10)),
    Block(4, BOTTLENECK, (5, 10)),
    Block(3, BOTTLENECK, (4, 10)),
    Block(5, BOTTLENECK, (7, 12), dangling=11),
    Block(7, BOTTLENECK, (5, 14)),
    Block(6, BOTTLENECK, (12, 14)),
)
ENDPOINTS = (13, 12, 14, 16, 15)  # the blocks of P3 to P7


class Variant(NamedTuple):
    """A size of the network.

    Args:
        endpoint_channels: Channels of every output.
        width_scale: Factor on every block's width.
        alpha: Width inside a resampling edge over its parent's width.
        repeats: Residual units in every block.
    """

    endpoint_channels: int
    width_scale: float
    alpha: float
    repeats: int

    def width(self, block: Block) -> int:
        """Width of the block's residual units."""
        return int(_BASE_WIDTHS[block.level] * self.width_scale)

    def channels(self, block: Block) -> int:
        """Channels of the block's map."""
        return self.width(block) * block.expansion


VARIANTS = {
    "49S": Variant(128, 0.65, 0.5, 1),
    "49": Variant(256, 1.0, 0.5, 1),
    "96": Variant(256, 1.0, 0.5, 2),
    "143": Variant(256, 1.0, 1.0, 3),
    "190": Variant(512, 1.3, 1.0, 4),
}
