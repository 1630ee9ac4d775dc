"""Deep supervision: logits at several levels, for training only."""

from torch import Tensor, nn

from inspire_med.blocks.pointwise import Pointwise
from inspire_med.blocks.resize import resize
from inspire_med.networks.unet import UNet


class DeepSupervision(nn.Module):
    """A U-Net with a linear head on each of its finest decoder levels.

    Args:
        network: The network to train; it keeps its own head and is what is saved.
        levels: Outputs of a pass, the network's own included.
        every_pass: Whether earlier passes are supervised too, at the levels they run through.

    Shape:
        - Input: `(batch, in_channels, *spatial)`.
        - Output: `levels` logits, fine to coarse, the first at the image's size, the others at
          their level's own; then those of the passes before, the later ones first.

    Raises:
        ValueError: If `levels` is less than 1 or more than the network's levels.
    """

    def __init__(self, network: UNet, levels: int = 2, *, every_pass: bool = False) -> None:
        super().__init__()
        if not 1 <= levels <= len(network.channels):
            raise ValueError(
                f"levels={levels}: the network has {len(network.channels)} levels; "
                f"choose 1 to {len(network.channels)}."
            )
        self.network = network
        self.every_pass = every_pass
        self.heads = nn.ModuleList(
            Pointwise(channels, network.out_channels)
            for channels in network.decoder_widths[1:levels]
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """Give the logits of every supervised level."""
        *before, last = self._supervised_pyramids(image)
        finest, *coarser = self._logits(last)
        logits = [resize(finest, image.shape[2:]), *coarser]
        for pyramid in reversed(before):
            logits += self._logits(pyramid)
        return logits

    def _supervised_pyramids(self, image: Tensor) -> list[list[Tensor]]:
        """List the passes' pyramids, or the last alone."""
        return (
            list(self.network.pyramids(image)) if self.every_pass else [self.network.pyramid(image)]
        )

    def _logits(self, pyramid: list[Tensor]) -> list[Tensor]:
        """Give the logits of those supervised levels that the pyramid has."""
        heads = [self.network.head, *self.heads]
        missing = len(self.network.decoder_widths) - len(pyramid)
        supervised = heads[missing:]
        return [head(p) for head, p in zip(supervised, pyramid[: len(supervised)], strict=True)]
