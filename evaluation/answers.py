"""Every variant answers every scenario: what the pool runs, and how it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pydantic import Field

from agents.llm import RoleModel, close_line
from agents.messages import system
from agents.speech import clean_speech
from corpus.chatform import messages_of
from domain.base import Noun, canonical_json, seed_of
from domain.call import CallFailed, CallKey, CallResult, Outcome, Role
from domain.record import HeldOutContext
from domain.settings import RoleSettings
from domain.verdict import Answer
from evaluation.trust import require_trust

if TYPE_CHECKING:
    from agents.messages import Message
    from domain.journal import Journal


class AnswerOrders(Noun):
    """What a worker is told: an endpoint for each variant, and the seed."""

    roles: dict[str, RoleSettings]
    seed: int
    seeds: dict[str, int] = Field(default_factory=dict)
    """Seeds of variants that have one of their own."""
    prompts: dict[str, str] = Field(default_factory=dict)
    """System prompts of variants that do not get that of the training."""


class AnswerItem(Noun):
    """One scenario for one variant."""

    variant: str
    context: HeldOutContext

    @property
    def id(self) -> str:
        """Name of the item and of its calls."""
        return f"{self.variant}-{self.context.id}"


class AnswerJob:
    """Asks the models under test; see `engine.job.Job`."""

    def __init__(self, orders: AnswerOrders, journal: Journal) -> None:
        self._orders = orders
        self._models = {
            variant: RoleModel(Role.CANDIDATE, role, journal)
            for variant, role in orders.roles.items()
        }

    async def run(self, item: bytes) -> bytes:
        """Answer one scenario; return the `Answer` as canonical JSON.

        Every variant is asked with the same seed, unless the orders say otherwise. An answer that
        was cut off at the token limit is the model's answer all the same, and marked; any other
        failure is kept as one.

        Raises:
            TrustError: The scenario is real and the endpoint is not trusted with it.
        """
        asked = AnswerItem.model_validate_json(item)
        context, key = asked.context, CallKey(session=asked.id, draft=0, step=0, attempt=0)
        require_trust((context,), self._orders.roles[asked.variant], f"variant {asked.variant}")
        messages = cast("list[Message]", messages_of(context.turns, to_answer=True))
        if asked.variant in self._orders.prompts:
            messages[0] = system(self._orders.prompts[asked.variant])
        own = self._orders.seeds.get(asked.variant, self._orders.seed)
        seed = seed_of(own, "answer", context.id)
        try:
            result = await self._models[asked.variant].say(messages, key, seed)
        except CallFailed as failed:
            return canonical_json(_unfinished(asked, key, failed.result))
        return canonical_json(_answer(asked, key, result.text))

    async def aclose(self) -> None:
        """Close the connections to the endpoint."""
        await close_line()


def open_answers(payload: bytes, journal: Journal) -> AnswerJob:
    """Build the job from its orders; the factory that is given to the pool."""
    return AnswerJob(AnswerOrders.model_validate_json(payload), journal)


def _answer(asked: AnswerItem, key: CallKey, text: str, *, cut: bool = False) -> Answer:
    return Answer(
        scenario_id=asked.context.id,
        variant=asked.variant,
        text=clean_speech(text),
        call=str(key),
        cut=cut,
    )


def _unfinished(asked: AnswerItem, key: CallKey, result: CallResult) -> Answer:
    if result.outcome is Outcome.TRUNCATED and clean_speech(result.text):
        return _answer(asked, key, result.text, cut=True)
    failure = f"{result.outcome.value}: {result.detail}"
    return Answer(
        scenario_id=asked.context.id,
        variant=asked.variant,
        text="",
        call=str(key),
        failure=failure,
    )
