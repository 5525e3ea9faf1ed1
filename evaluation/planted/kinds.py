"""The kinds of flaw that are planted, how each is worded, and what counts as having found it."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml
from pydantic import Field

from domain.base import Noun

if TYPE_CHECKING:
    import random

_CHOICE = re.compile(r"\{([^{}]*)\}")


class Place(StrEnum):
    """What is done to the clean session; see kinds.yaml."""

    ANSWER = "answer"
    TELL = "tell"
    EXCHANGE = "exchange"
    CLIENT = "client"
    SEVERAL = "several"
    END = "end"


class Signals(Noun):
    """What counts as found: a flaw of these kinds, or one of these gates failed."""

    flaws: tuple[str, ...]
    gates: tuple[str, ...]


class Kind(Noun):
    """A kind of planted flaw. `tells` are sentences of the client, `lines` whole turns."""

    key: str
    safety: bool = False
    signals: Signals
    place: Place
    parts: tuple[str, ...] = ()
    """Parts of the session it is planted in; where empty, those of the file."""
    more: bool = False
    """Whether a client's turn keeps what it says and gets a sentence more."""
    tells: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


class Handwritten(Noun):
    """A flaw worded by hand: a client's sentence before it, or none, and the therapist's turn.

    Where `therapist` is empty the therapist's own turn stays.
    """

    kind: str
    client: str = ""
    therapist: str = ""


class Kinds(Noun):
    """Every kind, in order."""

    source: str
    parts: tuple[str, ...] = Field(min_length=1)
    kinds: tuple[Kind, ...] = Field(min_length=1)


@lru_cache(maxsize=1)
def planted_kinds() -> Kinds:
    """Return the kinds of kinds.yaml; each has its parts."""
    read = Kinds.model_validate(_data("kinds.yaml"))
    placed = tuple(k.model_copy(update={"parts": k.parts or read.parts}) for k in read.kinds)
    return read.model_copy(update={"kinds": placed})


@lru_cache(maxsize=1)
def handwritten() -> tuple[Handwritten, ...]:
    """Return the flaws that were worded by hand, in order."""
    listed = _data("handwritten.yaml")
    assert isinstance(listed, dict)  # noqa: S101 - the file ships with the package
    return tuple(Handwritten.model_validate(one) for one in listed["flaws"])


def _data(name: str) -> object:
    text = files("evaluation.planted").joinpath(name).read_text(encoding="utf-8")
    return yaml.safe_load(text)


def worded(line: str, dice: random.Random) -> str:
    """Choose one of each `{a|b}` in `line`."""
    return _CHOICE.sub(lambda hole: dice.choice(hole[1].split("|")), line)
