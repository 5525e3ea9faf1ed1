"""What the benchmark calls "the engine as it ships" has everything on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.campaign import TracedLane, play, record, scratch
from benchmarks.course import SESSION_23, SHORTEST, Course
from benchmarks.listener import listening
from benchmarks.raw import RawLane, read_tape
from benchmarks.storage import StoreLane
from benchmarks.stub import Stub, running_stub
from domain.call import Outcome
from domain.session import Session, Status
from engine.ledger.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SESSIONS = 3


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    with running_stub(SESSION_23.revisions) as running:
        yield running


def test_a_session_has_23_calls_of_which_3_are_critiques() -> None:
    assert SESSION_23.calls == 23
    assert SESSION_23.calls - 20 == SESSION_23.revisions + 1
    assert SHORTEST.calls == 7


def test_the_ledger_has_every_call_that_the_stub_answered(stub: Stub) -> None:
    stub.reset()
    with scratch() as folder:
        play(Course(stub.base_url), SESSIONS, folder)
        store = Store(folder.ledger)
        rows = [row for name in store.sessions() for row in store.calls(name)]
        sessions = [Session.model_validate_json(data) for data in store.results().values()]
    assert len(rows) == stub.tally().calls == SESSIONS * 23
    assert len({str(row.key) for row in rows}) == len(rows)
    assert all(row.request and row.result.text and row.result.usage.prompt_tokens for row in rows)
    assert {session.status for session in sessions} == {Status.ACCEPTED}
    assert {len(session.drafts) for session in sessions} == {3}
    assert {draft.critique is None for one in sessions for draft in one.drafts} == {False}
    assert {
        len(session.drafts[-1].critique.behaviours) > 0
        for session in sessions
        if session.drafts[-1].critique is not None
    } == {True}


def test_callbacks_hear_every_call(stub: Stub) -> None:
    with scratch() as folder, listening() as listener:
        play(Course(stub.base_url), SESSIONS, folder)
        store = Store(folder.ledger)
        answers = [row.result.text for name in store.sessions() for row in store.calls(name)]
    assert listener.started == listener.ended == SESSIONS * 23
    assert not listener.failed
    assert sorted(listener.heard) == sorted(answers)


def test_an_answer_that_breaks_the_schema_is_repaired() -> None:
    with (
        running_stub(SESSION_23.revisions, spoil=True) as spoilt,
        scratch() as folder,
    ):
        with pytest.raises(RuntimeError, match="ended as"):  # more calls than the shape has
            play(Course(spoilt.base_url), SESSIONS, folder)
        store = Store(folder.ledger)
        rows = [row for name in store.sessions() for row in store.calls(name)]
        assert spoilt.tally().calls == len(rows) == SESSIONS * (23 + 3)
    invalid = [row for row in rows if row.result.outcome is Outcome.INVALID]
    assert len(invalid) == SESSIONS * 3
    assert {row.key.attempt for row in invalid} == {0}


def test_laps_count_what_lies_between_two_campaigns(stub: Stub) -> None:
    lane = TracedLane(Course(stub.base_url, small=1, large=3))
    assert lane.lap().calls == 2 * 23


def test_no_two_campaigns_of_a_process_are_alike(stub: Stub) -> None:
    heard: set[str] = set()
    for _ in range(2):
        with scratch() as folder:
            play(Course(stub.base_url), 1, folder)
            store = Store(folder.ledger)
            texts = {row.result.text for name in store.sessions() for row in store.calls(name)}
        assert not heard & texts
        heard |= texts


def test_the_plain_loop_sends_what_the_engine_sent(stub: Stub, tmp_path: Path) -> None:
    tape = tmp_path / "tape.json"
    kb = record(Course(stub.base_url), SESSIONS, tape)
    assert kb > 1
    sessions = read_tape(tape)
    assert [len(bodies) for bodies in sessions] == [23] * SESSIONS
    assert sum("response_format" in body for body in sessions[0]) == 3
    stub.reset()
    lane = RawLane(stub.base_url, tape, 2)
    assert lane.lap().calls == SESSIONS * 23
    assert stub.tally().calls == 2 * SESSIONS * 23


def test_the_stores_leg_writes_every_row(stub: Stub) -> None:
    lane = StoreLane(Course(stub.base_url, large=SESSIONS))
    assert lane.lap().calls == SESSIONS * 23
