"""Another session engine, where it is installed: sdialog, from the dependency group `bench`."""

from __future__ import annotations

import os
from contextlib import redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.meter import Lap, measured
from benchmarks.raw import read_tape

if TYPE_CHECKING:
    from benchmarks.course import Shape

SDIALOG_MISSING = 'sdialog is not installed: pip install --group bench (or "pip install sdialog")'


def has_sdialog() -> bool:
    """Whether sdialog can be imported."""
    return find_spec("sdialog") is not None


class SdialogLane:
    """Sessions between two of its agents, one after another: it plays no two at a time.

    A session has as many utterances as ours; sdialog has no critic of its own here. Agents are made
    anew for each session, as each has its own persona.
    """

    def __init__(self, base_url: str, tape: Path, sessions: int, shape: Shape) -> None:
        self._model = {"model": "openai:stub", "base_url": base_url, "api_key": "none"}
        self._prompts = [session[0]["messages"][0]["content"] for session in read_tape(tape)]
        self._sessions = sessions
        self._turns = 2 * (shape.exchanges + shape.revisions)
        self.lap()

    def lap(self) -> Lap:
        """Play the sessions once."""
        with (
            Path(os.devnull).open("w") as nowhere,
            redirect_stderr(nowhere),  # progress bars
            measured(self._sessions * self._turns) as lap,
        ):
            for number in range(self._sessions):
                self._play(self._prompts[number % len(self._prompts)])
        return lap

    def _play(self, prompt: str) -> None:
        from sdialog.agents import Agent

        therapist = Agent(system_prompt=prompt, name="Therapist", **self._model)
        client = Agent(system_prompt=prompt, name="Client", **self._model)
        dialogue = therapist.dialog_with(client, max_turns=self._turns)
        if len(dialogue) != self._turns:
            raise RuntimeError(f"a dialogue of sdialog ended after {len(dialogue)} turns")
