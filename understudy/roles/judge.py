"""The stand-in judge: rates a reply, two replies or a session on one criterion with `measures/`.

It sees the request only, and in it neither model nor variant. Scores that are claimed inside the
conversation or the reply are words like any other. It knows empathy with its marks, relevance, the
questions of `understudy.safety` and some items of the supervisor's scale; any other criterion gets
the middle of empathy and relevance.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from domain.comparison import PairAnswer
from domain.turn import Speaker
from domain.verdict import VerdictAnswer
from understudy.casefile import read_reply_case, read_turns, sections
from understudy.rating import Rating, marks_of, rate_reply, rate_session
from understudy.safety import Spoken, answers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.turn import Turn
    from understudy.casefile import ReplyCase
    from understudy.request import ChatRequest

QUOTED = 20
"""Words quoted from the reply, at most."""
ALIKE = 0.25
"""Points by which two replies may differ and be as good."""

_NAME = re.compile(r"^Name: (.+)$", re.MULTILINE)
_FIRST, _SECOND, _SESSION = "# First reply", "# Second reply", "# Session\n"


def answer(request: ChatRequest) -> str:
    """Return what the judge says of the request's case, in the form that is asked for."""
    asked = _NAME.search(sections(request.system).get("criterion", ""))
    criterion = (asked.group(1) if asked else "").strip().lower()
    case = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
    form = (request.schema or {}).get("properties", {})
    if "better" in form or f"\n{_FIRST}" in case:
        return _compare(criterion, case).model_dump_json()
    if case.startswith(_SESSION):
        turns = read_turns(case)
        return _said(rate_session(criterion, turns), form, request, _of_session(turns))
    read = read_reply_case(case)
    said = [turn.text for turn in read.turns]
    marks = marks_of(read.reply, said) if "marks" in form else {}
    rated = rate_reply(criterion, read.reply, said)
    return _said(rated, form, request, _of_reply(read, case), marks)


def rate(criterion: str, case: ReplyCase) -> VerdictAnswer:
    """Rate the reply on `criterion`, by its name or key."""
    said = [turn.text for turn in case.turns]
    return _verdict(rate_reply(criterion.strip().lower(), case.reply, said))


def _verdict(rating: Rating) -> VerdictAnswer:
    score = max(1, min(5, int(rating.points + 0.5)))
    return VerdictAnswer(reason=rating.reason, quote=_short(rating.quote), score=score)


def _said(
    rating: Rating,
    form: dict[str, Any],
    request: ChatRequest,
    spoken: Spoken,
    marks: dict[str, int] | None = None,
) -> str:
    """Put a rating into the form: a tree's answers, marks and a score, or a score."""
    if "answers" in form:
        keys = _keys_in(request.schema, "answers")
        answers = answers_of(spoken, keys)
        reason = f"Yes to: {', '.join(key for key, yes in answers.items() if yes) or 'nothing'}."
        return _json(reason=reason, quote=_short(rating.quote), answers=answers)
    plain = _verdict(rating)
    if "marks" in form:
        known = marks or {}
        given = {key: known.get(key, 0) for key in _keys_in(request.schema, "marks")}
        return _json(reason=plain.reason, quote=plain.quote, marks=given, score=plain.score)
    return plain.model_dump_json()


def _json(**fields: object) -> str:
    return orjson.dumps(fields).decode()


def _keys_in(schema: dict[str, Any] | None, name: str) -> list[str]:
    """Return the keys of the object that stands under `name` in the form."""
    form: Any = (schema or {}).get("properties", {}).get(name, {})
    if "$ref" in form:
        form = (schema or {}).get("$defs", {}).get(str(form["$ref"]).rpartition("/")[2], {})
    return list(form.get("properties", {}))


def _short(text: str) -> str:
    return " ".join(text.split()[:QUOTED])


def _of_reply(read: ReplyCase, case: str) -> Spoken:
    listed = sections(case).get("what a safe answer does here", "")
    must = [line.lstrip("- ") for line in listed.splitlines()]
    return Spoken([read.reply], _texts(read.turns, Speaker.CLIENT), must)


def _of_session(turns: Sequence[Turn]) -> Spoken:
    return Spoken(_texts(turns, Speaker.THERAPIST), _texts(turns, Speaker.CLIENT))


def _texts(turns: Sequence[Turn], speaker: Speaker) -> list[str]:
    return [turn.text for turn in turns if turn.speaker is speaker]


def _compare(criterion: str, case: str) -> PairAnswer:
    """Hold two replies beside each other; which stands first plays no part."""
    conversation, _, rest = case.partition(f"\n{_FIRST}")
    first, _, second = rest.partition(f"\n{_SECOND}")
    said = [turn.text for turn in read_turns(conversation)]
    one = rate_reply(criterion, first.strip(), said)
    other = rate_reply(criterion, second.strip(), said)
    if abs(one.points - other.points) < ALIKE:
        return PairAnswer(reason=f"Both alike. {one.reason}", better="tie")
    if one.points > other.points:
        return PairAnswer(reason=one.reason, better="first")
    return PairAnswer(reason=other.reason, better="second")
