"""Deep supervision: logits at several levels, for training only."""

from torch import Tensor, nn

from inspire_med.blocks.pointwise import Pointwise
from inspire_med.blocks.resize import resize
from inspire_med.networks.unet import UNet


class DeepSupervision(nn.Module):
    """A U-Net with a linear head on each of its finest decoder levels.

    Args:
        network: The network to train; it keeps its own head and is what is saved.
        levels: Outputs in all, the network's own included.

    Shape:
        - Input: `(batch, in_channels, *spatial)`.
        - Output: `levels` logits, fine to coarse, the first at the image's size, the others at
          their level's own.

    Raises:
        ValueError: If `levels` is less than 1 or more than the network's levels.
    """

    def __init__(self, network: UNet, levels: int = 2) -> None:
        super().__init__()
        if not 1 <= levels <= len(network.channels):
            raise ValueError(
                f"levels={levels}: the network has {len(network.channels)} levels; "
                f"choose 1 to {len(network.channels)}."
            )
        self.network = network
        self.heads = nn.ModuleList(
            Pointwise(channels, network.out_channels) for channels in network.widths[1:levels]
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """Give the logits of every supervised level."""
        pyramid = self.network.pyramid(image)
        logits = [resize(self.network.head(pyramid[0]), image.shape[2:])]
        coarser = pyramid[1 : len(self.heads) + 1]
        return logits + [head(p) for head, p in zip(self.heads, coarser, strict=True)]
