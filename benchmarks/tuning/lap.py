"""What one training run costs: CPU or seconds, tokens, and memory above an empty process."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmarks.meter import cpu_s

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATUS = Path("/proc/self/status")


@dataclass
class TuningLap:
    """One training run of a leg."""

    supervised: int = 0
    """Tokens with a loss."""
    tokens: int = 0
    """Tokens of the sequences, without padding."""
    computed: int = 0
    """Tokens that went through the model, padding included."""
    steps: int = 0
    """Optimiser steps taken."""
    cpu_s: float = 0.0
    """User and system time of the process from the first step to the last."""
    wall_s: float = 0.0
    peak_mb: float = 0.0
    """Most memory of the process so far, above what it took before it first loaded the base, in MB
    of 10^6 bytes; on a card, the most allocated there in this lap."""
    peak_absolute_mb: float = 0.0
    """The same, with what Python and the imports take."""
    attention: str = ""
    """The way that sequences of a row were kept apart, where we chose it."""
    adapter: str = ""
    """What was learned, as safetensors."""

    @property
    def supervised_per_cpu_s(self) -> float:
        """Supervised tokens per CPU second."""
        return self.supervised / self.cpu_s

    @property
    def tokens_per_cpu_s(self) -> float:
        """Tokens per CPU second, padding not counted."""
        return self.tokens / self.cpu_s


def resident_mb() -> float:
    """Resident memory of this process."""
    return _status("VmRSS")


def highest_mb() -> float:
    """The most resident memory that this process has had."""
    return _status("VmHWM")


def _status(key: str) -> float:
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"{_STATUS} has no {key}")


@contextmanager
def memory(lap: TuningLap, device: str, start_mb: float) -> Iterator[None]:
    """Note the peak; `start_mb` was resident before this process first loaded the base."""
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
    yield
    if device != "cpu":
        lap.peak_mb = lap.peak_absolute_mb = torch.cuda.max_memory_allocated() / 1e6
        return
    lap.peak_absolute_mb = highest_mb()
    lap.peak_mb = lap.peak_absolute_mb - start_mb


@contextmanager
def clock(lap: TuningLap, device: str) -> Iterator[None]:
    """Note CPU and wall time of the block."""
    _settle(device)
    cpu, wall = cpu_s(), time.perf_counter()
    yield
    _settle(device)
    lap.cpu_s, lap.wall_s = cpu_s() - cpu, time.perf_counter() - wall


def _settle(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()
