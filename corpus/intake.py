"""From files to conversations: read, roles told, broken turns joined, what comes twice left out."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corpus.dialogue import turns_of
from corpus.formats.raw import Skipped
from corpus.gather import Found, Gathering, Groups
from corpus.speakers import Ask, Roles, assign_roles
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domain.settings import ReadingSettings
    from domain.turn import Turn


@dataclass(frozen=True)
class Conversation:
    """One session that can be taken: who is who, its turns, and which others it belongs to."""

    found: Found
    roles: Roles
    turns: tuple[Turn, ...]
    group: str


@dataclass
class Intake:
    """Everything under a path, one conversation at a time.

    Nothing of a conversation is kept but a hash of what is said, 8 bytes and the number of its
    file, so that the same one is not taken twice.
    """

    source: Path
    reading: ReadingSettings
    ask: Ask | None = None
    told: Counter[str] = field(default_factory=Counter)
    """How roles were told, by number of conversations."""
    timed: int = 0
    """Conversations with times."""
    gathering: Gathering = field(init=False)

    def __post_init__(self) -> None:
        self.gathering = Gathering(self.source, self.reading)

    def conversations(self) -> Iterator[Conversation]:
        """Yield every conversation; what is left out is put down in `gathering`.

        Raises:
            TranscriptError: There is no such path, or nothing that could be a transcript.
        """
        groups = Groups()
        seen: dict[int, str] = {}
        for found in self.gathering.sessions():
            place = found.session.place
            try:
                one = self._of(found, groups.of(found))
            except TranscriptError as error:
                self.gathering.skip(Skipped(where=place, reason=str(error)))
                continue
            file = sys.intern(place.split(",")[0])
            before = seen.setdefault(_said(one), file)
            if before is not file:
                reason = f"{place}: the same conversation as {before}"
                self.gathering.skip(Skipped(where=place, reason=reason))
                continue
            self._count(one)
            yield one

    def _of(self, found: Found, group: str) -> Conversation:
        session = found.session
        roles = assign_roles(
            session.utterances, session.place, self.reading, session.roles, self.ask
        )
        turns = turns_of(session.utterances, roles)
        if len(turns) < session.min_turns:
            raise TranscriptError(
                "the conversation is too short",
                where=session.place,
                expected=f"at least {session.min_turns} turns of two speakers",
                got=f"{len(turns)}",
                mend="Leave it out.",
            )
        return Conversation(found, roles, turns, group)

    def _count(self, one: Conversation) -> None:
        self.told[one.roles.told] += 1
        self.timed += any(turn.start_s is not None for turn in one.turns)
        if one.roles.assumed:
            self.gathering.note(f"{one.found.session.place}: {one.roles.assumed}")


def _said(one: Conversation) -> int:
    text = "\n".join(turn.text for turn in one.turns)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def nothing(source: Path, gathering: Gathering) -> TranscriptError:
    """The error when nothing could be taken: the first reason in full, the others by count."""
    first = gathering.skipped[0] if gathering.skipped else None
    others = gathering.skips - 1
    more = f" (and {others} more)" if others > 0 else ""
    return TranscriptError(
        "no transcript could be taken",
        where=str(source),
        expected="at least one readable transcript",
        got=f"{first.reason}{more}" if first else "no session in it",
        mend="Mend the transcripts named, or leave them out.",
    )
