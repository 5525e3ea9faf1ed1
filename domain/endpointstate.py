"""What is known of an endpoint while a run uses it; `campaign status` and `watch` show it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from domain.base import Noun


class Phase(StrEnum):
    """What a run is doing about an endpoint's limit."""

    STARTING = "starting"
    """The limit doubles with every round trip, until the first sign that it is too high."""
    STEADY = "steady"
    """The limit stays near what was found, and probes gently for more."""
    HELD = "held"
    """The endpoint asked for a pause by Retry-After; no call is sent before it is over."""
    PAUSED = "paused"
    """The circuit is open: nothing but failures came back, no call is sent."""
    PROBING = "probing"
    """One call is sent to a paused endpoint, to see whether it is back."""


class PauseState(Noun):
    """Why nothing is sent to an endpoint, and until when. Seconds are as of the state's making."""

    why: str
    since_s: float
    """Seconds since it was first left alone and nothing was answered."""
    probe_in_s: float
    """Seconds until one call is tried; 0 while it is under way or waits for one to send."""
    asked_s: float = 0.0
    """Seconds more that the endpoint asks to be left alone, by Retry-After; 0 where it does not."""


class EndpointState(Noun):
    """One endpoint as the steward sees it, over all workers."""

    base_url: str
    phase: Phase
    limit: int
    """Calls that may be under way there now."""
    ceiling: int
    """The most that the run file allows."""
    in_flight: int
    waiting: int
    """Calls that wait for their turn."""
    answered: int
    """Calls that an answer came back for, since the run began."""
    refused: int
    """Calls refused for being too many (429, 503, 529), since the run began."""
    refused_share: float
    """Of the calls that ended in the last minute; 0 where there was none."""
    latency_ms: float | None
    """Recent geometric mean over the roles' calls; None before the first answer."""
    unloaded_ms: float | None
    """The same where the endpoint has no queue, as far as is known."""
    errors: dict[str, int] = Field(default_factory=dict)
    """What failed in the last minute, by outcome."""
    last_error: str = ""
    """What the endpoint said last when it failed, for people."""
    pause: PauseState | None = None
    """Given while the endpoint is held, paused or probed."""
