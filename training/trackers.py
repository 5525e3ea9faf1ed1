"""Where steps are shown besides the run's folder: TensorBoard, MLflow, Weights & Biases.

None is used unless it is named in `training.trackers`. What is sent are numbers of the steps, the
run's name and the training settings; never text. Where MLflow and W&B send it, they read from
their own variables (MLFLOW_TRACKING_URI, WANDB_MODE and so on).
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from typing import TYPE_CHECKING, Any, Protocol

from domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from domain.settings import TrainingSettings

PACKAGES = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}
"""What each tracker is imported as; pip knows it by the same name."""


class Tracker(Protocol):
    """Shows numbers over steps."""

    def track(self, variant: str, row: dict[str, float]) -> None:
        """Show one step of a variant."""
        ...

    def close(self) -> None:
        """Finish; nothing is tracked after this."""
        ...


def check_trackers(settings: TrainingSettings) -> None:
    """See that what is configured is installed, before anything is trained.

    Raises:
        ConfigError: It is not.
    """
    for name in settings.trackers:
        if importlib.util.find_spec(PACKAGES[name]) is None:
            raise ConfigError(
                f"{name} is not installed",
                where="training.trackers",
                expected=f"the package {PACKAGES[name]}",
                got="no such package",
                mend=f"pip install {PACKAGES[name]}, or take {name} out of training.trackers.",
            )


def open_trackers(settings: TrainingSettings, run: str, folder: Path) -> list[Tracker]:
    """Open every configured tracker; one that fails later is dropped with a line in the log.

    Args:
        settings: Their names, and what is told of the run.
        run: The run's name.
        folder: The run's training folder; TensorBoard's files go under it.

    Raises:
        ConfigError: A tracker cannot be opened.
    """
    told = settings.model_dump(mode="json", exclude={"base", "storage", "trackers"})
    opened: list[Tracker] = []
    for name in settings.trackers:
        try:
            opened.append(_Patient(name, _KINDS[name](run, folder, told)))
        except Exception as error:
            raise ConfigError(
                f"{name} cannot be opened",
                where="training.trackers",
                got=str(error).splitlines()[0] if str(error) else type(error).__name__,
                mend=f"See {name}'s own settings, or take it out of training.trackers.",
            ) from error
    return opened


class _TensorBoard:
    """One event folder per variant, so that the curves lie over one another."""

    def __init__(self, run: str, folder: Path, settings: dict[str, Any]) -> None:
        self._writer: Any = importlib.import_module("tensorboardX").SummaryWriter
        self._folder = folder / "tensorboard"
        self._open: dict[str, Any] = {}

    def track(self, variant: str, row: dict[str, float]) -> None:
        if variant not in self._open:
            self._open[variant] = self._writer(logdir=str(self._folder / variant), flush_secs=5)
        for name, value in _numbers(row).items():
            self._open[variant].add_scalar(f"train/{name}", value, int(row["step"]))

    def close(self) -> None:
        for writer in self._open.values():
            writer.close()


class _MLflow:
    """One MLflow run per variant, in an experiment named after ours."""

    def __init__(self, run: str, folder: Path, settings: dict[str, Any]) -> None:
        module: Any = importlib.import_module("mlflow")
        self._client: Any = module.MlflowClient()
        known = self._client.get_experiment_by_name(run)
        self._experiment = known.experiment_id if known else self._client.create_experiment(run)
        self._settings, self._open = settings, dict[str, str]()

    def track(self, variant: str, row: dict[str, float]) -> None:
        if variant not in self._open:
            made = self._client.create_run(self._experiment, run_name=variant)
            self._open[variant] = made.info.run_id
            for name, value in self._settings.items():
                self._client.log_param(made.info.run_id, name, value)
        for name, value in _numbers(row).items():
            self._client.log_metric(self._open[variant], name, value, step=int(row["step"]))

    def close(self) -> None:
        for run_id in self._open.values():
            self._client.set_terminated(run_id)


class _WandB:
    """One W&B run per variant, grouped under ours."""

    def __init__(self, run: str, folder: Path, settings: dict[str, Any]) -> None:
        self._module: Any = importlib.import_module("wandb")
        folder.mkdir(parents=True, exist_ok=True)
        self._shared = {"project": "rehearsal", "group": run, "dir": str(folder)}
        self._settings, self._open = settings, dict[str, Any]()

    def track(self, variant: str, row: dict[str, float]) -> None:
        if variant not in self._open:
            self._open[variant] = self._module.init(
                **self._shared, name=variant, config=self._settings, reinit="create_new"
            )
        self._open[variant].log(_numbers(row), step=int(row["step"]))

    def close(self) -> None:
        for one in self._open.values():
            one.finish()


_KINDS: dict[str, Callable[[str, Path, dict[str, Any]], Tracker]] = {
    "tensorboard": _TensorBoard,
    "mlflow": _MLflow,
    "wandb": _WandB,
}


class _Patient:
    """Drops a tracker that fails: training does not end because a dashboard is away."""

    def __init__(self, name: str, tracker: Tracker) -> None:
        self._name, self._tracker = name, tracker
        self._dropped = False

    def track(self, variant: str, row: dict[str, float]) -> None:
        self._try(lambda: self._tracker.track(variant, row))

    def close(self) -> None:
        self._try(self._tracker.close)

    def _try(self, act: Any) -> None:  # noqa: ANN401 - a call without arguments
        if self._dropped:
            return
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever a dashboard may raise
            self._dropped = True
            logging.getLogger(__name__).warning("%s is no longer told: %s", self._name, error)


def _numbers(row: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name != "step"}
