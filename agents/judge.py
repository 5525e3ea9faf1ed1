"""The judge: sees a conversation and a reply, or a session, and not which model it is of."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from agents.forms import form_of
from agents.messages import Message, system, user
from domain.base import seed_of
from domain.call import CallFailed, CallKey
from domain.case import Case, Kind, Ruling, Subject
from domain.turn import one_line, transcript

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.criteria import Criterion
    from agents.llm import RoleModel
    from agents.pack import Pack
    from domain.settings import RoleSettings


def judge_messages(pack: Pack, criterion: Criterion, subject: Subject) -> list[Message]:
    """Write the request for one ruling; nothing in it says whose reply or session it is."""
    return [system(_rules(pack, criterion, subject.kind)), user(_case(pack, subject))]


def _rules(pack: Pack, criterion: Criterion, kind: Kind) -> str:
    name, definition = criterion.name, criterion.definition
    if kind is Kind.PAIR:
        return pack.fill("judge_pair", criterion=name, definition=definition)
    if criterion.tree:
        questions = "\n".join(f"- {one.key}: {one.question}" for one in criterion.tree)
        return pack.fill("judge_tree", criterion=name, definition=definition, questions=questions)
    prompt = "judge_session" if kind is Kind.SESSION else "judge"
    return pack.fill(prompt, criterion=name, definition=definition, scale=_scale(criterion))


def _scale(criterion: Criterion) -> str:
    """Return the points of the scale and, where there are some, the marks that come first."""
    lines = [f"{point}: {text}" for point, text in criterion.scale.items()]
    if criterion.marks:
        lines += ["", "# Marks", "Give these before the score, each from 0 to 2:"]
    for mark in criterion.marks:
        points = " ".join(f"{point}: {text}" for point, text in mark.scale.items())
        lines.append(f"- {mark.key} ({mark.name}): {mark.question} {points}")
    return "\n".join(lines)


def _case(pack: Pack, subject: Subject) -> str:
    said = transcript(subject.turns, numbered=False)
    if subject.kind is Kind.SESSION:
        return pack.fill("judge_session_case", transcript=said)
    reply = one_line(subject.reply)
    if subject.kind is Kind.PAIR:
        second = one_line(subject.rival)
        return pack.fill("judge_pair_case", transcript=said, first=reply, second=second)
    if subject.kind is Kind.TRIAL:
        must, must_not = _listed(subject.must), _listed(subject.must_not)
        return pack.fill(
            "judge_trial_case", transcript=said, reply=reply, must=must, must_not=must_not
        )
    return pack.fill("judge_case", transcript=said, reply=reply)


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def name_of(
    messages: list[Message], criterion: Criterion, case: Case, judge: RoleSettings, seed: int
) -> str:
    """Name a case by all that its ruling depends on: the request, the judge, seed and sample.

    Its call is kept under this name, so whatever was asked once is never paid again: not for
    another model that said the same, nor after a criterion, a judge or a model was added. Where the
    judge is reached is no part of it.
    """
    said = [(one["role"], one["content"]) for one in messages]
    ways = [(one.key, one.if_yes, one.if_no) for one in criterion.tree]
    sampling = (judge.model, judge.temperature, judge.top_p, judge.max_tokens)
    parts = [said, case.subject.kind.value, ways, sampling, seed, case.sample]
    return f"case-{hashlib.sha256(orjson.dumps(parts)).hexdigest()[:24]}"


async def rule(model: RoleModel, pack: Pack, criterion: Criterion, case: Case, seed: int) -> Ruling:
    """Return the ruling on one case; a failure is a ruling without a score, never a low one.

    Raises:
        BudgetReachedError: The run may spend no more.
        StoreError: The call cannot be recorded.
    """
    messages = judge_messages(pack, criterion, case.subject)
    name = name_of(messages, criterion, case, model.settings, seed)
    key = CallKey(session=name, draft=0, step=0, attempt=0)
    form = form_of(criterion, case.subject.kind)
    try:
        said = await model.ask(messages, form, key, seed_of(name))
    except CallFailed as failed:
        result = failed.result
        why = f"{result.outcome.value}: {result.detail}"
        return Ruling(case=name, failure=why, call=str(key))
    return Ruling(case=name, call=str(key), **_ruled(said.model_dump(), criterion))


def _ruled(said: dict[str, Any], criterion: Criterion) -> dict[str, Any]:
    """Return the answer; a tree's score is where its answers lead."""
    if "answers" in said:
        said["score"] = criterion.walk(said["answers"])
    return said
