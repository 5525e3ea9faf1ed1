"""The understudy is a pure function of the request: the same requests get the answers of old.

What is kept (memos, made checks, indexes) may make an answer faster and never another one.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from domain.turn import Speaker, Turn, transcript
from understudy.models import answer
from understudy.request import ChatRequest, parse_request

GOLDEN: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "golden.yaml").read_text(encoding="utf-8")
)
SEEDS = range(6)
AT_RISK = (4, 5)
"""Seeds whose client speaks of harm."""


def notes(speaker: Speaker, exchange: int, guidance: str) -> str:
    told = GOLDEN["told"][min((exchange - 1) // 3, 2)]
    part = GOLDEN["parts"][exchange - 1]
    text: str = GOLDEN["notes"][speaker.value]
    return text.format(exchange=exchange, told=told, part=part, guidance=guidance)


def request(speaker: Speaker, skill: str, turns: list[Turn], seed: int) -> ChatRequest:
    """Write a turn's request as it goes over the wire, and read it as the server does."""
    therapist = speaker is Speaker.THERAPIST
    spoken = [
        {"role": "assistant" if turn.speaker is speaker else "user", "content": turn.text}
        for turn in turns
    ]
    if therapist:
        spoken.insert(0, {"role": "user", "content": "[The session begins.]"})
    system = GOLDEN[speaker.value]
    if not therapist and seed in AT_RISK:
        system += GOLDEN["risk"]
    spoken[-1]["content"] += "\n\n" + notes(
        speaker, len(turns) // 2 + 1, GOLDEN["guidance"][seed % 2]
    )
    body = {
        "model": f"understudy-therapist:{skill}" if therapist else "understudy-client",
        "messages": [{"role": "system", "content": system}, *spoken],
        "seed": 1000 * seed + len(turns),
    }
    return parse_request(orjson.dumps(body))


def session(skill: str, seed: int) -> list[Turn]:
    turns: list[Turn] = []
    while len(turns) < 2 * len(GOLDEN["parts"]):
        speaker = Speaker.CLIENT if len(turns) % 2 else Speaker.THERAPIST
        text = answer(request(speaker, skill, turns, seed))
        turns.append(Turn(index=len(turns), speaker=speaker, text=text))
    return turns


def critique(turns: list[Turn]) -> str:
    messages = [
        {"role": "system", "content": GOLDEN["rules"]},
        {"role": "user", "content": GOLDEN["case"] + transcript(turns)},
    ]
    body = {"model": "understudy-supervisor", "messages": messages, "seed": 1}
    return answer(parse_request(orjson.dumps(body)))


@pytest.mark.parametrize("skill", ["novice", "competent", "expert"])
def test_sessions_and_their_critiques_are_those_of_old(skill: str) -> None:
    played = [session(skill, seed) for seed in SEEDS]
    said = "\n".join(turn.text for turns in played for turn in turns)
    judged = "\n".join(critique(turns) for turns in played)
    found = {name: _sha(text) for name, text in (("said", said), ("judged", judged))}
    assert found == GOLDEN["answers"][skill]


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
