"""The therapist: knows the intake form, the plan, and what the client has said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.facts import intake_facts, plan_facts
from agents.messages import Message, conversation, listed
from agents.speech import clean_speech
from domain.call import CallFailed, Outcome
from domain.turn import Speaker

if TYPE_CHECKING:
    from agents.llm import RoleModel
    from agents.pack import Pack
    from agents.scene import Scene
    from domain.call import CallKey
    from domain.scenario import PlanItem


def therapist_prompt(pack: Pack, item: PlanItem) -> str:
    """Write the therapist's system prompt, the same for the whole session."""
    return pack.fill(
        "therapist",
        **intake_facts(item.persona.intake()),
        **plan_facts(item.scenario, pack),
        crisis_help=pack.crisis_help(),
    )


def therapist_messages(pack: Pack, scene: Scene) -> list[Message]:
    """Write the request for the therapist's next turn."""
    prompt = scene.prompt or therapist_prompt(pack, scene.item)
    if scene.plain:
        return conversation(prompt, scene.turns, Speaker.THERAPIST, "")
    part = pack.phases.layout(scene.exchanges)[scene.exchange - 1]
    notes = pack.fill(
        "therapist_notes",
        exchange=str(scene.exchange),
        exchanges=str(scene.exchanges),
        part=part.name,
        part_description=part.description,
        guidance=listed(scene.guidance) or "none",
    )
    return conversation(prompt, scene.turns, Speaker.THERAPIST, notes)


async def therapist_says(
    model: RoleModel, pack: Pack, scene: Scene, key: CallKey, seed: int
) -> str:
    """Return the therapist's next turn.

    What a model under test has said when it reaches its token limit is what it says.

    Raises:
        CallFailed: Every attempt failed.
    """
    try:
        result = await model.say(therapist_messages(pack, scene), key, seed)
    except CallFailed as failed:
        result = failed.result
        if not (scene.plain and result.outcome is Outcome.TRUNCATED and clean_speech(result.text)):
            raise
    return clean_speech(result.text)
