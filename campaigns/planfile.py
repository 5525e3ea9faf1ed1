"""A plan as it is written: one canonical line for each session, which also names the session.

Casting a plan again costs as much as it did the first time, and reading it as nouns nearly so: a
resumed campaign, and whoever only needs the sessions' names, takes the lines as they stand.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import orjson

from domain.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from domain.scenario import PlanItem


def name_of(line: bytes) -> str:
    """Return the id of the session that a line is of."""
    return f"session-{hashlib.sha256(line).hexdigest()[:16]}"


@dataclass(frozen=True)
class PlanLines:
    """The lines of a plan, in its order, without their ends."""

    lines: tuple[bytes, ...]

    @cached_property
    def hash(self) -> str:
        """SHA-256 in hex over the file that holds them."""
        digest = hashlib.sha256()
        for line in self.lines:
            digest.update(line)
            digest.update(b"\n")
        return digest.hexdigest()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The sessions' ids: `PlanItem.session_id`, which is a hash of the line."""
        return tuple(name_of(line) for line in self.lines)

    def first(self, count: int) -> PlanLines:
        """Return the plan of the first `count` lines: what was dealt, without refills."""
        return self if len(self.lines) <= count else PlanLines(self.lines[:count])

    def after(self, count: int) -> PlanLines:
        """Return what follows the first `count` lines: the refills."""
        return PlanLines(self.lines[count:])

    def and_then(self, more: PlanLines) -> PlanLines:
        """Return the plan with the lines of another after its own."""
        return PlanLines(self.lines + more.lines)

    def items(self) -> list[tuple[str, bytes]]:
        """Return (session id, line) for every session."""
        return list(zip(self.names, self.lines, strict=True))


def lines_of(plan: Iterable[PlanItem]) -> PlanLines:
    """Return a plan as it is written; its items are let go of one by one."""
    return PlanLines(tuple(line_of(item) for item in plan))


def line_of(item: PlanItem) -> bytes:
    """Return `canonical_json` of an item, in a third of the time: it holds no floats.

    A copy, because orjson's own bytes keep the room that it wrote them in: 8 KB for 2.
    """
    return memoryview(orjson.dumps(item.model_dump(), option=orjson.OPT_SORT_KEYS)).tobytes()


def read_lines(path: Path) -> PlanLines:
    """Read the plan that a campaign has written.

    Raises:
        StoreError: There is no such file, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return PlanLines(tuple(line.rstrip(b"\n") for line in file if line.strip()))
    except OSError as error:
        raise StoreError(
            "the campaign's plan cannot be read",
            where=str(path),
            got=str(error),
            mend="Restore plan.jsonl from a copy, or start a new run under another name.",
        ) from error
