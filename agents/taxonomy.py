"""The named kinds a pack distinguishes: problems, distortions, techniques, styles."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from agents.packfile import unique
from domain.base import Noun


class Entry(Noun):
    """One kind. Further keys of the file are kept as they stand, see `extra`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    key: str = Field(min_length=1)
    name: str = Field(min_length=1)
    description: str = Field(min_length=1)
    source: str = ""

    @property
    def extra(self) -> dict[str, object]:
        """Keys beyond the four that every entry has."""
        return dict(self.model_extra or {})


class Taxonomy(Noun):
    """The kinds of one file, in order."""

    source: str = Field(min_length=1)
    entries: tuple[Entry, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unique((entry.key for entry in self.entries), "key")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """The entries' keys, in order."""
        return tuple(entry.key for entry in self.entries)

    def find(self, key: str) -> Entry | None:
        """Return the entry named `key`, or None."""
        return next((entry for entry in self.entries if entry.key == key), None)
