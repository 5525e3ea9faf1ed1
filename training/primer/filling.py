"""Fills the slots of a pattern with the few words that a talk keeps coming back to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.primer.inflect import Verb, article, capital, turned, verb
from training.primer.material import Topic, coined, material

if TYPE_CHECKING:
    import random

COINED = 0.4
"""Share of the talks with words that are made up on the spot: they teach taking words over."""
MAX_DEPTH = 6
"""How far rules may call rules."""

_SLOT = re.compile(r"\b([Aa]) \{(\w*thing|other|\w*adj)\}|\{(\w+)\}")
"""A slot; an article in front of one is taken with it, because the word decides it."""
_FORMS = ("verb", "past", "ing", "third")


@dataclass
class Filling:
    """The words of one talk, and what was last said in it."""

    dice: random.Random
    topic: Topic
    focus: dict[str, list[str]]
    verbs: list[Verb]
    names: list[str]
    people: list[str]
    last_clause: str = ""
    last_word: str = ""
    depth: int = 0

    @classmethod
    def begin(cls, dice: random.Random) -> Filling:
        """Choose a subject and the handful of words that the talk will come back to."""
        made = material()
        topic, guest = dice.sample(made.topics, 2)
        focus = {
            "thing": dice.sample(topic.things, 4) + dice.sample(guest.things, 1),
            "stuff": dice.sample(topic.stuff, 2) + dice.sample(guest.stuff, 1),
            "adj": dice.sample(topic.adjs, 3),
        }
        verbs = dice.sample(topic.verbs, 3) + dice.sample(guest.verbs, 1)
        names = dice.sample(made.shared["names"], 3)
        if dice.random() < COINED:
            focus["thing"][:3] = [coined(dice) for _ in range(3)]
            focus["stuff"][:1] = [coined(dice)]
            verbs[:2] = [verb(coined(dice)) for _ in range(2)]
            names[:2] = [capital(coined(dice)) for _ in range(2)]
        people = dice.sample(made.shared["people"], 2)
        last_word = dice.choice(focus["thing"])
        return cls(dice, topic, focus, verbs, names, people, last_word=last_word)

    def shared(self, key: str) -> str:
        """Any word of one of the shared lists."""
        return self.dice.choice(material().shared[key])

    def pattern(self, key: str) -> str:
        """A filled pattern of grammar.yaml, as a sentence."""
        return capital(self._fill(self.dice.choice(material().patterns[key])))

    def rule(self, name: str) -> str:
        """Follow a rule of speech.yaml; too deep, the first and plainest way of saying it."""
        texts, sums = material().rules[name]
        self.depth += 1
        plain = self.depth > MAX_DEPTH
        chosen = texts[0] if plain else self.dice.choices(texts, cum_weights=sums)[0]
        filled = self._fill(chosen)
        self.depth -= 1
        return filled

    def clause(self) -> str:
        """A clause in the first person, kept so that the other can take it up."""
        if self.dice.random() < 0.5:
            self.last_clause = self.rule("s1")
        else:
            self.last_clause = self._fill(self.dice.choice(material().patterns["clauses"]))
        return self.last_clause

    def _fill(self, pattern: str) -> str:
        """Fill the slots from left to right; what fills a slot is not read again."""
        return _SLOT.sub(self._filled, pattern)

    def _filled(self, match: re.Match[str]) -> str:
        if match[1] is None:
            word = self._word(match[3].lower())
            return capital(word) if match[3][0].isupper() else word
        word = self._word(match[2])
        chosen = article(word)
        return f"{chosen.capitalize() if match[1] == 'A' else chosen} {word}"

    def _word(self, name: str) -> str:
        if name in self.focus:
            return self._focused(name)
        if name in _FORMS:
            return self.dice.choice(self.verbs).form(name)
        if name.startswith("other"):
            return self._other(name.removeprefix("other") or "thing")
        if name in material().rules:
            return self.rule(name)
        own = self._own(name)
        return (
            self.shared(name if name in material().shared else f"{name}s") if own is None else own
        )

    def _focused(self, name: str) -> str:
        chosen = self.dice.choice(self.focus[name])
        if name == "thing":
            self.last_word = chosen
        return chosen

    def _other(self, name: str) -> str:
        """A word from any subject at all."""
        topic = self.dice.choice(material().topics)
        if name in _FORMS:
            return self.dice.choice(topic.verbs).form(name)
        pools = {"thing": topic.things, "stuff": topic.stuff, "adj": topic.adjs}
        return self.dice.choice(pools[name])

    def _own(self, name: str) -> str | None:
        """A word that depends on who is in the talk or on what was said in it."""
        match name:
            case "topic":
                return self.topic.name
            case "word":
                return self.last_word
            case "echo":
                return turned(self.last_clause) if self.last_clause else "you came to talk"
            case "clause":
                return self.clause()
            case "name":
                return self.dice.choice(self.names)
            case "person":
                return self.dice.choice(self.people)
            case "person2":
                return turned(self.dice.choice(self.people))
        return None
