"""Talks between two people, made from words.yaml, grammar.yaml and speech.yaml by a seed.

The replies keep what makes a conversation predictable from what was said before: they take up the
other's words, answer questions, acknowledge half sentences, greet at the beginning and take leave
at the end. Nothing of it is anybody's transcript.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from training.primer.filling import Filling
from training.primer.inflect import capital

Message = dict[str, str]
"""One chat message: `role` (system, user, assistant) and `content`."""

_GREETINGS = ("Hello.", "Hi.", "Good morning.", "Hey.")
_GOODBYES = ("Bye.", "Bye-bye.", "Take care.", "See you.")
_JOINS = ("And", "But", "So", "Because")


def talks(seed: int, count: int) -> list[list[Message]]:
    """Make `count` talks, each a list of chat messages."""
    return [Talk.begin(random.Random(f"{seed}-{number}")).play() for number in range(count)]


@dataclass
class Talk:
    """One talk while it is being made; the shares are rough guesses at ordinary conversation."""

    dice: random.Random
    filling: Filling
    messages: list[Message] = field(default_factory=list)

    @classmethod
    def begin(cls, dice: random.Random) -> Talk:
        """Choose what the talk is about."""
        return cls(dice, Filling.begin(dice))

    def play(self) -> list[Message]:
        """Make the talk from its opening to its end, or a short narrative now and then."""
        if self.dice.random() < 0.7:
            self._say("system", self.filling.pattern("systems"))
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
        silent = self.dice.random() < 0.5
        self._say("user", "..." if silent else self.dice.choice(_GREETINGS))
        self._say("assistant", self.filling.pattern("openings"))
        self._say("user", self.filling.pattern("first_answers"))
        self._say("assistant", self._reply(short=0.2))

    def _close(self) -> None:
        self._say("user", self._answer())
        summary = self.filling.pattern("summaries")
        self._say("assistant", f"{summary} {self.filling.pattern('plans')}")
        self._say("user", self._answer())
        self._say("assistant", self.filling.pattern("closings"))
        if self.dice.random() < 0.5:
            self._say("user", self.filling.pattern("last_answers"))
            self._say("assistant", self.dice.choice(_GOODBYES))

    def _exchange(self) -> None:
        if self.dice.random() < 0.2:
            self._broken_off()
        else:
            self._say("user", self._answer())
            self._say("assistant", self._reply(short=0.3))

    def _broken_off(self) -> None:
        """A sentence that the other's `Mm-hmm.` cuts in two."""
        words = self.filling.clause().split()
        cut = self.dice.randint(1, max(1, len(words) - 1))
        self._say("user", capital(" ".join(words[:cut])) + "-")
        self._say("assistant", self.filling.shared("acks"))
        rest = " ".join(words[cut:]) or "you know"
        self._say("user", f"-{rest}. {self.filling.pattern('remarks')}")
        self._say("assistant", self._reply(short=0.3))

    def _answer(self) -> str:
        """What the one who came to talk says: mostly a clause worth taking up."""
        kind = self.dice.choices(
            ["yeses", "noes", "question", "talk", "told"], [0.18, 0.07, 0.07, 0.28, 0.4]
        )[0]
        if kind in ("yeses", "noes"):
            return self.filling.shared(kind)
        if kind == "question":
            return self.filling.pattern("client_questions")
        if kind == "talk":
            return self._sentences("talk", self.dice.choice([1, 1, 2, 3]))
        return self._told()

    def _told(self) -> str:
        """A clause, perhaps with an answer before it and a remark after it."""
        parts = [f"{capital(self._spoken(self.filling.clause()))}."]
        if self.dice.random() < 0.5:
            parts.insert(0, self.filling.shared("yeses" if self.dice.random() < 0.6 else "noes"))
        if self.dice.random() < 0.5:
            parts.append(self.filling.pattern("remarks"))
        if self.dice.random() < 0.25:
            parts.append(f"{self.dice.choice(_JOINS)} {self._spoken(self.filling.clause())}.")
        if self.dice.random() < 0.06:
            parts.append(self.filling.shared("noises"))
        return " ".join(parts)

    def _reply(self, short: float) -> str:
        """What the listener says; `short` is the share of bare acknowledgements."""
        if self.dice.random() < short:
            return self.filling.shared("acks")
        if self.dice.random() < 0.55:
            return self._sentences("listen", self.dice.choice([1, 1, 1, 2]))
        parts = [self.filling.shared("acks")] if self.dice.random() < 0.4 else []
        kind = self.dice.choices(
            ["reflections", "questions", "affirmations", "advice", "plans"],
            [0.45, 0.3, 0.09, 0.09, 0.07],
        )[0]
        parts.append(self.filling.pattern(kind))
        if kind == "reflections" and self.dice.random() < 0.4:
            parts.append(self.filling.pattern("questions"))
        return " ".join(parts)

    def _sentences(self, rule: str, count: int) -> str:
        return " ".join(capital(self.filling.rule(rule)) for _ in range(count))

    def _narrate(self) -> list[Message]:
        for _ in range(self.dice.randint(1, 3)):
            self._say("user", self.filling.pattern("narrative_requests"))
            lines = [self.filling.pattern("narratives") for _ in range(self.dice.randint(2, 6))]
            self._say("assistant", " ".join(lines))
        return self.messages

    def _spoken(self, clause: str) -> str:
        """Add what speech has and writing has not: fillers and false starts."""
        words = clause.split()
        roll = self.dice.random()
        place = self.dice.randrange(len(words))
        if roll < 0.2:
            words.insert(place, f"{self.filling.shared('fillers')},")
        elif roll < 0.28:
            words.insert(place, f"{words[place]}-")
        return " ".join(words)

    def _say(self, role: str, text: str) -> None:
        self.messages.append({"role": role, "content": text})
