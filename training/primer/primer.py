"""Talks between two people, made from words.yaml and grammar.yaml by a seed.

The replies keep what makes a conversation predictable from what was said before: they take up the
other's words, answer questions, acknowledge half sentences, greet at the beginning and take leave
at the end. Nothing of it is anybody's transcript.
"""

from __future__ import annotations

import functools
import random
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from training.primer.inflect import Verb, article, capital, turned, verb

Message = dict[str, str]
"""One chat message: `role` (system, user, assistant) and `content`."""

COINED = 0.4
"""Share of the talks with words that are made up on the spot: they teach taking words over."""
MAX_DEPTH = 6
"""How far rules may call rules."""

_HERE = Path(__file__).parent
_SLOT = re.compile(r"\{(\w+)\}")
_WEIGHT = re.compile(r"(\d+) x (.*)")
_ARTICLE = re.compile(r"\b([Aa]) \{(\w*thing|other|\w*adj)\}")


@dataclass(frozen=True)
class Topic:
    """The words that belong to one subject of talk."""

    name: str
    things: tuple[str, ...]
    stuff: tuple[str, ...]
    verbs: tuple[Verb, ...]
    adjs: tuple[str, ...]


@dataclass(frozen=True)
class Material:
    """Everything that talks are made of."""

    topics: tuple[Topic, ...]
    shared: dict[str, list[str]]
    syllables: dict[str, list[str]]
    patterns: dict[str, list[str]]
    rules: dict[str, tuple[list[str], list[float]]]
    """What a rule can become, and how often it does, added up."""


@functools.cache
def material() -> Material:
    """Read the words and the patterns, once."""
    words = _read("words.yaml")
    patterns = _read("grammar.yaml")
    patterns.pop("source")
    topics = tuple(
        Topic(
            name,
            tuple(lists["things"]),
            tuple(lists["stuff"]),
            tuple(verb(entry) for entry in lists["verbs"]),
            tuple(lists["adjs"]),
        )
        for name, lists in words["topics"].items()
    )
    rules = {
        name: _weighted(options)
        for name, options in _read("speech.yaml").items()
        if name != "source"
    }
    shared = {key: [str(word) for word in values] for key, values in words["shared"].items()}
    return Material(topics, shared, words["syllables"], patterns, rules)


def source_bytes() -> bytes:
    """All that a talk depends on, for hashing: the data and the code that fills it."""
    names = ("words.yaml", "grammar.yaml", "speech.yaml", "primer.py", "inflect.py")
    return b"\0".join((_HERE / name).read_bytes() for name in names)


def talks(seed: int, count: int) -> list[list[Message]]:
    """Make `count` talks, each a list of chat messages."""
    return [Talk.begin(random.Random(f"{seed}-{number}")).play() for number in range(count)]


def _read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_HERE / name).read_text(encoding="utf-8"))
    return loaded


def _coined(dice: random.Random) -> str:
    """Make up a word of two or three syllables, such as `brindle` or `tostrack`."""
    parts = material().syllables
    beats = [
        dice.choice(parts["onsets"]) + dice.choice(parts["vowels"])
        for _ in range(dice.choice([1, 2, 2]))
    ]
    return "".join(beats) + dice.choice(parts["codas"])


def _weighted(options: list[str]) -> tuple[list[str], list[float]]:
    """Split `3 x text` into the text and its share, added up for `random.choices`."""
    texts, total, sums = [], 0.0, []
    for option in options:
        match = _WEIGHT.fullmatch(str(option))
        total += float(match[1]) if match else 1.0
        texts.append(match[2] if match else str(option))
        sums.append(total)
    return texts, sums


@dataclass
class Talk:
    """One talk while it is being made: its subject, its few words, and what was last said."""

    dice: random.Random
    topic: Topic
    focus: dict[str, list[str]]
    verbs: list[Verb]
    names: list[str]
    people: list[str]
    last_clause: str = ""
    last_word: str = ""
    depth: int = 0
    heard: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    @classmethod
    def begin(cls, dice: random.Random) -> Talk:
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
            focus["thing"][:3] = [_coined(dice) for _ in range(3)]
            focus["stuff"][:1] = [_coined(dice)]
            verbs[:2] = [verb(_coined(dice)) for _ in range(2)]
            names[:2] = [capital(_coined(dice)) for _ in range(2)]
        people = dice.sample(made.shared["people"], 2)
        talk = cls(dice, topic, focus, verbs, names, people)
        talk.last_word = dice.choice(focus["thing"])
        return talk

    def play(self) -> list[Message]:
        """Make the talk from its opening to its end, or a short narrative now and then."""
        if self.dice.random() < 0.7:
            self._say("system", self._pattern("systems"))
        if self.dice.random() < 0.12:
            return self._narrate()
        if self.dice.random() < 0.5:
            self._open()
        for _ in range(self.dice.randint(3, 14)):
            self._exchange()
        if self.dice.random() < 0.5:
            self._close()
        return self.messages

    def _open(self) -> None:
        if self.dice.random() < 0.5:
            self._say("user", self.dice.choice(["Hello.", "Hi.", "Good morning.", "Hey."]))
        else:
            self._say("user", "...")
        self._say("assistant", self._pattern("openings"))
        self._say("user", self._pattern("first_answers"))
        self._say("assistant", self._reply(short=0.2))

    def _close(self) -> None:
        self._say("user", self._answer())
        self._say("assistant", self._pattern("summaries") + " " + self._pattern("plans"))
        self._say("user", self._answer())
        self._say("assistant", self._pattern("closings"))
        if self.dice.random() < 0.5:
            self._say("user", self._pattern("last_answers"))
            self._say("assistant", self.dice.choice(["Bye.", "Bye-bye.", "Take care.", "See you."]))

    def _exchange(self) -> None:
        roll = self.dice.random()
        if roll < 0.2:
            self._broken_off()
        else:
            self._say("user", self._answer())
            self._say("assistant", self._reply(short=0.3))

    def _broken_off(self) -> None:
        """A sentence that the other's `Mm-hmm.` cuts in two."""
        sentence = self._remembered_clause()
        words = sentence.split()
        cut = self.dice.randint(1, max(1, len(words) - 1))
        self._say("user", capital(" ".join(words[:cut])) + "-")
        self._say("assistant", self._shared("acks"))
        rest = " ".join(words[cut:]) or "you know"
        self._say("user", f"-{rest}. {self._pattern('remarks')}")
        self._say("assistant", self._reply(short=0.3))

    def _answer(self) -> str:
        """What the one who came to talk says: mostly a clause worth taking up."""
        roll = self.dice.random()
        if roll < 0.18:
            return self._shared("yeses")
        if roll < 0.25:
            return self._shared("noes")
        if roll < 0.32:
            return self._pattern("client_questions")
        if roll < 0.6:
            said = [self._rule("talk") for _ in range(self.dice.choice([1, 1, 2, 3]))]
            return " ".join(capital(one) for one in said)
        parts = [f"{capital(self._spoken(self._remembered_clause()))}."]
        if self.dice.random() < 0.5:
            parts.insert(0, self._shared("yeses" if self.dice.random() < 0.6 else "noes"))
        if self.dice.random() < 0.5:
            parts.append(self._pattern("remarks"))
        if self.dice.random() < 0.25:
            joined = self._spoken(self._remembered_clause())
            parts.append(f"{self.dice.choice(['And', 'But', 'So', 'Because'])} {joined}.")
        if self.dice.random() < 0.06:
            parts.append(self._shared("noises"))
        return " ".join(parts)

    def _reply(self, short: float) -> str:
        """What the listener says; `short` is the share of bare acknowledgements."""
        if self.dice.random() < short:
            return self._shared("acks")
        if self.dice.random() < 0.55:
            said = [self._rule("listen") for _ in range(self.dice.choice([1, 1, 1, 2]))]
            return " ".join(capital(one) for one in said)
        parts = [self._shared("acks")] if self.dice.random() < 0.4 else []
        roll = self.dice.random()
        if roll < 0.45:
            parts.append(self._pattern("reflections"))
            if self.dice.random() < 0.4:
                parts.append(self._pattern("questions"))
        elif roll < 0.75:
            parts.append(self._pattern("questions"))
        elif roll < 0.84:
            parts.append(self._pattern("affirmations"))
        elif roll < 0.93:
            parts.append(self._pattern("advice"))
        else:
            parts.append(self._pattern("plans"))
        return " ".join(parts)

    def _narrate(self) -> list[Message]:
        for _ in range(self.dice.randint(1, 3)):
            self._say("user", self._pattern("narrative_requests"))
            lines = [self._pattern("narratives") for _ in range(self.dice.randint(2, 6))]
            self._say("assistant", " ".join(lines))
        return self.messages

    def _say(self, role: str, text: str) -> None:
        self.messages.append({"role": role, "content": text})

    def _remembered_clause(self) -> str:
        if self.dice.random() < 0.5:
            self.last_clause = self._rule("s1")
        else:
            self.last_clause = self._fill(self.dice.choice(material().patterns["clauses"]))
        return self.last_clause

    def _spoken(self, clause: str) -> str:
        """Add what speech has and writing has not: fillers and false starts."""
        words = clause.split()
        roll = self.dice.random()
        place = self.dice.randrange(len(words))
        if roll < 0.2:
            words.insert(place, f"{self._shared('fillers')},")
        elif roll < 0.28:
            words.insert(place, f"{words[place]}-")
        return " ".join(words)

    def _shared(self, key: str) -> str:
        return self.dice.choice(material().shared[key])

    def _pattern(self, key: str) -> str:
        return capital(self._fill(self.dice.choice(material().patterns[key])))

    def _fill(self, pattern: str) -> str:
        """Fill the slots from left to right; what fills a slot is not read again."""

        def with_article(match: re.Match[str]) -> str:
            word = self._word(match[2])
            chosen = article(word)
            return f"{chosen.capitalize() if match[1] == 'A' else chosen} {word}"

        both = re.compile(f"{_ARTICLE.pattern}|{_SLOT.pattern}")

        def fill(match: re.Match[str]) -> str:
            return with_article(match) if match[1] else self._slot(match[3])

        return both.sub(fill, pattern)

    def _slot(self, name: str) -> str:
        word = self._word(name.lower())
        return capital(word) if name[0].isupper() else word

    def _word(self, name: str) -> str:
        if name in ("thing", "stuff", "adj"):
            chosen = self.dice.choice(self.focus[name])
            if name == "thing":
                self.last_word = chosen
            return chosen
        if name.startswith("other"):
            return self._other(name.removeprefix("other") or "thing")
        if name in ("verb", "past", "ing", "third"):
            return _form(self.dice.choice(self.verbs), name)
        return self._told(name)

    def _rule(self, name: str) -> str:
        """Follow a rule of speech.yaml; too deep, the first and plainest way of saying it."""
        texts, sums = material().rules[name]
        self.depth += 1
        plain = self.depth > MAX_DEPTH
        chosen = texts[0] if plain else self.dice.choices(texts, cum_weights=sums)[0]
        filled = self._fill(chosen)
        self.depth -= 1
        return filled

    def _other(self, name: str) -> str:
        """A word from any subject at all."""
        topic = self.dice.choice(material().topics)
        if name in ("verb", "past", "ing", "third"):
            return _form(self.dice.choice(topic.verbs), name)
        pools = {"thing": topic.things, "stuff": topic.stuff, "adj": topic.adjs}
        return self.dice.choice(pools[name])

    def _told(self, name: str) -> str:
        """A word that depends on who is in the talk or on what was said in it."""
        if name in material().rules:
            return self._rule(name)
        if name == "topic":
            return self.topic.name
        if name == "word":
            return self.last_word
        if name == "echo":
            return turned(self.last_clause) if self.last_clause else "you came to talk"
        if name == "clause":
            return self._remembered_clause()
        if name == "name":
            return self.dice.choice(self.names)
        if name == "person":
            return self.dice.choice(self.people)
        if name == "person2":
            return turned(self.dice.choice(self.people))
        return self._shared(_PLURALS[name])


_PLURALS = {
    "time": "times",
    "place": "places",
    "number": "numbers",
    "unit": "units",
    "degree": "degrees",
    "adverb": "adverbs",
    "feeling": "feelings",
    "filler": "fillers",
    "rating": "ratings",
    "ack": "ack",
}


def _form(chosen: Verb, name: str) -> str:
    return {
        "verb": chosen.base,
        "past": chosen.past,
        "ing": chosen.ing,
        "third": chosen.third,
    }[name]
