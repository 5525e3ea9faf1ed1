"""Our leg: what `rehearsal train` runs (`training.loop` and what it begins with), in its order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file

from benchmarks.tuning.lap import TuningLap, clock, memory, resident_mb
from training.loop import take_step
from training.material import plan_of
from training.models import hush
from training.opening import begin
from training.ranks import Ranks
from training.trainee import trained_weights

if TYPE_CHECKING:
    from benchmarks.tuning.bout import Bout


class OursLeg:
    """Trains as `rehearsal train` does, without checkpoints."""

    def __init__(self, bout: Bout) -> None:
        hush()
        torch.set_num_threads(bout.threads)
        self._bout = bout
        self._plan = plan_of(bout.job)
        self._start_mb = resident_mb()

    def lap(self, steps: int) -> TuningLap:
        """Take the first `steps` steps from the beginning."""
        job, plan, lap = self._bout.job, self._plan, TuningLap()
        ranks = Ranks(device=torch.device(self._bout.device))
        with memory(lap, self._bout.device, self._start_mb):
            trainee = begin(job, ranks)
            with clock(lap, self._bout.device):
                for number in range(steps):
                    take_step(job, ranks, trainee, plan.steps[number], len(plan.steps))
        taken = [one for number in range(steps) for one in plan.steps[number]]
        lap.steps = len(trainee.log)
        lap.supervised = int(trainee.log[-1]["supervised_tokens"])
        lap.tokens = sum(map(len, taken))
        lap.computed = int(sum(row["computed_tokens"] for row in trainee.log))
        lap.attention = trainee.path.attention
        lap.adapter = str(Path(self._bout.scratch) / "ours.safetensors")
        learned = trained_weights(trainee.model)
        save_file({name: one.detach().cpu() for name, one in learned.items()}, lap.adapter)
        return lap
