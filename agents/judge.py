"""The judge: sees a conversation and a reply, and not which model wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.messages import Message, system, user
from domain.call import CallFailed, CallKey
from domain.turn import transcript
from domain.verdict import Answer, Verdict, VerdictAnswer

if TYPE_CHECKING:
    from agents.llm import RoleModel
    from agents.pack import Pack
    from domain.record import HeldOutContext


def judge_messages(
    pack: Pack, criterion: str, context: HeldOutContext, reply: str
) -> list[Message]:
    """Write the request for one verdict; nothing in it says who wrote the reply.

    Raises:
        PackError: The pack has no such criterion.
    """
    rubric = pack.criterion(criterion)
    rules = pack.fill(
        "judge",
        criterion=rubric.name,
        definition=rubric.definition,
        scale="\n".join(f"{point}: {text}" for point, text in rubric.scale.items()),
    )
    case = pack.fill(
        "judge_case",
        transcript=transcript(context.turns, numbered=False),
        reply=" ".join(reply.split()),
    )
    return [system(rules), user(case)]


async def rate(
    model: RoleModel,
    pack: Pack,
    criterion: str,
    context: HeldOutContext,
    answer: Answer,
    key: CallKey,
    seed: int,
) -> Verdict:
    """Return the verdict on one answer; a failure is a verdict without a score, never a low one."""
    verdict = Verdict(
        scenario_id=answer.scenario_id,
        variant=answer.variant,
        criterion=criterion,
        call=str(key),
    )
    if answer.failure or not answer.text.strip():
        why = answer.failure or "empty"
        return verdict.model_copy(update={"failure": f"there is no answer to rate: {why}"})
    messages = judge_messages(pack, criterion, context, answer.text)
    try:
        said = await model.ask(messages, VerdictAnswer, key, seed)
    except CallFailed as failed:
        result = failed.result
        return verdict.model_copy(update={"failure": f"{result.outcome.value}: {result.detail}"})
    return verdict.model_copy(update=said.model_dump())
