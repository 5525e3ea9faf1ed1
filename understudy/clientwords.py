"""What fills the client's lines: the persona's own words first, the topic's where they end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from understudy.clauses import as_sentence
from understudy.templates import choose, inside, lines_of, load_grammar, read_data

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from understudy.notes import Notes
    from understudy.sheets import ClientSheet
    from understudy.templates import Line

NUMBER = re.compile(r"\b(\d{2,3})\b")
HIGH = (65, 95)
"""Belief in a thought before it was looked at, on 0 to 100."""
DROP = (15, 40)
"""How far belief falls for a reason found in the session."""
SMALL_DROP = (5, 15)
"""The same for someone who did not come for change."""

_topics: dict[str, dict[str, tuple[Line, ...]]] = {}


def topic_lines(topic: str, field: str) -> tuple[Line, ...]:
    """Return the lines of one field of a topic."""
    if topic not in _topics:
        entry = read_data("topics")[topic]
        assert isinstance(entry, dict)  # noqa: S101 - the file ships with the package
        _topics[topic] = {name: lines_of(block) for name, block in entry.items()}
    return _topics[topic][field]


class ClientWords:
    """Slots of the client's lines, drawn once each and only when a line asks for them.

    Args:
        sheet: Who the client is.
        notes: What may be told by now.
        said: What the client has said, in lower case.
        rng: Where draws come from.
    """

    def __init__(self, sheet: ClientSheet, notes: Notes, said: str, rng: Random) -> None:
        self.sheet = sheet
        self.notes = notes
        self.said = said
        self.rng = rng
        self._drawn: dict[str, str] = {}

    def get(self, slot: str) -> str:
        """Return the text of a slot, empty where there is none."""
        if slot not in self._drawn:
            self._drawn[slot] = self._draw(slot)
        return self._drawn[slot]

    def _draw(self, slot: str) -> str:
        own = _OWN.get(slot)
        if own is not None:
            return own(self)
        if slot in ("took", "when_short"):
            text = choose(load_grammar("client")[slot], self.rng, self.said, self)
            return inside(text)
        if slot == "kept":
            return self._kept()
        field = "part" if slot == "part2" else slot
        said = f"{self.said}\n{self._drawn.get('part', '').lower()}"
        text = choose(topic_lines(self.sheet.topic, field), self.rng, said, self, again=False)
        if not text and field in ("detail", "tangent"):
            text = choose(topic_lines("general", field), self.rng, said, self, again=False)
        elif not text:
            text = choose(topic_lines(self.sheet.topic, field), self.rng, said, self)
        return text if slot in SENTENCES else inside(text)

    def _kept(self) -> str:
        """Return what the client has already found in this hour; nothing where nothing was."""
        topic = self.sheet.topic
        lines = (*topic_lines(topic, "likely"), *topic_lines(topic, "other"))
        kept = [line for line in lines if line.signature and line.signature in self.said]
        return inside(kept[-1].fill(self.rng, self)) if kept else ""

    def unsaid(self, items: tuple[str, ...]) -> str:
        """Return the first of `items` that has not been said, empty when all were."""
        return next((item for item in items if item.lower() not in self.said), "")

    def may_tell(self, word: str) -> bool:
        """Tell whether the notes open `word` for telling; without notes everything is open."""
        told = self.notes.disclosure.lower()
        return not told or word in told or "everything" in told

    def feelings(self) -> tuple[str, ...]:
        """Return two feelings, unsaid ones first."""
        known = self.sheet.emotions
        fresh = [item for item in known if not re.search(rf"\b{re.escape(item)}\b", self.said)]
        return tuple(dict.fromkeys([*fresh, *known]))[:2]

    def rated(self) -> list[int]:
        """Return the ratings the client has given so far."""
        return [int(n) for n in NUMBER.findall(self.said) if 20 <= int(n) <= 100]

    def number(self) -> str:
        """Return a rating from 0 to 100; lower than the last one once there is a reason."""
        before = self.rated()
        if not before:
            return str(5 * self.rng.randint(HIGH[0] // 5, HIGH[1] // 5))
        start = before[-1]
        low, high = SMALL_DROP if self.sheet.readiness == "precontemplation" else DROP
        return str(max(10, start - 5 * self.rng.randint(low // 5, high // 5)))


SENTENCES = frozenset(
    {"detail", "tangent", "for", "against", "cope", "gives", "costs", "good", "body"}
)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _act(text: str) -> str:
    """Make a sentence of something the client does, however it is written."""
    if not text:
        return ""
    first = text.partition(" ")[0].lower()
    if first.endswith("ing") and first != "nothing":
        text = f"I end up {text}"
    elif first not in ("i", "i'm", "i've", "my", "when", "if", "we"):
        text = f"it comes down to {text}"
    return as_sentence(text)


def _goal(words: ClientWords) -> str:
    goal = words.unsaid(words.sheet.goals) or next(iter(words.sheet.goals), "")
    return goal if goal.startswith("to ") or not goal else f"to {goal}"


def _feeling(words: ClientWords, at: int) -> str:
    known = words.feelings()
    return known[at] if len(known) > at else ""


_OWN: dict[str, Callable[[ClientWords], str]] = {
    "situation": lambda w: as_sentence(w.unsaid((w.sheet.situation,))),
    "thought": lambda w: _capital(w.unsaid(w.sheet.thoughts) or next(iter(w.sheet.thoughts), "")),
    "feeling": lambda w: _feeling(w, 0),
    "feeling2": lambda w: _feeling(w, 1),
    "behaviour": lambda w: _act(w.unsaid(w.sheet.behaviours)),
    "coping": lambda w: _act(w.unsaid(w.sheet.coping)),
    "rule": lambda w: w.unsaid(w.sheet.rules),
    "core": lambda w: w.unsaid(w.sheet.core),
    "goal": _goal,
    "number": lambda w: w.number(),
    "sure": lambda w: str(w.rng.randrange(60, 95, 5)),
    "low": lambda w: str(w.rng.randint(3, 6)),
    "risk": lambda w: as_sentence(w.sheet.risk_statement),
}
