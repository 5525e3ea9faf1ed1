"""What a therapist can say of what it heard: lines, mistakes, the crisis protocol, reflections."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from measures.risk import asks_directly, offers_human_help, risk_kind
from understudy.answers import HALF, kind_of_answer, put_anew
from understudy.clauses import of_the_hour_itself, sentences
from understudy.skill import SLIPS, Skill, asks_less, avoided_by, mistake_lines, mistakes_of
from understudy.templates import choose, load_grammar, tidy, was_said
from understudy.therapistwords import TherapistWords

if TYPE_CHECKING:
    from random import Random

    from understudy.notes import Talk
    from understudy.sheets import TherapistSheet

LEAPS = re.compile(
    r"(?:(?P<of>if (?:that|it) were|if that's|suppose that|when you think that)"
    r"|suppose|imagine|picture|if someone)\b",
    re.IGNORECASE,
)
"""How a step begins that asks to imagine something; `of` where it is about a thought."""

OF_THE_WHOLE = frozenset({"bare_kept", "bare_feedback", "bare_feared", "bare_ends"})
"""Answers of which no clause is given back: a fear would be said as if it were so."""
EARLY = 0.35
"""Share of the session by which a situation was told, asked for or not."""


class TherapistVoice:
    """One turn's worth: the talk so far, the skill, and the words there are."""

    def __init__(
        self,
        sheet: TherapistSheet,
        talk: Talk,
        rng: Random,
        skill: Skill,
        session: int,
        system: str = "",
    ) -> None:
        self.sheet = sheet
        self.talk = talk
        self.rng = rng
        self.skill = skill
        self.said = talk.said
        self.mistakes = mistakes_of(skill, session, talk.notes.guidance)
        self.restrained = asks_less(skill, talk.notes.guidance, system)
        self.words = TherapistWords(sheet, talk, rng)
        self.grammar = load_grammar("therapist")

    def line(self, move: str) -> str:
        """Draw a line of `move`."""
        return choose(self.grammar[move], self.rng, self.said, self.words)

    def mistake(self, kind: str) -> str:
        """Draw a line with which a mistake of that kind is made."""
        return choose(mistake_lines(kind), self.rng, self.said, self.words)

    # Safety

    @cached_property
    def since_risk(self) -> tuple[str, ...] | None:
        """Own turns since the client first spoke of harm; None when that has not happened."""
        for at, text in enumerate(self.talk.others):
            if risk_kind(text):
                before = len(self.talk.own) - (len(self.talk.others) - at) + 1
                return self.talk.own[max(0, before) :]
        return None

    def with_risk(self) -> str:
        """Follow the crisis protocol where it is due: hear it, ask directly, offer human help."""
        since = self.since_risk
        if since is None:
            return ""
        closing = self.talk.notes.progress >= 1
        if "ignored_risk" in self.mistakes:
            return self.mistake("ignored_risk") if not since else ""
        if not any(asks_directly(text) for text in since):
            return self.line("risk_ask")
        if not any(offers_human_help(text) for text in since):
            said_no = not risk_kind(self.talk.heard) and self.talk.heard.lower().startswith("no")
            if closing:
                return self.line("risk_close")
            return self.line("risk_offer_no" if said_no else "risk_offer")
        return ""

    def _after_risk(self) -> str:
        """Say once that the subject is not dropped, when help has just been offered."""
        since = self.since_risk
        if since and offers_human_help(since[-1]):
            return self.line("risk_return")
        return ""

    # Reflections

    @cached_property
    def answered(self) -> str:
        """The lines that fit the client's last answer where no clause of it is given back."""
        return kind_of_answer(self.talk)

    def reflection(self, *, of_feelings: bool = True) -> str:
        """Give back what was just said: a thought, a feeling, a clause, or at least that."""
        deep = self._deep() if of_feelings else ""
        return self._after_risk() or deep or self._given_back(of_feelings=of_feelings)

    def _deep(self) -> str:
        """Bring thought and feeling together, more often the better the skill."""
        words = self.words
        often = {Skill.EXPERT: 0.6, Skill.COMPETENT: 0.35, Skill.NOVICE: 0.2}[self.skill]
        just_said = bool(self.talk.own) and words.thought in self.talk.own[-1]
        fresh = words.fresh_thought or (words.fresh_feelings and not just_said)
        if fresh and words.thought and words.feeling and self.rng.random() < often:
            return choose(self.grammar["deep"], self.rng, self.said, words, again=False)
        return ""

    def _given_back(self, *, of_feelings: bool) -> str:
        words = self.words
        if taken_up := self._taken_up():
            return self.line(taken_up)
        moved = words.fresh_feelings or words.fresh_thought
        # Late in the hour a plain clause is a step or a reason, and nothing to be sorry for.
        often = 0.55 if moved else 0.15 if self.talk.notes.progress <= HALF else 0
        warm = "_warm" if self.rng.random() < often else ""
        kinds = []
        if words.fresh_thought:
            kinds.append("thought")
        if words.clause and not of_the_hour_itself(words.clause):
            kinds.append("clause")
        if words.fresh_feelings and of_feelings:
            feeling = "feeling_early" if self._early() else "feeling"
            kinds.insert(0 if self.rng.random() < 0.5 else len(kinds), feeling)
        for kind in kinds:
            lines = self.grammar.get(kind + warm, self.grammar[kind])
            told = choose(lines, self.rng, self.said, words, again=False)
            told = told or choose(self.grammar[kind], self.rng, self.said, words, again=False)
            if told:
                return told
        return self.line(self.answered)

    def _taken_up(self) -> str:
        """Return the lines for what was found in the second half of the hour, if it was."""
        if self.talk.notes.progress <= HALF:
            return ""
        return self.answered if self.answered in OF_THE_WHOLE else put_anew(self.talk.heard)[0]

    def _early(self) -> bool:
        """Tell whether nothing was told yet that a feeling could come from ("what happened")."""
        asked = was_said(self.grammar["situation"], self.said)
        return not asked and self.talk.notes.progress <= EARLY

    def reflected(self, question: str) -> str:
        """Put a reflection before a question; a slip of skill leaves it out.

        Who asks less lets every other reflection stand alone.
        """
        if self.restrained and self.talk.own and "?" in self.talk.own[-1]:
            return tidy(self.reflection())
        slips = SLIPS.get(self.skill.value, 0.1)
        told = "no_reflection" in avoided_by(self.talk.notes.guidance)
        if self.rng.random() < slips and not told:
            return tidy(question)
        asks_feeling = was_said(self.grammar["feeling_q"], question.lower())
        given_back = self.reflection(of_feelings=not asks_feeling)
        return tidy(f"{given_back} {self._bridge(given_back, question)} {question}")

    def _bridge(self, given_back: str, question: str) -> str:
        """Join what was given back to a step that leaps from it; nothing where it follows."""
        leap = LEAPS.match(question)
        if leap is None or '"' in given_back or not self.words.clause:
            return ""
        # "If that were true" is of a thought: after what somebody did, the thought has to be named.
        named = leap["of"] is not None and self.words.thought and '"' not in question
        return self.line("bridge_thought" if named else "bridge")

    def short_reflection(self) -> str:
        """Return a reflection of one sentence, for turns that have more to do."""
        return sentences(self.reflection())[0]
