"""Job: one training of a comparison, with what is made of it."""

from dataclasses import dataclass
from pathlib import Path

from inspire_med.cases.case import Case
from inspire_med.config import TrainConfig
from inspire_med.evaluation.origin import RECORD
from inspire_med.evaluation.protocols import MapProtocol, Protocol


@dataclass(frozen=True)
class Job:
    """One training, and what is made of it.

    Attributes:
        variant: The network.
        seed: The seed.
        fold: Fold that is predicted and scored; the others are trained on.
        folder: Holds run, predictions and scores.
        config: Options of the training.
        cases: Cases of the fold.
        protocol: What the predictions are scored by.
    """

    variant: str
    seed: int
    fold: int
    folder: Path
    config: TrainConfig
    cases: tuple[Case, ...]
    protocol: Protocol

    @property
    def name(self) -> str:
        """What people read, as in `ise+isa/seed0`."""
        return f"{self.variant}/{self.folder.name}"

    @property
    def log(self) -> Path:
        """What its commands said."""
        return self.folder / "log.txt"

    @property
    def run(self) -> Path:
        """The run folder of its training."""
        return self.folder / "run"

    @property
    def predictions(self) -> Path:
        """Folder of its masks."""
        return self.folder / "predictions"

    @property
    def record(self) -> Path:
        """What predict says of the masks, seconds among it; written once all are there."""
        return self.predictions / RECORD

    @property
    def scores(self) -> Path:
        """Folder of its scores."""
        return self.folder / "scores"

    @property
    def wants_probabilities(self) -> bool:
        """Whether its predictions are scored as grey maps."""
        return isinstance(self.protocol, MapProtocol)
