"""The stand-in supervisor: reads a session with `measures/` and answers as a critique.

It sees the request only: the keys it is asked for, the case and the transcript. Nothing that a
speaker says about scores is read as a score, because nothing in the transcript is read as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.critique import CritiqueAnswer
from understudy.casefile import HIGHEST, read_case, read_rules
from understudy.flaws import find_flaws
from understudy.gates import answer_gates
from understudy.reading import Reading
from understudy.scores import Evidence, answer_items

if TYPE_CHECKING:
    from understudy.request import ChatRequest


def answer(request: ChatRequest) -> str:
    """Return the critique of the session in the request, as JSON of `CritiqueAnswer`."""
    rules = read_rules(request.system)
    case = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
    return criticise(*rules, case=case).model_dump_json()


def criticise(
    gates: tuple[str, ...],
    items: tuple[str, ...],
    kinds: tuple[str, ...],
    highest: int = HIGHEST,
    *,
    case: str,
) -> CritiqueAnswer:
    """Judge the session in `case` (a filled supervisor-case.md) by the keys that are asked for.

    `highest` is the scale's highest point.
    """
    reading = Reading(read_case(case))
    found = find_flaws(reading)
    return CritiqueAnswer(
        gates=answer_gates(reading, gates),
        items=answer_items(Evidence(reading, found), items, highest),
        flaws=tuple(flaw for flaw in found if flaw.kind in kinds),
    )
