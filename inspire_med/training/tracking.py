"""Tracking: the same numbers to W&B or MLflow, for those who watch there; offline unless told."""

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from matplotlib.figure import Figure

from inspire_med.errors import InputError
from inspire_med.training.journal import Diary

_STEP = ("loss", "lr", "step_s", "data_wait_s")


class Diaries(Diary):
    """Several diaries that are told the same."""

    def __init__(self, diaries: Sequence[Diary]) -> None:
        self._diaries = diaries
        self._open = ExitStack()

    def __enter__(self) -> "Diaries":
        for diary in self._diaries:
            self._open.enter_context(diary)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def step(self, record: Mapping[str, Any], spent: float, elapsed_s: float) -> None:
        """Tell all of them."""
        for diary in self._diaries:
            diary.step(record, spent, elapsed_s)

    def validation(self, record: Mapping[str, Any]) -> None:
        """Tell all of them."""
        for diary in self._diaries:
            diary.validation(record)

    def picture(self, name: str, figure: Figure, step: int) -> None:
        """Tell all of them."""
        for diary in self._diaries:
            diary.picture(name, figure, step)

    def say(self, text: str) -> None:
        """Tell all of them."""
        for diary in self._diaries:
            diary.say(text)


class Wandb(Diary):
    """Weights & Biases, into RUN/wandb; WANDB_MODE=online sends it away as well.

    Args:
        run: The run folder; its name is the run's.
        options: The resolved options.
    """

    def __init__(self, run: Path, options: Mapping[str, Any]) -> None:
        wandb = _imported("wandb")
        os.environ.setdefault("WANDB_MODE", "offline")
        os.environ.setdefault("WANDB_SILENT", "true")
        self._run = wandb.init(
            project="inspire-med", name=run.name, dir=str(run), config=dict(options)
        )
        self._image = wandb.Image

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run.finish(0 if kind is None else 1)

    def step(self, record: Mapping[str, Any], spent: float, elapsed_s: float) -> None:
        """Log the scalars of a step."""
        self._run.log(_scalars(record), step=record["step"])

    def validation(self, record: Mapping[str, Any]) -> None:
        """Log Dice by region."""
        self._run.log(_dice(record), step=record["step"])

    def picture(self, name: str, figure: Figure, step: int) -> None:
        """Log a sample picture."""
        self._run.log({f"samples/{name}": self._image(figure)}, step=step)


class MLflow(Diary):
    """MLflow, into RUN/mlflow.db; MLFLOW_TRACKING_URI names another place.

    Args:
        run: The run folder; its name is the run's.
        options: The resolved options.
    """

    def __init__(self, run: Path, options: Mapping[str, Any]) -> None:
        self._mlflow = _imported("mlflow")
        uri = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{run / 'mlflow.db'}")
        self._mlflow.set_tracking_uri(uri)
        self._mlflow.set_experiment("inspire-med")
        self._mlflow.start_run(run_name=run.name)
        self._mlflow.log_params({name: str(value) for name, value in options.items()})

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._mlflow.end_run("FINISHED" if kind is None else "FAILED")

    def step(self, record: Mapping[str, Any], spent: float, elapsed_s: float) -> None:
        """Log the scalars of a step."""
        self._mlflow.log_metrics(_scalars(record), step=record["step"])

    def validation(self, record: Mapping[str, Any]) -> None:
        """Log Dice by region."""
        self._mlflow.log_metrics(_dice(record), step=record["step"])


TRACKERS: dict[str, Callable[[Path, Mapping[str, Any]], Diary]] = {
    "wandb": Wandb,
    "mlflow": MLflow,
}


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise InputError(
            f"--track: {name} is not installed; pip install 'inspire-med[{name}]'."
        ) from None


def _scalars(record: Mapping[str, Any]) -> dict[str, float]:
    return {f"train/{name}": record[name] for name in _STEP if record[name] is not None}


def _dice(record: Mapping[str, Any]) -> dict[str, float]:
    return {f"validation/dice_{region}": value for region, value in record["dice"].items()}
