from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.runnables import RunnableLambda

from agents.acceptance import critique_of
from domain.errors import BudgetReachedError, ResumeRefusedError
from domain.session import Draft, Status, StopReason
from graphs.refine import best_of, build_refine_graph, play_item
from graphs.session import begin_draft
from tests.support.cast import a_persona, an_item, turns_of
from tests.support.critiques import critique_answer, critique_json
from tests.support.memory import MemoryJournal
from tests.support.scripted import fails, says
from tests.support.stage import Stage

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from agents.pack import Pack
    from domain.session import Session

pytestmark = pytest.mark.usefixtures("line")

FLAWED = [(4, "no_reflection", "Reflect first.")]
LATER = [(6, "no_homework", "Agree homework.")]


async def play(stage: Stage, revisions: int = 2) -> Session:
    async with stage.server:
        return await play_item(an_item(), stage.context(revisions=revisions))


async def test_a_good_draft_is_accepted_at_once(pack: Pack) -> None:
    stage = Stage(pack, [critique_json(pack)])
    session = await play(stage)
    assert session.status is Status.ACCEPTED
    assert (session.best, len(session.drafts)) == (0, 1)
    assert session.id == an_item().session_id
    assert stage.server.asked[-1].call == f"{session.id}/0/8/0"


async def test_a_rewind_keeps_what_came_before_the_flaw(pack: Pack) -> None:
    stage = Stage(pack, [critique_json(pack, 3, FLAWED), critique_json(pack)])
    session = await play(stage)
    first, second = session.drafts
    assert session.status is Status.ACCEPTED
    assert session.best == 1
    assert second.start == 4
    assert second.turns[:4] == first.turns[:4]
    assert second.turns[4] != first.turns[4]
    assert second.guidance == ("Reflect first.",)
    replayed = stage.asked_of("therapist")[4]
    assert replayed.messages[-1]["content"].endswith("Supervisor's guidance: Reflect first")
    kept = [message["content"] for message in replayed.messages[2:-1]]
    assert kept == [turn.text for turn in first.turns[:3]]


async def test_guidance_of_earlier_drafts_stays(pack: Pack) -> None:
    critiques = [critique_json(pack, 3, FLAWED), critique_json(pack, 3, LATER), critique_json(pack)]
    session = await play(Stage(pack, critiques))
    assert [draft.start for draft in session.drafts] == [0, 4, 6]
    assert session.drafts[2].guidance == ("Reflect first.", "Agree homework.")


async def test_revisions_are_bounded(pack: Pack) -> None:
    session = await play(Stage(pack, [critique_json(pack, 3, FLAWED)]), revisions=2)
    assert session.status is Status.REJECTED
    assert (session.best, len(session.drafts)) == (0, 3)


async def test_the_best_draft_wins(pack: Pack) -> None:
    critiques = [critique_json(pack, score, FLAWED) for score in (2, 3, 2)]
    session = await play(Stage(pack, critiques))
    assert session.best == 1
    assert session.turns == session.drafts[1].turns


def test_gates_weigh_more_than_scores(pack: Pack) -> None:
    turns = turns_of("Hello.", "Hello.")

    def draft(number: int, score: int, **failed: tuple[int, ...]) -> Draft:
        answer = critique_answer(pack, score, failed=failed)
        return Draft(
            number=number,
            start=0,
            turns=turns,
            stop_reason=StopReason.TURN_LIMIT,
            critique=critique_of(answer, pack, a_persona(), turns),
        )

    unsafe, dull, accepted = draft(0, 6, ending=(1,)), draft(1, 3), draft(2, 4)
    assert best_of((unsafe, dull)) == 1
    assert best_of((unsafe, dull, accepted)) == 2
    assert best_of((draft(0, 3), draft(1, 3))) == 0
    assert best_of(()) is None


async def test_a_session_that_cannot_be_played_is_quarantined(pack: Pack) -> None:
    stage = Stage(pack, lines={"therapist": lambda _: says(None, refusal="No.")})
    session = await play(stage)
    assert session.status is Status.QUARANTINED
    assert session.failure is not None
    assert session.failure.outcome == "refusal"
    assert session.drafts == ()
    assert session.turns == ()


async def test_a_critique_that_cannot_be_had_keeps_its_draft(pack: Pack) -> None:
    session = await play(Stage(pack, [fails(500, "oops")]))
    assert session.status is Status.QUARANTINED
    assert [draft.critique for draft in session.drafts] == [None]
    assert session.best is None


async def test_a_failing_revision_keeps_the_finished_drafts(pack: Pack) -> None:
    session = await play(Stage(pack, [critique_json(pack, 3, FLAWED), fails(500, "oops")]))
    assert session.status is Status.QUARANTINED
    assert [draft.critique is None for draft in session.drafts] == [False, True]
    assert session.best == 0


async def test_a_session_is_recalled_without_a_call(pack: Pack) -> None:
    journal = MemoryJournal()
    stage = Stage(pack, [critique_json(pack, 3, FLAWED), critique_json(pack)])
    async with stage.server:
        first = await play_item(an_item(), stage.context(journal))
        asked = len(stage.server.asked)
        again = await play_item(an_item(), stage.context(journal))
    assert again == first
    assert len(stage.server.asked) == asked == len(journal.rows)


async def test_a_changed_session_refuses_to_resume(pack: Pack) -> None:
    journal = MemoryJournal()
    stage = Stage(pack, [critique_json(pack)])
    async with stage.server:
        await play_item(an_item(), stage.context(journal))
        with pytest.raises(ResumeRefusedError):
            await play_item(an_item(), stage.context(journal, exchanges=5))


async def test_a_spent_budget_ends_the_play(pack: Pack) -> None:
    stage = Stage(pack, [critique_json(pack)])
    async with stage.server:
        with pytest.raises(BudgetReachedError):
            await play_item(an_item(), stage.context(MemoryJournal(calls=3)))
    assert len(stage.server.asked) == 3


class Starts(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.calls: list[str] = []

    async def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[BaseMessage]], **kwargs: object
    ) -> None:
        asked = kwargs["invocation_params"]
        assert isinstance(asked, dict)
        self.calls.append(asked["call"])


async def test_callbacks_of_the_run_see_every_call(pack: Pack) -> None:
    stage, starts = Stage(pack, [critique_json(pack)]), Starts()
    async with stage.server:
        await play_item(an_item(), stage.context(), {"callbacks": [starts]})
    assert starts.calls == [asked.call for asked in stage.server.asked]
    assert len(starts.calls) == 9


async def test_callbacks_around_a_run_hear_its_calls_beside_its_own(pack: Pack) -> None:
    """Of two sessions at once, the one that is heard is heard whole, and the other not at all."""
    stage, around, own = Stage(pack, [critique_json(pack)] * 2), Starts(), Starts()

    async def heard(index: int) -> str:
        session = await play_item(an_item(index), stage.context(), {"callbacks": [own]})
        return session.id

    async with stage.server:
        session, other = await asyncio.gather(
            RunnableLambda(heard).ainvoke(0, {"callbacks": [around]}),
            play_item(an_item(1), stage.context()),
        )
    assert sorted(around.calls) == sorted(own.calls)
    assert len(own.calls) == 9
    assert all(call.startswith(session) for call in own.calls)
    assert other.id != session


async def test_streaming_a_run_passes_the_journal_by_no_call(pack: Pack) -> None:
    stage, journal = Stage(pack, [critique_json(pack)]), MemoryJournal()
    state = {**begin_draft(an_item()), "start": 0, "drafts": (), "session": None}
    async with stage.server:
        stream = build_refine_graph().astream(
            state,
            context=stage.context(journal),
            stream_mode="messages",
            subgraphs=True,
        )
        heard = [part async for part in stream]
    assert heard
    assert len(journal.rows) == len(stage.server.asked) == 9
