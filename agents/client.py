"""The client: knows the whole diagram, tells it as the session earns it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.facts import person_facts
from agents.messages import Message, conversation
from agents.speech import clean_speech
from domain.turn import Speaker

if TYPE_CHECKING:
    from agents.llm import RoleModel
    from agents.pack import Pack
    from agents.scene import Scene
    from domain.call import CallKey
    from domain.scenario import PlanItem


def client_prompt(pack: Pack, item: PlanItem) -> str:
    """Write the client's system prompt, the same for the whole session."""
    return pack.fill("client", **person_facts(item.persona, pack))


def client_messages(pack: Pack, scene: Scene) -> list[Message]:
    """Write the request for the client's next turn; the last turn is the therapist's."""
    prompt = scene.prompt or client_prompt(pack, scene.item)
    notes = pack.fill(
        "client_notes",
        exchange=str(scene.exchange),
        exchanges=str(scene.exchanges),
        disclosure=pack.phases.open_to(scene.exchange, scene.exchanges),
    )
    return conversation(prompt, scene.turns, Speaker.CLIENT, notes)


async def client_says(model: RoleModel, pack: Pack, scene: Scene, key: CallKey, seed: int) -> str:
    """Return the client's next turn.

    Raises:
        CallFailed: Every attempt failed.
    """
    result = await model.say(client_messages(pack, scene), key, seed)
    return clean_speech(result.text)
