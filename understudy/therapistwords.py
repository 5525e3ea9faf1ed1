"""What fills the therapist's lines: the plan, and what the client has said so far."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING

from understudy.answers import put_anew, ratings
from understudy.clauses import (
    as_sentence,
    named_feelings,
    of_the_hour_itself,
    quoted_thought,
    telling_clause,
    tells_of_feeling,
)
from understudy.pronouns import to_you
from understudy.templates import choose, lines_of, load_grammar, read_data, was_said

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from understudy.notes import Talk
    from understudy.sheets import TherapistSheet
    from understudy.templates import Line

BARE_VERB = re.compile(
    r"^(write|note|keep|try|call|ring|go|practise|practice|read|fill|plan|do|take|make|notice|"
    r"list|track|record|log|use|ask|tell|say|walk|meet|send|spend|talk|watch|look|put|set)\b"
)


PLAN = re.compile(
    r"\b(?:i'd rather|i could) (?!do (?:that|it)\b)([^.?!,]{8,90})(?:, [^.?!]*)?[.!]", re.IGNORECASE
)
"""How a client names a step of its own."""


class TherapistWords:
    """Slots of the therapist's lines, found once each and only when a line asks for them.

    Args:
        sheet: The intake form and the plan.
        talk: The conversation so far.
        rng: Where draws come from.
    """

    def __init__(self, sheet: TherapistSheet, talk: Talk, rng: Random) -> None:
        self.sheet = sheet
        self.talk = talk
        self.rng = rng
        self._found: dict[str, str] = {}

    def get(self, slot: str) -> str:
        """Return the text of a slot, empty where there is none."""
        if slot not in self._found:
            self._found[slot] = _SLOTS[slot](self)
        return self._found[slot]

    @cached_property
    def thought(self) -> str:
        """The thought to work on: the first one the client put in words, else a telling clause."""
        quoted = (quoted_thought(text) for text in self.talk.others)
        return next(filter(None, quoted), "")

    @cached_property
    def fresh_thought(self) -> str:
        """A thought in the client's last turn."""
        return quoted_thought(self.talk.heard)

    @cached_property
    def feeling(self) -> str:
        """The feeling the client named while the moment was looked at, else any."""
        early = self.talk.others[1 : max(3, round(0.6 * self.talk.notes.exchanges))]
        for text in (*reversed(early), *self.talk.others):
            if named_feelings(text):
                return named_feelings(text)[0]
        return ""

    @cached_property
    def fresh_feelings(self) -> tuple[str, ...]:
        """Feelings named in the client's last turn."""
        return named_feelings(self.talk.heard)

    @cached_property
    def clause(self) -> str:
        """The most telling clause of the client's last turn, in the second person."""
        return telling_clause(self.talk.heard)

    @cached_property
    def rated(self) -> tuple[str, ...]:
        """What the client has just rated, after what it was before where it fell."""
        return ratings(self.talk)

    def told_clause(self) -> str:
        """What happened, else the most telling clause of the first half, not yet given back.

        How the week or the homework went is no part of it, whatever was said of it.
        """
        said, grammar = self.talk.said, load_grammar("therapist")
        frame = ("greet", "greet_first", "mood_more", "review", "review_base")
        framed = tuple(line for move in frame for line in grammar[move])
        half = max(2, (len(self.talk.others) + 1) // 2)
        answers = zip_longest(self.talk.others[:half], self.talk.own[:half], fillvalue="")
        told = []
        for text, asked in answers:
            clause = telling_clause(text)
            if not clause or len(text.split()) <= 5 or of_the_hour_itself(clause):
                continue
            if was_said(grammar["situation"], asked.lower()):
                return clause
            if not was_said(framed, asked.lower()):
                told.append(clause)
        fresh = [clause for clause in told if clause.lower() not in said]
        return max(fresh or told, key=len, default="")

    def view(self) -> str:
        """What the client found in the second half, when the thought was looked at."""
        later = self.talk.others[len(self.talk.others) // 2 :]
        found = (put_anew(text) for text in reversed(later))
        return next((anew for move, anew in found if anew and move != "to_a_friend"), "")

    def plan(self) -> str:
        """What the client has just proposed to do, in the second person."""
        found = PLAN.search(self.talk.heard.replace("\u2019", "'"))
        return to_you(found[1]) if found else ""

    def task(self) -> str:
        """Homework that follows from the technique."""
        techniques = read_data("techniques")
        entry = techniques[self.sheet.technique]
        assert isinstance(entry, dict)  # noqa: S101 - the file ships with the package
        text = choose(lines_of(entry["homework"]), self.rng, self.talk.said, self)
        return text[:1].lower() + text[1:]

    def piece(self, move: str) -> str:
        """Return a line of the therapist's grammar that fills a slot of another; or nothing."""
        return choose(load_grammar("therapist")[move], self.rng, "", self)

    def agenda(self) -> str:
        """Return at most two points of the agenda, in one phrase."""
        first = self.sheet.agenda[0].replace(": one moment to look at closely", "")
        return ", and ".join((first.partition(": ")[2] or first, *self.sheet.agenda[1:2]))


def _thought_was(words: TherapistWords) -> str:
    if not words.thought:
        return ""
    return words.piece("thought_was") or words.piece("thought_only")


def _homework(words: TherapistWords) -> str:
    return "" if BARE_VERB.match(words.sheet.homework) else words.sheet.homework


def _homework_base(words: TherapistWords) -> str:
    return words.sheet.homework if BARE_VERB.match(words.sheet.homework) else ""


def _help(words: TherapistWords) -> str:
    told = words.sheet.crisis_help
    return re.sub(r"\bwith them\b", "with you", re.sub(r"\bthey trust\b", "you trust", told))


_SLOTS: dict[str, Callable[[TherapistWords], str]] = {
    "name": lambda w: w.sheet.name or "there",
    "agenda": TherapistWords.agenda,
    "homework": _homework,
    "homework_base": _homework_base,
    "thought": lambda w: w.thought[:1].upper() + w.thought[1:],
    "feeling": lambda w: (w.fresh_feelings or (w.feeling,))[0],
    "felt_then": lambda w: w.feeling,
    "clause": lambda w: w.clause,
    "felt": lambda w: "" if w.clause[:3] == "if " or not tells_of_feeling(w.clause) else w.clause,
    "anew": lambda w: put_anew(w.talk.heard)[1],
    "number": lambda w: w.rated[-1] if w.rated else "",
    "before": lambda w: w.rated[0] if len(w.rated) > 1 else "",
    "told_clause": TherapistWords.told_clause,
    "told": lambda w: as_sentence(w.piece("told")) if w.get("told_clause") else "",
    "thought_was": lambda w: as_sentence(_thought_was(w)),
    "view": TherapistWords.view,
    "view_was": lambda w: as_sentence(w.piece("view_was")) if w.get("view") else "",
    "task": TherapistWords.task,
    "plan": TherapistWords.plan,
    "help": _help,
}


def steps_of(technique: str) -> tuple[tuple[Line, ...], ...]:
    """Return a technique's steps: the first, each one between, the last."""
    if technique not in _steps:
        entry = read_data("techniques")[technique]
        assert isinstance(entry, dict)  # noqa: S101 - the file ships with the package
        between = tuple((line,) for line in lines_of(entry["between"]))
        _steps[technique] = (lines_of(entry["first"]), *between, lines_of(entry["last"]))
    return _steps[technique]


_steps: dict[str, tuple[tuple[Line, ...], ...]] = {}
