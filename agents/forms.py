"""What a judge's answer must fit: made from the criterion, so that a schema asks for every key."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, create_model

from agents.criteria import HIGHEST_MARK
from domain.base import Noun
from domain.case import Kind
from domain.comparison import PairAnswer
from domain.verdict import VerdictAnswer

if TYPE_CHECKING:
    from agents.criteria import Criterion

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
