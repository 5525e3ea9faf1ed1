"""Every way on which words of real people reach an endpoint is closed where it is not trusted.

Each is tried at the place that makes the call, below whatever looks at it first: the server that
would hear them counts what it is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agents.pack import load_pack
from corpus.discriminator import Discriminator, Weight
from domain.base import canonical_json
from domain.case import Kind, Subject
from domain.errors import TrustError
from domain.gate import Gate, OpenGate
from domain.record import Origin
from domain.runfolder import RunFolder
from domain.settings import RoleSettings, Settings
from domain.turn import Speaker, Turn
from evaluation.answers import AnswerItem, AnswerOrders, open_answers
from evaluation.judging import Bundle, JudgeOrders, open_judging
from evaluation.panel import panel_of
from tests.evaluation.test_run import Judge, context
from tests.support.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Unasked:
    """A journal that nothing may be written to: no call is to be made."""

    def gate(self, endpoint: RoleSettings) -> Gate:
        """Return what a model is built with; nobody goes through it."""
        return OpenGate()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a job asks for
        raise AssertionError(name)


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def url(judge: Judge) -> Iterator[str]:
    with ThreadedServer(judge.app()) as server:
        yield f"{server.url}/v1"


SUBJECTS = {
    kind: Subject(
        kind=kind,
        scenario="s",
        origin=Origin.REAL,
        turns=context(1).turns,
        reply="" if kind is Kind.SESSION else "I see.",
        rival="Go on." if kind is Kind.PAIR else "",
    )
    for kind in Kind
}


async def test_a_model_under_test_elsewhere_is_not_asked(judge: Judge, url: str) -> None:
    role = RoleSettings(model="m", base_url=url)
    job = open_answers(canonical_json(AnswerOrders(roles={"x": role}, seed=1)), Unasked())
    real = context(1).model_copy(update={"origin": Origin.REAL})
    with pytest.raises(TrustError, match="real people's words"):
        await job.run(canonical_json(AnswerItem(variant="x", context=real)))
    await job.aclose()
    assert judge.bodies == []


@pytest.mark.parametrize("kind", list(Kind))
async def test_no_judge_of_a_panel_is_asked_whatever_it_is_shown(
    judge: Judge, url: str, tmp_path: Path, kind: Kind
) -> None:
    """The first judge is trusted and the second is not: neither is asked."""
    settings = Settings.model_validate(
        {
            "name": "t",
            "roles": {"judge": {"base_url": url, "model": "a", "trusted_for_real": True}},
            "evaluation": {"panel": {"judges": [{"base_url": url, "model": "b"}]}},
        }
    )
    panel = panel_of(settings, load_pack("cbt"), RunFolder(tmp_path))
    orders = JudgeOrders(
        judges=panel.judges,
        where=panel.wheres(),
        pack="cbt",
        pack_hash=panel.pack.hash,
        criteria=dict(panel.criteria),
        seed=1,
    )
    job = open_judging(canonical_json(orders), Unasked())
    cases = panel.cases(SUBJECTS[kind], settings.evaluation.criteria)
    with pytest.raises(TrustError) as caught:
        await job.run(canonical_json(Bundle.of(cases)))
    await job.aclose()
    assert caught.value.where == "evaluation.panel.judges.0.trusted_for_real"
    assert judge.bodies == []


def test_what_the_discriminator_sends_back_are_words_of_the_draft_alone() -> None:
    """It has learned from real sessions; none of their words leaves with its feedback."""
    told = ("lighthouse", "keeper", "gulls", "winter", "journey", "resonates", "validate")
    known = Discriminator({word: Weight(1.0, 1.0) for word in told}, 0.0, -9.0)
    said = "I want to validate how this journey resonates with you"
    draft = [Turn(index=0, speaker=Speaker.THERAPIST, text=said)]
    found = known.read(draft)
    assert found is not None
    assert set(found.words) == {"journey", "resonates", "validate"}
