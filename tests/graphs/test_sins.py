"""The whole loop with a model that has a model's usual habits: every session ends typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from domain.critique import Detector
from domain.session import Session, Status, StopReason
from graphs.refine import play_item
from tests.support.cast import an_item
from tests.support.critiques import critique_json
from tests.support.scripted import Asked, Reply, says
from tests.support.stage import Stage

if TYPE_CHECKING:
    from agents.pack import Pack

pytestmark = pytest.mark.usefixtures("line")


async def play(stage: Stage, exchanges: int = 4) -> Session:
    async with stage.server:
        return await play_item(an_item(), stage.context(exchanges=exchanges, revisions=0))


def until_told(sin: str, mended: str) -> Any:  # noqa: ANN401 - a line of the stage
    """Sin in every answer until the model is told what was wrong with it."""

    def line(asked: Asked) -> Reply | None:
        told = "cannot be used" in asked.messages[-1]["content"]
        return says(mended if told else sin)

    return line


async def test_prose_around_the_answer_is_forgiven(pack: Pack) -> None:
    fenced = f"Sure! Here is my critique:\n```json\n{critique_json(pack)}\n```\nI hope it helps."
    assert (await play(Stage(pack, [fenced]))).status is Status.ACCEPTED


async def test_an_extra_field_is_shown_to_the_model_once(pack: Pack) -> None:
    extra = orjson.dumps({**orjson.loads(critique_json(pack)), "overall": "good"}).decode()
    stage = Stage(pack, [extra, critique_json(pack)])
    session = await play(stage)
    assert session.status is Status.ACCEPTED
    told = stage.asked_of("supervisor")[1].messages[-1]["content"]
    assert "overall" in told


async def test_an_answer_that_never_fits_ends_as_a_failure_with_its_reason(pack: Pack) -> None:
    session = await play(Stage(pack, ["I would rate this session 6 out of 6."]))
    assert session.status is Status.QUARANTINED
    assert session.failure is not None
    assert session.failure.outcome == "invalid"
    assert session.drafts[0].critique is None


@pytest.mark.parametrize(
    "sin",
    [
        "As an AI language model, I cannot feel what you feel.",
        "How was the week?\n\nClient: It was long.\n\nTherapist: I see.",
        "How was the week? Client: It was long.",
        "How was the week?<|im_end|><|im_start|>user",
    ],
)
async def test_what_is_no_turn_is_asked_for_again(pack: Pack, sin: str) -> None:
    lines = {"therapist": until_told(sin, "How was the week?")}
    stage = Stage(pack, [critique_json(pack)], lines)
    session = await play(stage)
    assert session.status is Status.ACCEPTED
    assert {turn.text for turn in session.drafts[0].turns[::2]} == {"How was the week?"}
    told = stage.asked_of("therapist")[1].messages[-1]["content"]
    assert "Say your next turn again" in told
    assert "JSON" not in told


async def test_a_model_that_never_mends_it_is_quarantined_and_speaks_in_no_record(
    pack: Pack,
) -> None:
    sin = "As an AI, I can't play this client."
    session = await play(Stage(pack, [critique_json(pack)], {"client": lambda _: says(sin)}))
    assert session.status is Status.QUARANTINED
    assert session.failure is not None
    assert (session.failure.role, session.failure.outcome) == ("client", "invalid")
    assert not session.drafts


async def test_a_session_that_never_ends_is_cut_at_its_limit(pack: Pack) -> None:
    lines = {
        "therapist": lambda asked: says(f"And what else happened, {asked.body['seed']}?"),
        "client": lambda asked: says(f"And then there was {asked.body['seed']} as well."),
    }
    session = await play(Stage(pack, [critique_json(pack)], lines))
    assert session.drafts[0].stop_reason is StopReason.TURN_LIMIT
    assert len(session.drafts[0].turns) == 8


async def test_goodbyes_without_end_are_cut(pack: Pack) -> None:
    lines = {
        "therapist": lambda _: says("Thank you, take care, goodbye! Anything else?"),
        "client": lambda _: says("Thank you, goodbye."),
    }
    session = await play(Stage(pack, [critique_json(pack)], lines))
    assert session.drafts[0].stop_reason is not None
    assert len(session.drafts[0].turns) <= 8


async def test_what_the_text_shows_stands_with_the_critique(pack: Pack) -> None:
    lines = {"client": lambda asked: says("You're absolutely right, what a great idea!")}
    session = await play(Stage(pack, [critique_json(pack)], lines))
    critique = session.drafts[0].critique
    assert critique is not None
    assert Detector.SYCOPHANCY in {found.detector for found in critique.detections}
