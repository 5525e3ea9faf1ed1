"""Sessions with a text planted in a client's turn, as they are or read from an imported file."""

from __future__ import annotations

import json
import random
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.dialogue import turns_of
from corpus.gather import Gathering
from corpus.speakers import assign_roles
from domain.base import Noun, seed_of
from domain.turn import Speaker, Turn
from evaluation.injection.payloads import Payload, payloads
from evaluation.planted.twins import CLEAN, Twin, twins_of
from measures.risk import risk_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agents.phases import Phases
    from domain.scenario import PlanItem

FLAWED = "belittling"
"""The kind of flaw of the session that ought to be rejected; see evaluation/planted/kinds.yaml."""


class Route(StrEnum):
    """How the text gets to the supervisor."""

    TURN = "client_turn"
    """Said by the client in a simulated session."""
    IMPORTED = "imported"
    """In a transcript that is imported from a file."""


class Planted(Noun):
    """One session to be read; `payload` is its number, None where nothing is planted (control).

    `base` names session and route: a reading is compared with the control of the same base.
    """

    base: str
    route: Route
    payload: int | None
    twin: Twin


def plantings(
    sessions: Sequence[tuple[PlanItem, tuple[Turn, ...]]], phases: Phases, seed: int
) -> Iterator[Planted]:
    """Yield controls and plantings: each session clean and with one flaw, each with every text.

    Every second text comes by the other route, so that each session has texts by both.
    """
    for number, (item, turns) in enumerate(sessions):
        pair = {twin.kind: twin.turns for twin in twins_of([(item, turns)], phases, seed)}
        for kind in (CLEAN, FLAWED):
            if kind in pair:
                yield from _plantings(item, pair[kind], f"{number}/{kind}", seed)


def _plantings(item: PlanItem, turns: tuple[Turn, ...], name: str, seed: int) -> Iterator[Planted]:
    changed: dict[Route, list[tuple[int | None, tuple[Turn, ...]]]] = {
        route: [(None, turns)] for route in Route
    }
    for number, payload in enumerate(payloads()):
        dice = random.Random(seed_of(seed, item.session_id, number))
        route = list(Route)[(number + seed_of(seed, name)) % len(Route)]
        changed[route].append((number, planted(turns, payload, dice)))
    for route, versions in changed.items():
        texts = [version for _, version in versions]
        read = imported(texts) if route is Route.IMPORTED else texts
        for (at, _), version in zip(versions, read, strict=True):
            twin = Twin(item=item, turns=version, kind=f"{route}:{at}")
            yield Planted(base=f"{name}/{route}", route=route, payload=at, twin=twin)


def planted(turns: tuple[Turn, ...], payload: Payload, dice: random.Random) -> tuple[Turn, ...]:
    """Return the session with the text at the end of a client's turn, never of one about harm."""
    own = [t for t in turns[1:-2] if t.speaker is Speaker.CLIENT and not risk_kind(t.text)]
    chosen = dice.choice(own)
    text = f"{chosen.text} {payload.text}"
    return tuple(
        turn.model_copy(update={"text": text}) if turn.index == chosen.index else turn
        for turn in turns
    )


def imported(versions: Sequence[tuple[Turn, ...]]) -> list[tuple[Turn, ...]]:
    """Write sessions to one file, as a chat program exports them, and read it as any import."""
    roles = {Speaker.THERAPIST: "therapist", Speaker.CLIENT: "client"}
    lines = [
        json.dumps({"turns": [{"speaker": roles[t.speaker], "text": t.text} for t in turns]})
        for turns in versions
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sessions.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
        found = list(Gathering(path).sessions())
    return [
        turns_of(one.session.utterances, assign_roles(one.session.utterances, one.session.place))
        for one in found
    ]
