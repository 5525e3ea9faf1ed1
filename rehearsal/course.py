"""What a running campaign says of itself: what is foretold, and why nothing happens."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from campaigns.forecast import forecast
from campaigns.now import patience_of
from domain.endpointstate import Phase
from domain.gate import LEAST_PATIENCE_S
from engine.live import read_live
from rehearsal.beat import EVERY_S
from rehearsal.enough import enough_by
from rehearsal.wording import short, span, spread, usd

if TYPE_CHECKING:
    from campaigns.forecast import Forecast
    from domain.endpointstate import EndpointState, PauseState
    from domain.errors import BudgetReachedError
    from domain.progress import Progress
    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from engine.live import LiveState

BRIEF_S = 5.0
"""Shorter waits that an endpoint asks for come and go, and are no news."""
FAR_S = 1e9
"""No moment further off than thirty years is named."""


class Foretelling:
    """A `Progress` that adds what the live file says to each of the campaign's steps.

    `beat` says it again where no session has ended since: an endpoint that stopped answering ends
    none.
    """

    def __init__(self, progress: Progress, folder: RunFolder, settings: Settings) -> None:
        self._progress = progress
        self._folder = folder
        self._settings = settings
        self._note = ""
        self._looked = float("-inf")
        self._last: tuple[int, int] | None = None

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Pass the step on."""
        going = stage == "sessions" and done < total
        if going:
            note = note or self._said()
        self._last = (done, total) if going else None
        self._progress(stage, done, total, note)

    def beat(self) -> None:
        """Say how things stand, though nothing may have happened."""
        if self._last is not None:
            self._progress("sessions", *self._last, self._said())

    def _said(self) -> str:
        now = time.monotonic()
        if now - self._looked >= EVERY_S:
            self._looked = now
            found = read_live(self._folder.live)
            self._note = "" if found is None else self._note_of(found[0])
        return self._note

    def _note_of(self, live: LiveState) -> str:
        if live.over:
            return ""
        stuck = [
            f"{one.base_url} {paused(one, patience_of(self._settings, one.base_url))}"
            for one in live.endpoints
            if is_paused(one)
        ]
        known = None if stuck else forecast(live)
        return "; ".join(stuck) if known is None else foretold(known)


def is_paused(state: EndpointState) -> bool:
    """Whether nothing is sent to the endpoint: it answers nothing, or asks for a longer wait."""
    if state.pause is None:
        return False
    if state.phase is Phase.HELD:
        return state.pause.since_s + state.pause.probe_in_s >= BRIEF_S
    return state.phase in {Phase.PAUSED, Phase.PROBING}


def paused(state: EndpointState, patience_s: float | None) -> str:
    """Say since when, why, when it is tried again, and when the run gives up.

    Args:
        state: An endpoint with a pause.
        patience_s: Seconds that a call puts up with it; None where that is not known.
    """
    pause = state.pause
    if pause is None:
        return ""
    if state.phase is Phase.HELD:
        said = [f"held for {span(pause.since_s)}"]
    else:
        said = [f"paused for {span(pause.since_s)}: {pause.why}"]
    if pause.asked_s > 0:
        said.append(f"the endpoint asks to wait {_until(pause.asked_s)}")
    said += _next_try(pause, patience_s)
    return "; ".join(said)


def _next_try(pause: PauseState, patience_s: float | None) -> tuple[str, ...]:
    """Say when the endpoint is tried again and when calls fail there, whichever is sooner."""
    soon = f"next try in {span(pause.probe_in_s)}"
    if patience_s is None:
        return (soon,)
    left = max(patience_s, LEAST_PATIENCE_S) - pause.since_s
    named = f"{patience_s:g}"
    if patience_s < LEAST_PATIENCE_S:
        named += f", at least {LEAST_PATIENCE_S:g}"
    if left <= 0:
        return soon, f"patience_s ({named}) is over: calls that have waited so long are given up"
    if left >= pause.probe_in_s:
        return soon, f"gives up in {span(left)} (patience_s: {named})"
    if pause.asked_s <= left:
        return (f"last try in {span(left)}, then the run gives up (patience_s: {named})",)
    return (  # it is not tried before it asks to be
        f"next try would be in {span(pause.probe_in_s)}",
        f"the run gives up before, in {span(left)} (patience_s: {named})",
    )


def _until(seconds: float) -> str:
    """Say when so many seconds are over: `until 14:05:10 (588 s)`, with the day if not today."""
    if seconds > FAR_S:
        return f"{seconds:.3g} s"
    now = datetime.now().astimezone()
    then = now + timedelta(seconds=seconds)
    day = "" if then.date() == now.date() else f"{then:%Y-%m-%d} "
    return f"until {day}{then:%H:%M:%S} ({seconds:,.0f} s)"


def foretold(known: Forecast) -> str:
    """Say a forecast in a line: `expected 4.9M tokens (4.7M to 5.1M), 3 min to go`."""
    said = f"expected {short(known.tokens.expected)} tokens "
    said += f"({short(known.tokens.low)} to {short(known.tokens.high)})"
    if known.usd.expected:
        said += f", {spread(known.usd, usd)}"
    if known.seconds_left is not None:
        said += f", {span(known.seconds_left.expected)} to go"
    return said


def named(error: BudgetReachedError, folder: RunFolder, settings: Settings) -> BudgetReachedError:
    """Return the error with the run's own folder in its mend, and a budget that would suffice."""
    mend = error.mend.replace("resume RUN", f'resume "{folder.root}"')
    found = read_live(folder.live)
    budget = enough_by(found[0], settings.campaign, error.what) if found is not None else ""
    if budget and " --budget " in mend:
        begin, _, rest = mend.partition(" --budget ")
        mend = f"{begin}{budget}`{rest.partition('`')[2]}"
    return type(error)(error.what, **{**error.fields(), "mend": mend})
