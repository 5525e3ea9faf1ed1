from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from domain.session import StopReason
from domain.turn import Speaker
from graphs.session import begin_draft, build_session_graph, stop
from tests.support.cast import an_item, turns_of
from tests.support.scripted import Asked, Reply, fails, says
from tests.support.stage import Stage

if TYPE_CHECKING:
    from agents.pack import Pack
    from graphs.session import SessionState

pytestmark = pytest.mark.usefixtures("line")


async def play(stage: Stage, state: SessionState, exchanges: int = 4) -> SessionState:
    graph = build_session_graph()
    async with stage.server:
        done: SessionState = await graph.ainvoke(state, context=stage.context(exchanges=exchanges))  # type: ignore[assignment] # LangGraph returns a plain dict
    return done


async def test_a_session_alternates_and_closes(pack: Pack) -> None:
    stage = Stage(pack)
    done = await play(stage, begin_draft(an_item()))
    speakers = [turn.speaker for turn in done["turns"]]
    assert speakers == [Speaker.THERAPIST, Speaker.CLIENT] * 4
    assert [turn.index for turn in done["turns"]] == list(range(8))
    assert done["stop_reason"] is StopReason.AGREED_END
    assert done["step"] == 8


async def test_every_call_has_its_place_and_its_own_seed(pack: Pack) -> None:
    stage, item = Stage(pack), an_item()
    await play(stage, begin_draft(item))
    keys = [asked.call for asked in stage.server.asked]
    assert keys == [f"{item.session_id}/0/{step}/0" for step in range(8)]
    seeds = [asked.body["seed"] for asked in stage.server.asked]
    assert seeds == [item.seed(0, step) for step in range(8)]


async def test_requests_grow_from_the_left(pack: Pack) -> None:
    stage = Stage(pack)
    await play(stage, begin_draft(an_item()))
    for role in ("client", "therapist"):
        asked = [request.messages for request in stage.asked_of(role)]
        for before, after in pairwise(asked):
            assert after[: len(before) - 1] == before[:-1]
            said = before[-1]["content"].partition("\n\nPrivate notes\n")[0]
            assert after[len(before) - 1]["content"] == said


async def test_a_goodbye_of_both_ends_a_session_early(pack: Pack) -> None:
    def bye(asked: Asked) -> Reply | None:
        return says("Goodbye for now.") if "Exchange: 2 of" in str(asked.messages) else None

    done = await play(Stage(pack, lines={"client": bye, "therapist": bye}), begin_draft(an_item()))
    assert len(done["turns"]) == 4
    assert done["stop_reason"] is StopReason.AGREED_END


async def test_a_session_without_a_goodbye_ends_at_its_limit(pack: Pack) -> None:
    lines = {role: lambda _: says("And then?") for role in ("client", "therapist")}
    done = await play(Stage(pack, lines=lines), begin_draft(an_item()), exchanges=5)
    assert len(done["turns"]) == 10
    assert done["stop_reason"] is StopReason.TURN_LIMIT


def test_surplus_goodbyes_are_cut() -> None:
    turns = turns_of("Goodbye, Mara.", "Goodbye.", "Take care, bye.", "Bye bye.")
    assert stop(turns, 60) == (turns[:2], StopReason.GOODBYE_LOOP)


async def test_kept_turns_are_played_on_from(pack: Pack) -> None:
    kept = turns_of("Hello Mara.", "Hello.")
    stage, item = Stage(pack), an_item()
    done = await play(stage, begin_draft(item, draft=1, turns=kept, guidance=("Reflect.",)))
    assert done["turns"][:2] == kept
    assert len(done["turns"]) == 8
    assert stage.server.asked[0].call == f"{item.session_id}/1/0/0"
    notes = [asked.messages[-1]["content"] for asked in stage.asked_of("therapist")]
    assert all("Supervisor's guidance: Reflect" in note for note in notes)


async def test_a_failed_call_is_data_and_ends_the_draft(pack: Pack) -> None:
    stage = Stage(pack, lines={"client": lambda _: fails(500, "oops")})
    done = await play(stage, begin_draft(an_item()))
    failure = done["failure"]
    assert failure is not None
    assert (failure.role, failure.outcome) == ("client", "server_error")
    assert failure.call.endswith("/0/1/1")
    assert done["turns"] == ()
    assert done["stop_reason"] is None
