"""What the check plants: people, formats and sentences that the recognisers do not ship."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any, Self

import yaml
from pydantic import ValidationError, model_validator

from domain.base import Noun
from domain.errors import PackError

SLOT = re.compile(r"\{(\w+)\}")
NAME_SLOTS = {
    "client_first": "rostered_names",
    "client_last": "rostered_names",
    "client_full": "rostered_names",
    "therapist_first": "rostered_names",
    "therapist_last": "rostered_names",
    "other": "unrostered_names",
    "other2": "unrostered_names",
    "other_last": "unrostered_names",
    "other_full": "unrostered_names",
}
"""Slots of people: client and therapist are known from the labels, the others are not."""
DRAWN_SLOTS = {"place": "places", "organisation": "organisations", "school": "schools"}
"""Slots that are drawn from a list, and the list."""


class MaterialSet(StrEnum):
    """Which half is planted."""

    HELD_OUT = "held-out"
    """Written before the recognisers were extended, and not tuned on: what is reported."""
    DEV = "dev"
    """What may be looked at while a recogniser is mended."""


class People(Noun):
    """Names of invented people."""

    first: tuple[str, ...]
    last: tuple[str, ...]


class Material(Noun):
    """One half of the check."""

    source: str
    people: People
    words: tuple[str, ...]
    places: tuple[str, ...]
    organisations: tuple[str, ...]
    schools: tuple[str, ...]
    streets: tuple[str, ...]
    formats: dict[str, tuple[str, ...]]
    sentences: tuple[str, ...]
    """Each holds an identifier at least."""
    fillers: tuple[str, ...]
    """None holds one; some look as if they did."""

    @model_validator(mode="after")
    def _slots_are_known(self) -> Self:
        known = {*NAME_SLOTS, *DRAWN_SLOTS, *self.formats}
        for sentence in self.sentences:
            slots = SLOT.findall(sentence)
            if not slots or set(slots) - known:
                raise ValueError(f"no slot, or an unknown one, in {sentence!r}")
        return self


@lru_cache(maxsize=2)
def load_material(which: MaterialSet) -> Material:
    """Return one half of the check.

    Raises:
        PackError: The file is damaged.
    """
    name = f"{which.value}.yaml"
    raw: Any = yaml.safe_load(
        files("corpus.piicheck.data").joinpath(name).read_text(encoding="utf-8")
    )
    try:
        return Material.model_validate(raw)
    except ValidationError as error:
        raise PackError(
            "the material of the check cannot be used",
            where=f"corpus/piicheck/data/{name}",
            got=str(error.errors()[0]["msg"]),
            mend="Correct the file.",
        ) from error
