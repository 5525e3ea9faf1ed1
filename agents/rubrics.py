"""What the supervisor rates a session by: items, gates, flaws, limits on behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from agents.packfile import unique
from domain.base import Noun
from measures.session import BEHAVIOURS

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    """A yes/no question that fails a session on its own.

    `group` names what several questions are about together, e.g. the crisis protocol.
    """

    key: str = Field(min_length=1)
    group: str = ""
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
    """A kind of flaw that a critique may name in a therapist turn.

    One flaw of a kind that `blocks` fails the session, whatever its scores.
    """

    key: str = Field(min_length=1)
    description: str = Field(min_length=1)
    blocks: bool = False


class Flaws(Noun):
    """All kinds of flaw, in order."""

    source: str = Field(min_length=1)
    flaws: tuple[FlawKind, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unique((flaw.key for flaw in self.flaws), "flaw")
        return self


class Limit(Noun):
    """The least and the most of a behaviour that an accepted session may show.

    `key` is one of `measures.session.BEHAVIOURS`; `instead` is what the therapist is told.
    """

    key: str
    name: str = Field(min_length=1)
    least: float | None = None
    most: float | None = None
    instead: str = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.key not in BEHAVIOURS:
            raise ValueError(f'one of {", ".join(BEHAVIOURS)}; "{self.key}" is not measured')
        if self.least is None and self.most is None:
            raise ValueError("`least` or `most`")
        if None not in (self.least, self.most) and self.least > self.most:  # type: ignore[operator]
            raise ValueError("`least` at most as high as `most`")
        return self

    def breach(self, found: float) -> str:
        """Say how `found` is outside; nothing where it is inside."""
        if self.most is not None and found > self.most:
            return f"{self.name}: {found:.2g}, measured, is over {self.most:g}."
        if self.least is not None and found < self.least:
            return f"{self.name}: {found:.2g}, measured, is under {self.least:g}."
        return ""


class Limits(Noun):
    """Limits on measured behaviours, for sessions of `least_therapist_turns` and more."""

    source: str = Field(min_length=1)
    least_therapist_turns: int = Field(ge=1)
    limits: tuple[Limit, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unique((limit.key for limit in self.limits), "limit")
        return self

    def broken_by(self, behaviours: Mapping[str, float]) -> tuple[tuple[Limit, str], ...]:
        """Return each limit that a session's behaviours break, with what to say of it."""
        if behaviours["therapist_turns"] < self.least_therapist_turns:
            return ()
        said = ((limit, limit.breach(behaviours[limit.key])) for limit in self.limits)
        return tuple((limit, breach) for limit, breach in said if breach)
