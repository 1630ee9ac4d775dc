"""Predictor: which models predict, and how; options of every command that loads them."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from inspire_med.cli.parser import CommandParser
from inspire_med.errors import InputError
from inspire_med.memory import bytes_of

if TYPE_CHECKING:
    from inspire_med.inference import Predictor


@dataclass(frozen=True)
class PredictorOptions:
    """Which models predict, and how.

    Args:
        run: Run folders of `train` (their best checkpoints are used), or model folders; several
            predict together, by the mean of their probabilities.
        fill_missing: Predict cases that lack some channels, which are zero to the network; it is
            said, and stands in the record beside the masks.
        tta: Average over all mirrored views; takes 4 times as long for images, 8 for volumes.
        windows: `largest` lets the network see as much of a case at a time as memory holds;
            `training` as much as it saw in training.
        memory: What a case's windows and answer may take, as in `6GiB`; null is what is free.
        postprocess: `stored`: by the rules that were found for the run or cross-validation, where
            there are any; `off`; or a YAML file of rules (docs/inference.md).
        precision: `auto` measures for a second which of the others is right and fast here.
        device: `auto`, `cpu` or `cuda`.
        threads: CPU threads; 0 leaves the choice to torch.
    """

    run: tuple[Path, ...] = ()
    fill_missing: bool = False
    tta: bool = False
    windows: Literal["largest", "training"] = "training"
    memory: str | None = None
    postprocess: str = "stored"
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto"
    device: str = "auto"
    threads: int = 0

    def load(self) -> "Predictor":
        """Load them; from here on torch has its threads, and keeps memory that was freed.

        Raises:
            InputError: As `Predictor.load`; also if the memory is no size.
        """
        import torch

        from inspire_med.inference import Predictor
        from inspire_med.inference.allocator import keep_freed_memory

        keep_freed_memory()
        if self.threads:
            torch.set_num_threads(self.threads)
        return Predictor.load(
            self.run,
            device=self.device,
            precision=self.precision,
            flips=self.tta,
            fill_missing=self.fill_missing,
            windows=self.windows,
            postprocess=self.postprocess,
            memory=None if self.memory is None else bytes_of(self.memory, "--memory"),
        )


def add_predictor(parser: CommandParser) -> None:
    """Let a parser take these options."""
    words = (
        "A run folder of train (its best checkpoint is used), a cross-validation's folder, or a "
        "model's folder or .zip; may be repeated: they predict together, by the mean of their "
        "probabilities."
    )
    parser.add_argument("--run", action="append", metavar="DIR", required=True, help=words)
    parser.add_class_arguments(PredictorOptions, as_group=False, skip={"run"})


def take_predictor(values: dict[str, Any]) -> PredictorOptions:
    """Take these options out of all that were parsed.

    Raises:
        InputError: If a number makes no sense.
    """
    run = values["run"]
    values["run"] = tuple(map(Path, [run] if isinstance(run, str) else run))
    own = {each.name: values.pop(each.name) for each in fields(PredictorOptions)}
    found = PredictorOptions(**own)
    if found.threads < 0:
        raise InputError(f"--threads: {found.threads} is too small; give at least 0.")
    return found
