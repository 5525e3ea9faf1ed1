"""Where a session stands when somebody is about to speak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.scenario import PlanItem
    from domain.turn import Turn


@dataclass(frozen=True)
class Scene:
    """What a speaker's messages are written from.

    `exchange` counts from 1; an exchange is a therapist turn and the client's answer.
    """

    item: PlanItem
    turns: tuple[Turn, ...]
    exchange: int
    exchanges: int
    guidance: tuple[str, ...] = ()
    prompt: str = ""
    """The speaker's system prompt, where it has been written for an earlier turn."""
    plain: bool = False
    """Whether the therapist is a model under test: asked as it was trained, without notes."""
