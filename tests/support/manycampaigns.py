"""Campaigns of random sessions in virtual time, to see how often a forecast holds.

Sessions as a campaign has them: a few fixed calls, exchanges up to an end that is drawn, then up
to three revisions that play a part of it again. Some clients talk more than others; prompts grow
with the session, and an answer takes as long as it is. A fixed number is in flight.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.live import LiveState, survey_of
from engine.spending.budget import NOTHING, Spend
from engine.spending.cohort import Cohort

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Played:
    """One session: what its calls cost in tokens, and when each returns."""

    tokens: list[int]
    ends: list[float]
    """Seconds since the campaign began."""


@dataclass(frozen=True)
class Seen:
    """What is known at one moment, and what the campaign comes to."""

    live: LiveState
    tokens: int
    calls: int


def campaign(
    random: np.random.Generator, sessions: int, in_flight: int, shares: tuple[float, ...]
) -> Iterator[Seen]:
    """Play one campaign; yield how it stands when each share of its sessions has finished."""
    played = list(_play(random, sessions, in_flight))
    tokens = sum(sum(session.tokens) for session in played)
    calls = sum(len(session.tokens) for session in played)
    finished = sorted(session.ends[-1] for session in played)
    cohort, done = Cohort(), [-1] * sessions
    for share in shares:
        now = finished[int(share * sessions)]
        for number, session in enumerate(played):
            _advance(cohort, number, session, done, now)
        yield Seen(_live(cohort, sessions, played, done), tokens, calls)


def _play(random: np.random.Generator, sessions: int, in_flight: int) -> Iterator[Played]:
    free = [0.0] * in_flight
    for _ in range(sessions):
        began = heapq.heappop(free)
        tokens, seconds = _session(random)
        ends = (began + np.cumsum(seconds)).tolist()
        heapq.heappush(free, ends[-1])
        yield Played(tokens.tolist(), ends)


def _session(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return tokens and seconds of each call."""
    turns = 2 * int(random.integers(4, 13))
    parts = [(0, turns)]
    for _ in range(random.choice(4, p=[0.4, 0.3, 0.2, 0.1])):
        parts.append((int(random.integers(0, turns)), turns))
    places = np.concatenate([[*range(start, end), end] for start, end in parts])
    answers = random.lognormal(0, 0.2) * 60 * random.lognormal(0, 0.5, len(places))
    tokens = 400 + 60 * places + answers
    return tokens.astype(int), 0.2 + answers * 0.02


def _advance(cohort: Cohort, number: int, session: Played, done: list[int], now: float) -> None:
    """Tell the cohort what one session has done up to `now`."""
    began = session.ends[0] - 0.2 <= now or done[number] >= 0
    if not began or done[number] == len(session.ends):
        return
    name = str(number)
    if done[number] < 0:
        cohort.begin(name)
        done[number] = 0
    made = bisect_right(session.ends, now)
    for tokens in session.tokens[done[number] : made]:
        cohort.paid(name, Spend(1, tokens, tokens), "ok")
    done[number] = made
    if made == len(session.ends):
        cohort.finish(name, "accepted")


def _live(cohort: Cohort, sessions: int, played: list[Played], done: list[int]) -> LiveState:
    progress = cohort.progress()
    spent = NOTHING
    for session, made in zip(played, done, strict=True):
        tokens = sum(session.tokens[: max(0, made)])
        spent += Spend(max(0, made), tokens, tokens)
    return LiveState(
        host="", clock_s=0, seconds=10, planned=sessions, finished=dict(progress.finished),
        in_flight=progress.in_flight, spent=(spent.calls, spent.tokens, spent.pico),
        survey=survey_of(progress.course), calls_per_second=10,
    )  # fmt: skip
