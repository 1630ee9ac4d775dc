"""Network: an exported program, loaded without running what a pickle could hold."""

import json
import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export.passes import move_to_device_pass

_PICKLES = ("/data/weights/", "/data/constants/")  # folders whose lists say what is a pickle


class Exported(nn.Module):
    """A program of `torch.export` with the face of any other network.

    Args:
        file: A .pt2 file.
        device: Where it runs.

    Raises:
        ValueError: If there is a pickle in the file, which could run code.
    """

    def __init__(self, file: str, device: torch.device) -> None:
        super().__init__()
        refuse_pickles(Path(file))
        program = move_to_device_pass(torch.export.load(file), device)
        self.network = program.module()

    def forward(self, image: Tensor) -> Tensor:
        """From `(batch, channels, *spatial)` to logits `(batch, regions, *spatial)`."""
        return self.network(image)

    def train(self, mode: bool = True) -> "Exported":
        """Leave it as it was exported, in evaluation mode; a program has no other."""
        return self


def refuse_pickles(file: Path) -> None:
    """Refuse an archive of which torch would unpickle a part.

    Raises:
        ValueError: If there is one.
    """
    with zipfile.ZipFile(file) as archive:
        for part in archive.infolist():
            name = "/" + part.filename.partition("/")[2]
            listed = name.startswith(_PICKLES) and name.endswith("_config.json")
            payloads = json.loads(archive.read(part))["config"].values() if listed else ()
            if (
                (name.startswith("/data/sample_inputs/") and part.file_size)
                or (name.startswith(_PICKLES) and name.endswith(".pt"))
                or any(payload["use_pickle"] for payload in payloads)
            ):
                raise ValueError(f"{file}: {part.filename} is a pickle, which could run code")
