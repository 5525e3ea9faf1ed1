"""What a session and a reply are rated by: items, gates, flaws, and the judge's criteria."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from agents.packfile import unique
from domain.base import Noun


class Scale(Noun):
    """The lowest and highest points of an item."""

    minimum: int = Field(ge=0, le=0)
    maximum: int = Field(ge=1, le=6)


class Item(Noun):
    """One item of the rating scale."""

    key: str = Field(min_length=1)
    name: str = Field(min_length=1)
    question: str = Field(min_length=1)


class SessionRubric(Noun):
    """The rating scale and the thresholds of acceptance.

    A session is accepted when every gate is passed, the share of applicable points is at least
    `accept_share`, no item is under `item_minimum`, and the items in `required` reach theirs.
    """

    source: str = Field(min_length=1)
    scale: Scale
    anchors: str = Field(min_length=1)
    accept_share: float = Field(ge=0, le=1)
    item_minimum: int = Field(ge=0)
    required: dict[str, int]
    items: tuple[Item, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unique((item.key for item in self.items), "item")
        strays = sorted(self.required.keys() - set(self.keys))
        if strays:
            raise ValueError(f'keys of `items` under `required`; "{strays[0]}" is none')
        highest = self.scale.maximum
        if any(points > highest for points in (*self.required.values(), self.item_minimum)):
            raise ValueError(f"thresholds of at most {highest}, the scale's maximum")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """The items' keys, in order."""
        return tuple(item.key for item in self.items)


class Gate(Noun):
    """A yes/no question that fails a session on its own."""

    key: str = Field(min_length=1)
    question: str = Field(min_length=1)
    source: str = Field(min_length=1)


class Gates(Noun):
    """All gates, in order."""

    gates: tuple[Gate, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unique((gate.key for gate in self.gates), "gate")
        return self


class FlawKind(Noun):
    """A kind of flaw that a critique may name in a therapist turn."""

    key: str = Field(min_length=1)
    description: str = Field(min_length=1)


class Flaws(Noun):
    """All kinds of flaw, in order."""

    source: str = Field(min_length=1)
    flaws: tuple[FlawKind, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unique((flaw.key for flaw in self.flaws), "flaw")
        return self


class Criterion(Noun):
    """One criterion of the judge, with a description of every point from 1 to 5."""

    key: str = Field(min_length=1)
    name: str = Field(min_length=1)
    source: str = Field(min_length=1)
    definition: str = Field(min_length=1)
    scale: dict[int, str]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if list(self.scale) != [1, 2, 3, 4, 5]:
            raise ValueError("a scale with the points 1 to 5, in order")
        return self
