"""Model: a network with all that is needed to use it, as safetensors and JSON.

A model folder holds `weights.safetensors` and `model.json`. Loading runs no code: tensors and text
only, and the weights are checked against the sha256 in the JSON before they are used.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from msgspec import ValidationError, convert, to_builtins
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from inspire_med.errors import InputError
from inspire_med.files import read_json, sha256, write_json
from inspire_med.inference.precision import Precision
from inspire_med.networks import build_network
from inspire_med.tasks.find import as_stored, from_stored
from inspire_med.tasks.task import Preparation, Task

WEIGHTS = "weights.safetensors"
CARD = "model.json"


@dataclass(frozen=True)
class ModelCard:
    """What a network is and how a case must be brought to it.

    Args:
        task: What is segmented.
        channels: Names of the input channels, in the network's order.
        regions: Name of each output region and the label values it is made of, in output order.
        network: Description that `build_network` turns into the network.
        preparation: How a case becomes what the network sees.
        patch_size: Voxels of the sliding window along each axis.
        precision: Precision it was trained in, a Fabric name such as `bf16-mixed`.
        manifest_hash: Of the data set that it was trained on, folds and all; empty in older cards.
    """

    task: Task
    channels: tuple[str, ...]
    regions: dict[str, tuple[int, ...]]
    network: dict[str, Any]
    preparation: Preparation
    patch_size: tuple[int, ...]
    precision: Precision
    manifest_hash: str = ""

    def to_json(self) -> dict[str, Any]:
        """All fields, JSON-able."""
        return {**asdict(self), **as_stored(self.task)}


def write_model(folder: Path, card: ModelCard, network: nn.Module) -> None:
    """Write weights and card into `folder`; the caller makes the folder appear atomically."""
    save_tensors(folder / WEIGHTS, weights_of(network))
    write_json(folder / CARD, {"format": 1, **card.to_json(), "sha256": sha256(folder / WEIGHTS)})


def read_card(folder: Path) -> ModelCard:
    """Read the card of a model folder.

    Raises:
        InputError: If the card is missing, unreadable or of another format.
    """
    content = read_json(folder / CARD)
    try:
        if content["format"] != 1:
            raise KeyError("format")
        task = from_stored(content)
        return ModelCard(
            task=task,
            channels=tuple(content["channels"]),
            regions={name: tuple(values) for name, values in content["regions"].items()},
            network=content["network"],
            preparation=_preparation_of(content, task),
            patch_size=tuple(content["patch_size"]),
            precision=content["precision"],
            manifest_hash=content.get("manifest_hash", ""),
        )
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise InputError(
            f"{folder / CARD}: not a model card ({error!r}); train or export the model again."
        ) from None


def _preparation_of(content: Mapping[str, Any], task: Task) -> Preparation:
    """The preparation of a card; an older one's network sees volumes as they are stored."""
    if "preparation" in content:
        return convert(content["preparation"], Preparation)
    usual = to_builtins(task.preparation)
    return convert({**usual, **content["preprocess"], "orientation": None}, Preparation)


def read_model(folder: Path) -> tuple[ModelCard, nn.Module]:
    """Read a model folder into its card and its network, in evaluation mode on the CPU.

    Raises:
        InputError: If a file is missing or damaged, or if weights and card do not belong together.
    """
    card = read_card(folder)
    check_sha256(folder / WEIGHTS, read_json(folder / CARD).get("sha256", "none"))
    network = build_network(card.network)
    load_weights(network, folder / WEIGHTS)
    return card, network.eval()


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Every tensor of a network once, under its first name.

    The passes of an unrolled network share their parameters, so the state dict repeats them.
    """
    weights: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in network.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            weights[name] = tensor.detach()
    return weights


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill a network with what `weights_of` gave.

    Raises:
        InputError: If names or shapes are another network's.
    """
    stored, own = load_file(path), weights_of(network)
    strange = sorted(stored.keys() ^ own.keys())
    strange += [n for n in own.keys() & stored.keys() if own[n].shape != stored[n].shape]
    if strange:
        raise InputError(
            f"{path}: does not fit the network of {CARD} (see {strange[0]}); "
            "take both files from the same checkpoint."
        )
    network.load_state_dict(stored, strict=False)  # the repeated names are the same tensors


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors as safetensors, each in its plain memory order."""
    path.touch()
    mode = path.stat().st_mode  # by the umask, where safetensors writes for its user alone
    save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, path)
    path.chmod(mode)


def check_sha256(path: Path, expected: str) -> None:
    """Compare a file with the sum that was written beside it.

    Raises:
        InputError: If the file is missing or is not what was written.
    """
    if not path.is_file():
        raise InputError(f"{path}: missing; take the whole folder of the checkpoint.")
    if sha256(path) != expected:
        raise InputError(f"{path}: damaged (its sha256 differs); use another checkpoint.")
