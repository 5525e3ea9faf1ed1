"""The bare endpoint of the benchmarks."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import orjson
import pytest

from agents.pack import load_pack
from agents.structured import InvalidAnswerError, read_answer
from agents.supervisor import answer_check
from benchmarks.answers import CRITIC, TURN_CHARS, Answers
from benchmarks.prose import Prose, spoken
from benchmarks.stub import Stub, running_stub
from domain.call import CALL_HEADER
from domain.critique import CritiqueAnswer
from domain.turn import Speaker, Turn
from measures.farewell import is_farewell

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    with running_stub(revisions=2) as running:
        yield running


def ask(stub: Stub, call: str = "s/0/0/0", model: str = "stub", text: str = "Hello") -> Any:  # noqa: ANN401
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    request = Request(  # noqa: S310 - loopback
        f"{stub.base_url}/chat/completions", orjson.dumps(body), {CALL_HEADER: call}
    )
    with urlopen(request, timeout=10) as reply:  # noqa: S310
        return orjson.loads(reply.read())


def said(answer: dict[str, Any]) -> str:
    text: str = answer["choices"][0]["message"]["content"]
    return text


def test_it_answers_from_the_request_alone(stub: Stub) -> None:
    stub.reset()
    first = ask(stub)
    assert ask(stub) == first
    others = {said(ask(stub, call=f"s/0/{step}/0")) for step in range(50)}
    assert len(others | {said(first)}) == 50
    assert {len(text) for text in others} == {TURN_CHARS}
    assert not any(is_farewell(text) for text in others)
    assert first["usage"]["completion_tokens"] == TURN_CHARS // 4
    assert stub.tally().calls == 52


@pytest.mark.parametrize(("draft", "flawed"), [(0, True), (1, True), (2, False)])
def test_its_critiques_pass_the_engines_check(stub: Stub, draft: int, flawed: bool) -> None:
    transcript = "\n".join(f"[{n}] {('Therapist', 'Client')[n % 2]}: Well." for n in range(16))
    answer = said(ask(stub, f"s/{draft}/16/0", CRITIC, transcript))
    speakers = (Speaker.THERAPIST, Speaker.CLIENT)
    turns = tuple(Turn(index=n, speaker=speakers[n % 2], text="Well.") for n in range(16))
    critique = read_answer(answer, CritiqueAnswer, answer_check(load_pack("cbt"), turns))
    assert [flaw.turn for flaw in critique.flaws] == ([14] if flawed else [])


def test_a_spoilt_first_attempt_breaks_the_schema_and_its_repair_does_not() -> None:
    answers = Answers(revisions=0, spoil=True)
    body = b'{"response_format":{},"messages":"[4] Therapist: x"}'

    def read(attempt: int) -> CritiqueAnswer:
        head = f"post / http/1.1\r\nx-rehearsal-call: s/0/6/{attempt}\r\n\r\n".encode()
        return read_answer(said(orjson.loads(answers.to(head, body))), CritiqueAnswer)

    with pytest.raises(InvalidAnswerError):
        read(0)
    assert not read(1).flaws


def test_a_latency_is_kept() -> None:
    with running_stub(revisions=0, latency_s=0.2) as slow:
        ask(slow)
        ask(slow)
        tally = slow.tally()
    assert tally.last_s - tally.first_s >= 0.2


def test_its_prose_packs_no_better_than_what_people_said() -> None:
    real, made = " ".join(spoken()), Prose(3)
    people = [packed(real[at : at + 420]) for at in range(0, len(real) - 420, 420)]
    ours = [packed(made.piece(420)) for _ in people]
    assert 1 <= sum(ours) / sum(people) <= 1.15


def packed(text: str) -> int:
    return len(zlib.compress(text.encode()))


def test_prose_has_the_length_that_was_asked_for() -> None:
    prose = Prose(5)
    for length in (12, 40, 209, 420):
        for _ in range(200):
            piece = prose.piece(length, "?")
            assert len(piece) == length
            assert piece.endswith("?")
