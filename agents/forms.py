"""What a judge's or a supervisor's answer must fit: made from its rubric, key by key.

An endpoint that decodes within a schema can then write no other key. A judge's keys are fields, so
that none is left out; a critique's are as many entries of a list, and one may still come twice.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, create_model

from agents.criteria import HIGHEST_MARK
from domain.base import Noun
from domain.case import Kind
from domain.comparison import PairAnswer
from domain.critique import CritiqueAnswer, Flaw, GateAnswer, ItemAnswer, Score
from domain.verdict import VerdictAnswer

if TYPE_CHECKING:
    from agents.criteria import Criterion
    from agents.pack import Pack

Points = Annotated[int, Field(ge=1, le=5)]
_Mark = Annotated[int, Field(ge=0, le=HIGHEST_MARK)]


def form_of(criterion: Criterion, kind: Kind) -> type[Noun]:
    """Return the form of an answer; the same criterion has the same class each time.

    All begin with `reason`, so that a model thinks before it decides. Then come, for a pair,
    `better`; for a tree, `quote` and `answers`; for a scale, `quote`, `marks` where there are
    some, and `score`.
    """
    if kind is Kind.PAIR:
        return PairAnswer
    if criterion.tree:
        return _tree(tuple(one.key for one in criterion.tree))
    if criterion.marks:
        return _marked(tuple(mark.key for mark in criterion.marks))
    return VerdictAnswer


@cache
def _tree(keys: tuple[str, ...]) -> type[Noun]:
    fields = dict.fromkeys(keys, (bool, ...))
    answers = create_model("Answers", __base__=Noun, **fields)  # type: ignore[call-overload]
    made: type[Noun] = create_model(
        "TreeAnswer", __base__=Noun, reason=(str, ...), quote=(str, ...), answers=(answers, ...)
    )
    return made


@cache
def _marked(keys: tuple[str, ...]) -> type[Noun]:
    fields = dict.fromkeys(keys, (_Mark, ...))
    marks = create_model("Marks", __base__=Noun, **fields)  # type: ignore[call-overload]
    made: type[Noun] = create_model(
        "MarkedAnswer",
        __base__=Noun,
        reason=(str, ...),
        quote=(str, ...),
        marks=(marks, ...),
        score=(Points, ...),
    )
    return made


def critique_form(pack: Pack) -> type[CritiqueAnswer]:
    """Return the form of a critique; the same rubrics have the same class each time.

    Its schema lists the pack's keys and asks for as many gates and items as there are. Reading it
    asks no more than `CritiqueAnswer` does: what an endpoint that cannot enforce a schema gets
    wrong, `supervisor.answer_check` puts in words that a model can mend it by.
    """
    return _critique(
        tuple(gate.key for gate in pack.gates),
        pack.session.keys,
        pack.session.scale.maximum,
        tuple(flaw.key for flaw in pack.flaws),
    )


@cache
def _critique(
    gates: tuple[str, ...], items: tuple[str, ...], highest: int, flaws: tuple[str, ...]
) -> type[CritiqueAnswer]:
    def to_highest(score: dict[str, Any]) -> None:
        """Lower the maximum of the whole number; the other choice is null."""
        score["anyOf"][0]["maximum"] = highest

    gate = create_model("GateAnswer", __base__=GateAnswer, gate=(_one_of(gates), ...))
    item = create_model(
        "ItemAnswer",
        __base__=ItemAnswer,
        item=(_one_of(items), ...),
        score=(Annotated[Score, Field(json_schema_extra=to_highest)], ...),
    )
    flaw = create_model("Flaw", __base__=Flaw, kind=(_one_of(flaws), ...))
    return create_model(
        "CritiqueAnswer",
        __base__=CritiqueAnswer,
        gates=(_as_many(gate, gates), ...),
        items=(_as_many(item, items), ...),
        flaws=(tuple[flaw, ...], ...),
    )


def _one_of(keys: tuple[str, ...]) -> Any:  # noqa: ANN401 - a type, made at run time
    return Annotated[str, Field(json_schema_extra={"enum": list(keys)})]


def _as_many(form: type[Noun], keys: tuple[str, ...]) -> Any:  # noqa: ANN401 - the same
    count = {"minItems": len(keys), "maxItems": len(keys)}
    return Annotated[tuple[form, ...], Field(json_schema_extra=dict(count))]  # type: ignore[valid-type]
