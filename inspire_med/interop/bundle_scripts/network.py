"""Network: an exported program, loaded without running what the file could hold."""

import torch
from torch import Tensor, nn
from torch.export.passes import move_to_device_pass

from inspire_med.interop.standalone.plain_program import refuse_code


class Exported(nn.Module):
    """A program of `torch.export` with the face of any other network.

    Args:
        file: A .pt2 file.
        device: Where it runs.

    Raises:
        ValueError: As `refuse_code`.
    """

    def __init__(self, file: str, device: torch.device) -> None:
        super().__init__()
        refuse_code(file)
        program = move_to_device_pass(torch.export.load(file), device)
        self.network = program.module()

    def forward(self, image: Tensor) -> Tensor:
        """From `(batch, channels, *spatial)` to logits `(batch, regions, *spatial)`."""
        return self.network(image)

    def train(self, mode: bool = True) -> "Exported":
        """Leave it as it was exported, in evaluation mode; a program has no other."""
        return self
