"""An answer that must fit a schema against one that need not, to the same messages.

The plain call's answer is the same critique. What only speech needs, the search for what is no
turn, is left out of it: a critique is longer than any turn, and the plain call would seem dear.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agents.forms import critique_form
from agents.journal import NullJournal
from agents.llm import RoleModel, close_line
from agents.pack import load_pack
from agents.supervisor import answer_check
from benchmarks.answers import CRITIC
from benchmarks.meter import Lap, measured
from benchmarks.raw import read_tape
from domain.call import CallKey, Role
from domain.settings import RoleSettings
from domain.turn import Speaker, Turn

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.course import Shape
    from domain.call import CallResult

CALLS = 1500


class StructuredLane:
    """Laps of `RoleModel.ask` or `RoleModel.say` with recorded requests for critiques."""

    def __init__(self, base_url: str, tape: Path, in_flight: int, shape: Shape) -> None:
        self._settings = RoleSettings(
            base_url=base_url, model=CRITIC, concurrency=in_flight, max_tokens=4000
        )
        sessions = read_tape(tape)
        self._requests = [session[-1]["messages"] for session in sessions]
        speakers = (Speaker.THERAPIST, Speaker.CLIENT)
        turns = [Turn(index=n, speaker=speakers[n % 2], text="-") for n in range(shape.exchanges)]
        pack = load_pack("cbt")
        self._form, self._check = critique_form(pack), answer_check(pack, turns)
        self._draft = shape.revisions
        self._in_flight = in_flight
        for structured in (True, False):
            self.lap(structured)

    def lap(self, structured: bool) -> Lap:
        """Make `CALLS` calls and return the cost."""
        with measured(CALLS) as lap:
            asyncio.run(self._run(structured=structured))
        return lap

    async def _run(self, *, structured: bool) -> None:
        model = RoleModel(Role.SUPERVISOR, self._settings, NullJournal())
        left = iter(range(CALLS))

        async def work() -> None:
            for number in left:
                messages = self._requests[number % len(self._requests)]
                key = CallKey(session=f"s{number}", draft=self._draft, step=0, attempt=0)
                if structured:
                    await model.ask(messages, self._form, key, number, self._check)
                else:
                    await model.say(messages, key, number, _as_it_is)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._in_flight):
                    group.create_task(work())
        finally:
            await close_line()


def _as_it_is(result: CallResult) -> CallResult:
    return result
