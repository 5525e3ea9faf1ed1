"""A draft that gives itself away as simulated goes back like any other flawed one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.critique import Critique, Telltale


def sent_back_for(critique: Critique, found: Telltale | None) -> Critique:
    """Return the critique with what a discriminator said of the same draft.

    Over its limit the draft is not accepted: it is played again from the earliest of the turns that
    tell most, or from a flaw before them. The therapist is told words of its own draft only; no
    word of a real session is among them.
    """
    if found is None:
        return critique
    if not found.over:
        return critique.model_copy(update={"telltale": found})
    points = [*found.turns, *([] if critique.rewind_to is None else [critique.rewind_to])]
    return critique.model_copy(
        update={
            "telltale": found,
            "accepted": False,
            "reasons": (*critique.reasons, _reason(found)),
            "rewind_to": min(points),
            "guidance": (*critique.guidance, _guidance(found)),
        }
    )


def _named(found: Telltale) -> str:
    return ", ".join(f'"{word}"' for word in found.words)


def _reason(found: Telltale) -> str:
    said = f": {_named(found)}" if found.words else ""
    return f"It is told from real sessions at {found.score:.1f}, over {found.limit:.1f}{said}."


def _guidance(found: Telltale) -> str:
    if not found.words:
        return "This sounds like a script. Say it as people talk."
    return f"These words sound like a script: {_named(found)}. Say it in others, as people talk."
