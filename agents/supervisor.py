"""The supervisor: reads a draft with its case and says what should have gone otherwise."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from agents.acceptance import critique_of
from agents.facts import person_facts, plan_facts
from agents.forms import critique_form
from agents.messages import Message, system, user
from agents.structured import InvalidAnswerError
from domain.turn import Speaker, Turn, transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agents.llm import RoleModel
    from agents.pack import Pack
    from domain.call import CallKey
    from domain.critique import Critique, CritiqueAnswer
    from domain.scenario import PlanItem


def supervisor_messages(pack: Pack, item: PlanItem, turns: tuple[Turn, ...]) -> list[Message]:
    """Write the request for a critique of `turns`."""
    rules = pack.fill(
        "supervisor",
        gates="\n".join(f"- {gate.key}: {gate.question}" for gate in pack.gates),
        items="\n".join(f"- {i.key} ({i.name}): {i.question}" for i in pack.session.items),
        anchors=pack.session.anchors,
        flaws="\n".join(f"- {flaw.key}: {flaw.description}" for flaw in pack.flaws),
    )
    case = pack.fill(
        "supervisor_case",
        **person_facts(item.persona, pack),
        **plan_facts(item.scenario, pack),
        transcript=transcript(turns),
    )
    return [system(rules), user(case)]


async def criticise(
    model: RoleModel,
    pack: Pack,
    item: PlanItem,
    turns: tuple[Turn, ...],
    key: CallKey,
    seed: int,
) -> Critique:
    """Return the supervisor's critique of a finished draft.

    Raises:
        CallFailed: Every attempt failed, or no repair made the answer fit.
    """
    answer = await model.ask(
        supervisor_messages(pack, item, turns),
        critique_form(pack),
        key,
        seed,
        check=answer_check(pack, turns),
    )
    return critique_of(answer, pack, item.persona, turns)


def answer_check(pack: Pack, turns: Sequence[Turn]) -> Callable[[CritiqueAnswer], None]:
    """Return what a schema cannot say: every gate and item once, within the scale, real turns.

    The check raises `InvalidAnswerError` with all faults it finds.
    """
    every = {turn.index for turn in turns}
    own = {turn.index for turn in turns if turn.speaker is Speaker.THERAPIST}
    kinds = {flaw.key for flaw in pack.flaws}
    highest = pack.session.scale.maximum
    gates, items = [gate.key for gate in pack.gates], pack.session.keys
    known_gates, known_items = set(gates), set(items)

    def fits(answer: CritiqueAnswer) -> bool:
        """Whether there is nothing to say, as of nearly every answer: at a glance."""
        named = {gate.gate for gate in answer.gates}
        scored = {item.item for item in answer.items}
        return (
            named == known_gates
            and scored == known_items
            and len(answer.gates) == len(gates)
            and len(answer.items) == len(items)
            and every.issuperset(chain.from_iterable([gate.turns for gate in answer.gates]))
            and every.issuperset(chain.from_iterable([item.turns for item in answer.items]))
            and max([item.score or 0 for item in answer.items], default=0) <= highest
            and all(flaw.turn in own and flaw.kind in kinds for flaw in answer.flaws)
        )

    def check(answer: CritiqueAnswer) -> None:
        if fits(answer):
            return
        faults = [
            *_each_once("gates", [g.gate for g in answer.gates], gates),
            *_each_once("items", [i.item for i in answer.items], items),
            *_strays("gates", (t for gate in answer.gates for t in gate.turns), every),
            *_strays("items", (t for item in answer.items for t in item.turns), every),
            *_strays("flaws", (flaw.turn for flaw in answer.flaws), own, "a therapist turn"),
            *(
                f"items: {i.item} has {i.score}, the scale ends at {highest}"
                for i in answer.items
                if (i.score or 0) > highest
            ),
            *(f'flaws: "{f.kind}" is no kind of flaw' for f in answer.flaws if f.kind not in kinds),
        ]
        if faults:
            raise InvalidAnswerError("; ".join(dict.fromkeys(faults)))

    return check


def _each_once(what: str, got: Sequence[str], expected: Sequence[str]) -> list[str]:
    if len(got) == len(expected) and set(got) == set(expected):
        return []
    missing = [key for key in expected if key not in got]
    strays = [key for key in got if key not in expected]
    faults = [f"{what}: missing {', '.join(missing)}"] if missing else []
    faults += [f"{what}: there is no {', '.join(strays)}"] if strays else []
    if not faults and len(got) != len(set(got)):
        faults.append(f"{what}: give each of them once")
    return faults


def _strays(
    what: str, got: Iterable[int], known: set[int], kind: str = "a turn of the transcript"
) -> list[str]:
    strays = sorted(set(got) - known)
    return [f"{what}: {', '.join(map(str, strays))} is not {kind}"] if strays else []
