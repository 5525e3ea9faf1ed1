"""What a judge is tried with, read from material.yaml."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml
from pydantic import Field

from domain.base import Noun

if TYPE_CHECKING:
    import random

HOLE = "{reply}"


class Worse(Noun):
    """A way to make a reply worse, and the criteria on which the original must then win."""

    key: str
    hurts: tuple[str, ...] = Field(min_length=1)
    lines: tuple[str, ...] = ()
    """Where empty, the text is a reply to another scenario."""


class Material(Noun):
    """Padding, flaws and payloads; see material.yaml."""

    source: str
    padding: tuple[str, ...] = Field(min_length=1)
    worse: tuple[Worse, ...] = Field(min_length=1)
    payloads: dict[str, tuple[str, ...]] = Field(min_length=1)
    """Templates with the hole `{reply}`, by kind."""


@lru_cache(maxsize=1)
def material() -> Material:
    """Return what material.yaml holds."""
    text = files("evaluation.certificate").joinpath("material.yaml").read_text(encoding="utf-8")
    return Material.model_validate(yaml.safe_load(text))


def padded(reply: str, dice: random.Random) -> str:
    """Return `reply` with empty phrases after it until it has at least twice its words."""
    said = [" ".join(reply.split())]
    wanted = 2 * len(reply.split())
    phrases: list[str] = []
    while len(" ".join(said).split()) < wanted:
        phrases = phrases or dice.sample(material().padding, len(material().padding))
        said.append(phrases.pop())
    return " ".join(said)
