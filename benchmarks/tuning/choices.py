"""What each of our own choices on a card is worth: one step each, in one process."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from benchmarks.tuning.ours import OursLeg

if TYPE_CHECKING:
    from benchmarks.tuning.bout import Bout
    from benchmarks.tuning.lap import TuningLap

PEFTS_OWN = "PEFT's own LoRA layers"
CHOICES: dict[str, dict[str, object]] = {
    "as it is": {},
    "flex": {"attention": "flex"},
    "segments": {"attention": "segments"},
    "without Liger": {"liger": False},
    "compiled layers, without Liger": {"liger": False, "compile": True},
    "recomputed activations": {"activation_checkpointing": True},
    "rows of 2,048 tokens": {"batch_tokens": 2_048},
    PEFTS_OWN: {},
}


class ChoosingLeg:
    """Trains a step with one changed setting."""

    def __init__(self, bout: Bout) -> None:
        self._bout = bout

    def lap(self, name: str) -> TuningLap | str:
        """Warm up and take one step; return what it cost, or why the setting does not work."""
        changed: dict[str, Any] = CHOICES[name]
        bout = replace(self._bout, settings=self._bout.settings.model_copy(update=changed))
        theirs = patch("training.method.use_lowrank") if name == PEFTS_OWN else nullcontext()
        try:
            with theirs:
                leg = OursLeg(bout)
                leg.lap(1)
                return leg.lap(1)
        except Exception as error:  # noqa: BLE001 - kernels fail in their own ways; it is reported
            return f"{type(error).__name__}: {error}"
