"""The private notes at the end of the last user message, and the conversation without them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.request import ChatRequest

HEADING = re.compile(r"(?:^|\n)Private notes[ \t]*(?:\n|$)")
EXCHANGE = re.compile(r"^Exchange:\s*(\d+)\s*of\s*(\d+)", re.MULTILINE)
LINE = re.compile(r"^([A-Z][A-Za-z' ]+):[ \t]*(.*)$", re.MULTILINE)
STAGE = re.compile(r"^\s*\[[^\]]*\]\s*$")
USUAL_EXCHANGES = 10
"""Length assumed for a conversation that comes without notes."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What a speaker is told in private; empty strings where nothing is said.

    `exchange` counts from 1; without notes both numbers are guessed from the conversation.
    """

    exchange: int
    exchanges: int
    part: str = ""
    guidance: str = ""
    disclosure: str = ""

    @property
    def progress(self) -> float:
        """Share of the session at the end of this exchange, 0 to 1."""
        return min(1.0, self.exchange / max(1, self.exchanges))


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation as the speaker sees it: own turns, the other's turns, and the notes.

    `heard` is the other's last turn, empty at the opening.
    """

    own: tuple[str, ...]
    others: tuple[str, ...]
    notes: Notes

    @property
    def heard(self) -> str:
        """The other's last turn."""
        return self.others[-1] if self.others else ""

    @property
    def said(self) -> str:
        """Everything the speaker has said, in lower case."""
        return "\n".join(self.own).lower()


def read_talk(request: ChatRequest) -> Talk:
    """Split a request's conversation into turns and notes."""
    own = tuple([text for role, text in request.messages if role == "assistant"])
    theirs = [text for role, text in request.messages if role == "user"]
    noted = ""
    if theirs:
        found = HEADING.search(theirs[-1])
        if found:
            noted = theirs[-1][found.end() :]
            theirs[-1] = theirs[-1][: found.start()].rstrip()
    others = tuple([text for text in theirs if text and not STAGE.match(text)])
    return Talk(own, others, _notes(noted, len(own) + 1))


def _notes(text: str, turn: int) -> Notes:
    lines = {name: value.strip() for name, value in LINE.findall(text)}
    place = EXCHANGE.search(text)
    at, of = (int(place[1]), int(place[2])) if place else (turn, max(turn + 1, USUAL_EXCHANGES))
    guidance = text.partition("Supervisor's guidance:")[2].strip()
    return Notes(
        exchange=at,
        exchanges=of,
        part=lines.get("Part of the session", ""),
        guidance="" if guidance.rstrip(".").lower() in ("", "none", "-") else guidance,
        disclosure=lines.get("Open to telling", ""),
    )
