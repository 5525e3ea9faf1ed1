"""How long work tells whoever is watching how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called from time to time by long work; must be quick and must not raise."""

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Report that `done` of `total` units of `stage` are done; `note` is a short phrase."""
        ...


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """A `Progress` for callers that do not watch."""
