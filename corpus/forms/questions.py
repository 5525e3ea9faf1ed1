"""The questions that experts are asked about a session: `corpus/data/review-questions.yaml`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from corpus.data.files import load_yaml

if TYPE_CHECKING:
    from domain.record import Record


class Question(NamedTuple):
    """One question with a single choice; `values` is what is shown, by what comes back."""

    name: str
    title: str
    required: bool
    values: dict[str, str]


COMMENT = "comment"


@cache
def questions() -> tuple[Question, ...]:
    """Return the questions in order."""
    asked = load_yaml("review-questions")["questions"]
    return tuple(Question(name, **said) for name, said in asked.items())


def guidelines() -> str:
    """Return what an expert is to do."""
    return str(load_yaml("review-questions")["guidelines"])


def comment_title() -> str:
    """Return how an expert is asked for a remark."""
    return str(load_yaml("review-questions")["comment"])


def dialogue_of(record: Record) -> list[dict[str, str]]:
    """Return the turns as tools for labelling show them."""
    return [{"role": turn.speaker.value, "content": turn.text} for turn in record.turns]
