"""The texts that are planted, as data."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Literal, NamedTuple

import yaml
from pydantic import Field

from domain.base import Noun


class Family(Noun):
    """Texts of one kind, and the verdict they ask for."""

    key: str
    wants: Literal["accept", "reject"]
    lines: tuple[str, ...] = Field(min_length=1)


class Families(Noun):
    """Every family, in order."""

    source: str
    payloads: tuple[Family, ...] = Field(min_length=1)


class Payload(NamedTuple):
    """One text with the name of its family."""

    family: str
    wants: Literal["accept", "reject"]
    text: str


@lru_cache(maxsize=1)
def payloads() -> tuple[Payload, ...]:
    """Return every text of payloads.yaml, in order."""
    text = files("evaluation.injection").joinpath("payloads.yaml").read_text(encoding="utf-8")
    read = Families.model_validate(yaml.safe_load(text))
    return tuple(Payload(one.key, one.wants, line) for one in read.payloads for line in one.lines)
