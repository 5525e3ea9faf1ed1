"""Which rule a rejected session's label names, and what a list of traces says of it."""

from __future__ import annotations

import pytest

from agents.acceptance import critique_of
from agents.pack import Pack, load_pack
from campaigns.labels import label_of, label_of_result
from domain.base import canonical_json
from domain.session import Draft, Session, Status, StopReason
from tests.support.cast import a_persona, turns_of
from tests.support.critiques import critique_answer

TALK = turns_of("How was your week?", "Long.", "What went through your mind?", "That they stare.")


def rejected(pack: Pack, **answer: object) -> Session:
    found = critique_answer(pack, **answer)  # type: ignore[arg-type] # mixed
    critique = critique_of(found, pack, a_persona(), TALK)
    assert not critique.accepted
    draft = Draft(
        number=0, start=0, turns=TALK, stop_reason=StopReason.TURN_LIMIT, critique=critique
    )
    return Session(
        id="session-1", plan_index=0, persona_id="p", scenario_id="s", problem="grief",
        technique="t", style="plain", status=Status.REJECTED, best=0, drafts=(draft,),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ({"score": 3}, "score"),
        ({"score": 5, "scores": {"homework": 1}}, "item"),
        ({"score": 5, "scores": {"understanding": None}}, "item"),
        ({"score": 5, "failed": {"ending": (2,)}}, "ending"),
    ],
)
def test_a_label_names_the_rule_that_failed(answer: dict[str, object], rule: str) -> None:
    session = rejected(load_pack("cbt"), **answer)
    assert label_of(session) == f"rejected:{rule}"
    assert label_of_result(canonical_json(session)) == f"rejected:{rule}"


def test_a_flaw_that_blocks_is_no_matter_of_the_score() -> None:
    pack = load_pack("cbt")
    kind = next(kind.key for kind in pack.flaws if kind.blocks)
    session = rejected(pack, score=6, flaws=[(2, kind, "Ask.")])
    assert label_of(session) == "rejected:flaw"
