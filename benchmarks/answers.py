"""What the stub says: answers that are ready before anybody asks, put together by the request.

An answer depends on the request's bytes and its call header, and on nothing else. A spoken turn
has 420 characters in two halves of many; a critique is one of many that the engine accepts as
valid. A critique of a draft that may still be revised names the draft's last therapist turn as its
flaw, so that the engine plays one exchange again; the last draft allowed is accepted.
"""

from __future__ import annotations

import random
import zlib
from typing import TYPE_CHECKING

import orjson

from agents.pack import load_pack
from benchmarks.prose import Prose
from measures.advice import advice, information
from measures.validation import invalidating

if TYPE_CHECKING:
    from agents.pack import Pack

TURN_CHARS = 420
CRITIC = "stub-critic"
"""A model that answers every request with a critique, whatever form it asks for."""
JUDGE = "stub-judge"
"""A model that answers every request with a verdict, with marks where the form asks for them."""
MODELS = ("stub", CRITIC, JUDGE)
_MARKS = b'\\"marks\\":{\\"emotional_reactions\\":1,\\"interpretations\\":2,\\"explorations\\":0},'

_BEGIN = "It sounds as if you "
"""A turn begins as a reflection does: the pack's limits on what is measured hold here too."""
_HALVES = 12_288
"""Of each half: 150 million different turns, of about 75,000 different sentences."""
_CRITIQUES = 256
_TURN = b"@TURN@"
_CALL = b"x-rehearsal-call: "


class Answers:
    """Bodies of chat completions.

    Args:
        revisions: How many drafts of a session are sent back before one is accepted.
        spoil: Whether the first attempt at every critique breaks the schema.
    """

    def __init__(self, revisions: int, *, spoil: bool = False) -> None:
        self._revisions = revisions
        self._spoil = spoil
        prose = Prose(seed=revisions)
        half = TURN_CHARS // 2
        begun = len(_BEGIN)
        self._first = [
            f"{_BEGIN}{_harmless(prose, half - 1 - begun).lower()} ".encode()
            for _ in range(_HALVES)
        ]
        # A turn that ends with a question is no goodbye: no session ends early.
        self._second = [_harmless(prose, TURN_CHARS - half, "?").encode() for _ in range(_HALVES)]
        pack = load_pack("cbt")
        self._good = [_critique(pack, prose, 5, flawed=False) for _ in range(_CRITIQUES)]
        self._flawed = [_critique(pack, prose, 3, flawed=True) for _ in range(_CRITIQUES)]

    def to(self, head: bytes, body: bytes) -> bytes:
        """Return the answer to a request, given its lower-case head."""
        call = _call(head)
        pick = zlib.crc32(body, zlib.crc32(call))
        if b'"stub-judge"' in body:
            marks = _MARKS if b'"MarkedAnswer"' in body else b""
            reason = self._second[pick % _HALVES]
            said = b'{\\"reason\\":\\"%b\\",\\"quote\\":\\"\\",%b\\"score\\":%d}' % (
                reason, marks, 1 + pick % 5,
            )  # fmt: skip
        elif b'"response_format"' in body or b'"stub-critic"' in body:
            said = self._critique(call, body, pick)
        else:
            said = self._first[pick % _HALVES] + self._second[(pick >> 8) % _HALVES]
        return (
            b'{"id":"chatcmpl-%08x","object":"chat.completion","created":0,"model":"stub",'
            b'"choices":[{"index":0,"message":{"role":"assistant","content":"%b",'
            b'"refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":%d,'
            b'"completion_tokens":%d,"total_tokens":%d}}'
        ) % (pick, said, len(body) // 4, len(said) // 4, (len(body) + len(said)) // 4)

    def _critique(self, call: bytes, body: bytes, pick: int) -> bytes:
        place = call.split(b"/")
        draft = int(place[1]) if len(place) == 4 else 0
        if self._spoil and place[-1] == b"0":
            return b'{\\"gates\\":[],\\"items\\":\\"none\\"}'
        if draft >= self._revisions:
            return self._good[pick % _CRITIQUES]
        return self._flawed[pick % _CRITIQUES].replace(_TURN, _last_turn(body))


def _call(head: bytes) -> bytes:
    """Return the call's key from a request's head; empty where there is none."""
    start = head.find(_CALL)
    if start < 0:
        return b""
    start += len(_CALL)
    return head[start : head.find(b"\r\n", start)]


def _harmless(prose: Prose, length: int, end: str = ".") -> str:
    """Return text that neither advises, lectures nor plays down, by the measures' reading."""
    while True:
        text = prose.piece(length, end)
        if not (advice(text) or information(text) or invalidating(text)):
            return text


def _last_turn(body: bytes) -> bytes:
    """Return the number of the transcript's last therapist turn."""
    end = body.rfind(b"] Therapist:")
    if end < 0:
        return b"0"
    return body[body.rfind(b"[", 0, end) + 1 : end]


def _critique(pack: Pack, prose: Prose, score: int, *, flawed: bool) -> bytes:
    """Return a critique as it stands inside a JSON string."""
    dice = random.Random(prose.piece(40))
    kinds = [flaw.key for flaw in pack.flaws]

    def turns() -> list[int]:
        return sorted(dice.sample(range(6), 2))

    critique = {
        "gates": [
            {"gate": gate.key, "turns": turns(), "reason": prose.piece(90), "passed": True}
            for gate in pack.gates
        ],
        "items": [
            {"item": key, "turns": turns(), "reason": prose.piece(110), "score": score}
            for key in pack.session.keys
        ],
        "flaws": [
            {
                "turn": _TURN.decode(),
                "kind": dice.choice(kinds),
                "what": prose.piece(90),
                "instead": prose.piece(120),
            }
        ]
        if flawed
        else [],
    }
    text = orjson.dumps(critique).replace(b'"%b"' % _TURN, _TURN)
    return orjson.dumps(text.decode())[1:-1]
