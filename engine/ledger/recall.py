"""What a resumed run takes from an earlier one's calls, and what it asks anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from domain.call import UNANSWERED, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

ASKED_ANEW = UNANSWERED | {Outcome.TIMEOUT}
"""Outcomes that leave a step without an answer. A call that timed out may have been paid for, so
it is asked again only for a session that failed at it and is played again."""


class Placed(Protocol):
    """A recorded call, as far as recalling it goes."""

    @property
    def place(self) -> tuple[int, int, int]:
        """(draft, step, attempt)."""
        ...

    @property
    def outcome(self) -> str:
        """How it ended."""
        ...


T = TypeVar("T", bound=Placed)


def recalled(rows: Iterable[T], *, again: bool) -> dict[tuple[int, int, int], T]:
    """Leave out the last attempts of each step as long as they brought no answer.

    A resumed run asks there again: a server that was down or overloaded, or an account that was
    empty, must not cost the session for good. What stood before them, such as an answer that did
    not fit, was paid for and stays. It is done shard by shard, so that what a later run asked
    anew never mixes with what it had left out.

    Args:
        rows: A session's calls in one shard.
        again: Whether the session had ended and is played again.
    """
    unanswered: Collection[str] = ASKED_ANEW if again else UNANSWERED
    answered: dict[tuple[int, int], int] = {}
    for row in (kept := list(rows)):
        if row.outcome not in unanswered:
            step = row.place[:2]
            answered[step] = max(answered.get(step, 0), row.place[2])
    return {row.place: row for row in kept if row.place[2] <= answered.get(row.place[:2], -1)}
