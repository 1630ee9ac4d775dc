"""Trackers: where the curves of a run are looked at: TensorBoard always, W&B or MLflow if asked."""

import hashlib
import importlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter

from inspire_med.errors import InputError
from inspire_med.files import read_json


class Tracker(Protocol):
    """Shows the numbers and pictures of a run."""

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Show numbers of a step by name."""
        ...

    def picture(self, name: str, figure: Figure, step: int) -> None:
        """Show a sample picture."""
        ...

    def close(self, *, failed: bool) -> None:
        """End the session."""
        ...


class TensorBoard:
    """Into RUN/tensorboard.

    Args:
        run: The run folder.
        step: Step that the run goes on from; what was shown of later ones is taken back.
    """

    def __init__(self, run: Path, step: int) -> None:
        self._writer = SummaryWriter(run / "tensorboard", purge_step=step + 1 if step else None)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Show numbers of a step by name."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def picture(self, name: str, figure: Figure, step: int) -> None:
        """Show a sample picture."""
        self._writer.add_figure(name, figure, step, close=False)

    def close(self, *, failed: bool) -> None:
        """Write what is left."""
        self._writer.close()


class Wandb:
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
            project="inspire-med",
            name=run.name,
            dir=str(run),
            config=dict(options),
            id=_identity(run),
            resume="allow",
            allow_val_change=True,
        )
        self._image = wandb.Image

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Show numbers of a step by name."""
        self._run.log(dict(values), step=step)

    def picture(self, name: str, figure: Figure, step: int) -> None:
        """Show a sample picture."""
        self._run.log({name: self._image(figure)}, step=step)

    def close(self, *, failed: bool) -> None:
        """End W&B's run."""
        self._run.finish(exit_code=int(failed))


class MLflow:
    """MLflow, into RUN/mlflow.db and RUN/mlruns; MLFLOW_TRACKING_URI names another place.

    Args:
        run: The run folder; its name is the run's.
        options: The resolved options.
    """

    def __init__(self, run: Path, options: Mapping[str, Any]) -> None:
        self._mlflow = _imported("mlflow")
        here = "MLFLOW_TRACKING_URI" not in os.environ  # which set_tracking_uri sets
        if here:
            self._mlflow.set_tracking_uri(f"sqlite:///{run / 'mlflow.db'}")
        if self._mlflow.get_experiment_by_name("inspire-med") is None:
            place = (run / "mlruns").as_uri() if here else None
            self._mlflow.create_experiment("inspire-med", artifact_location=place)
        self._mlflow.set_experiment("inspire-med")
        tags = {"inspire_med.run": _identity(run)}
        before = self._mlflow.search_runs(
            experiment_names=["inspire-med"],
            filter_string=f"tags.`inspire_med.run` = '{tags['inspire_med.run']}'",
            output_format="list",
        )
        if before:
            self._mlflow.start_run(run_id=before[0].info.run_id)
        else:
            self._mlflow.start_run(run_name=run.name, tags=tags)
            self._mlflow.log_params({name: str(value) for name, value in options.items()})

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Show numbers of a step by name."""
        self._mlflow.log_metrics(dict(values), step=step)

    def picture(self, name: str, figure: Figure, step: int) -> None:
        """Show a sample picture."""
        self._mlflow.log_figure(figure, f"{name}-step{step:06d}.png")

    def close(self, *, failed: bool) -> None:
        """End MLflow's run."""
        self._mlflow.end_run("FAILED" if failed else "FINISHED")


TRACKERS: dict[str, Callable[[Path, Mapping[str, Any]], Tracker]] = {
    "wandb": Wandb,
    "mlflow": MLflow,
}


def _identity(run: Path) -> str:
    """The same for every session of a run: the hash of what `run.json` says of its first."""
    first = read_json(run / "run.json")["sessions"][0]
    return hashlib.sha256(json.dumps(first, sort_keys=True).encode()).hexdigest()[:16]


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise InputError(
            f"--track: {name} is not installed; pip install 'inspire-med[{name}]'."
        ) from None
