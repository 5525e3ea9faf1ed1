"""The therapist: reflects, asks, and keeps the structure of the hour, as well as its skill lets it.

It knows the intake form, the plan and the conversation. A novice's mistakes are drawn per session;
those that the supervisor's guidance names are not made.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from domain.base import seed_of
from measures.risk import offers_human_help
from understudy.clauses import sentences
from understudy.notes import Talk, read_talk
from understudy.sheets import TherapistSheet, therapist_sheet
from understudy.skill import Skill, mistake_lines, skill_of
from understudy.templates import choose, tidy, times_said, was_said
from understudy.therapistvoice import TherapistVoice
from understudy.therapistwords import TherapistWords, steps_of

if TYPE_CHECKING:
    from understudy.request import ChatRequest

PARTS = {
    "open": "opening",
    "agenda": "agenda",
    "explor": "explore",
    "techni": "technique",
    "summ": "summary",
    "homework": "homework",
    "clos": "closing",
    "engag": "explore",
    "focus": "agenda",
    "evok": "technique",
    "plan": "homework",
}
"""Beginning of a word in the part's name, to the part; the processes of motivational interviewing
are played as the parts that come nearest."""
TECHNIQUE_ENDS = 0.7
"""Share of the session by which the technique is usually done; tells when its last step is due."""
EXPLORE = (
    "situation",
    "thought_q",
    "feeling_q",
    "behaviour_q",
    "meaning_q",
    "scale_q",
    "history_q",
    "impact_q",
    "rule_q",
    "body_q",
    "support_q",
    "hope_q",
)
"""What is asked while exploring, in the usual order."""
WORK_MISTAKES = ("advice_too_early", "closed_questions", "no_reflection", "invalidating")
"""Mistakes made while exploring, one a turn."""
OFTEN = 2
"""How often a novice makes the same of these in a session."""


def answer(request: ChatRequest) -> str:
    """Return the therapist's next turn."""
    talk, system = read_talk(request), request.system
    rng = Random(seed_of("therapist", request.seed, system, len(talk.own), talk.heard))
    sheet = therapist_sheet(system)
    if sheet is None:
        return _without_a_sheet(talk, rng, skill_of(request.model))
    first = talk.own[0] if talk.own else str(request.seed)
    session = seed_of("mistakes", system, first)
    return _Therapist(sheet, talk, rng, skill_of(request.model), session, system).turn()


def _without_a_sheet(talk: Talk, rng: Random, skill: Skill) -> str:
    """Answer as some therapist, where the prompt is not ours; a novice makes mistakes."""
    sheet = TherapistSheet("", "", "examining_evidence", "", 1, (), "", (), "people you trust")
    therapist = _Therapist(sheet, talk, rng, skill, 0)
    if not talk.heard:
        return therapist.line("generic_first")
    if skill is Skill.NOVICE and (kind := rng.choice(WORK_MISTAKES)) != "no_reflection":
        return tidy(therapist.mistake(kind))
    if skill is Skill.NOVICE:
        return tidy(therapist.line("generic"))
    return therapist.with_risk() or tidy(f"{therapist.reflection()} {therapist.line('generic')}")


def one_question(said: str, kept: int = -1) -> str:
    """Return a turn with one of its questions: the last, which is answered anyhow, or another."""
    parts = sentences(said)
    asked = [at for at, part in enumerate(parts) if part.rstrip('"').endswith("?")]
    left_out = set(asked) - {asked[kept]} if asked else set()
    return " ".join(part for at, part in enumerate(parts) if at not in left_out)


class _Therapist(TherapistVoice):
    """One turn of the therapist."""

    def turn(self) -> str:
        """Say the turn."""
        part = self._part()
        if self.talk.heard and not (said := self.with_risk()):
            said = getattr(self, f"_{part}")() if part != "opening" else self._opening()
            # A task is asked for first; what could get in its way means nothing without it.
            kept = 0 if part == "homework" else -1
            return one_question(said, kept) if self.restrained else said
        return said if self.talk.heard else self._opening()

    def _part(self) -> str:
        named = self.talk.notes.part.lower()
        found = next((part for stem, part in PARTS.items() if named.startswith(stem)), "")
        found = found or next((part for stem, part in PARTS.items() if stem in named), "")
        return found or ("explore" if self.talk.own else "opening")

    # The parts of the hour

    def _opening(self) -> str:
        if not self.talk.own:
            return self.line("greet_first" if self.sheet.session == 1 else "greet")
        return self.reflected(self.line("mood_more"))

    def _agenda(self) -> str:
        if was_said(self.grammar["agenda"], self.said):
            return self.reflected(self.line("agenda_settle"))
        if "no_agenda" in self.mistakes:
            return self.mistake("no_agenda")
        review = self.line("review") or self.line("review_base")
        agenda = self.line("agenda")
        if self.talk.notes.exchanges >= 16 and review and not self._reviewed():
            return self.reflected(review)
        return tidy(f"{self.short_reflection()} {'' if self._reviewed() else review} {agenda}")

    def _reviewed(self) -> bool:
        return was_said((*self.grammar["review"], *self.grammar["review_base"]), self.said)

    def _explore(self) -> str:
        mistakes = [kind for kind in WORK_MISTAKES if kind in self.mistakes]
        often = 1 if self.skill is Skill.COMPETENT else OFTEN
        mistakes = [kind for kind in mistakes if times_said(mistake_lines(kind), self.said) < often]
        turn = self.talk.notes.exchange
        if mistakes and self.talk.notes.progress > 0.2:
            kind = mistakes[turn % len(mistakes)]
            if kind != "no_reflection":
                return self.mistake(kind)
            return self._explore_question()
        return self.reflected(self._explore_question())

    def _explore_question(self) -> str:
        asked = [move for move in EXPLORE if not was_said(self.grammar[move], self.said)]
        open_moves = [move for move in asked if not self._known(move)]
        if not open_moves:
            return self.line("more_q" if self.rng.random() < 0.5 else "again_q")
        ahead = 1 if len(open_moves) > 1 and len(asked) < 9 and self.rng.random() < 0.35 else 0
        return self.line(open_moves[ahead])

    def _known(self, move: str) -> bool:
        """Tell whether the client has just told what `move` would ask for."""
        if move == "thought_q":
            return bool(self.words.thought)
        if move == "feeling_q":
            return bool(self.words.fresh_feelings)
        if move == "scale_q":
            return not self.words.thought
        return move == "situation" and len(self.talk.heard.split()) > 40

    def _technique(self) -> str:
        if "monologue" in self.mistakes and not was_said(mistake_lines("monologue"), self.said):
            return self._lecture()
        if "no_technique" in self.mistakes:
            return self.mistake("no_technique")
        steps = steps_of(self.sheet.technique)
        done = [was_said(step, self.said) for step in steps]
        if all(done) or done[-1]:
            return self.reflected(self.line("again_q"))
        if not done[0]:
            return self.reflected(self._step(0))
        exchange, exchanges = self.talk.notes.exchange, self.talk.notes.exchanges
        left = round(TECHNIQUE_ENDS * exchanges) - exchange
        open_steps = [at for at in range(1, len(steps) - 1) if not done[at]]
        return self.reflected(self._step(open_steps[0] if left > 0 and open_steps else -1))

    def _step(self, at: int) -> str:
        return choose(steps_of(self.sheet.technique)[at], self.rng, self.said, self.words)

    def _lecture(self) -> str:
        return " ".join(line.fill(self.rng, self.words) for line in mistake_lines("monologue"))

    def _summary(self) -> str:
        if "no_summary" in self.mistakes:
            return self.mistake("no_summary")
        if was_said(self.grammar["summary"], self.said):
            return self.reflected(self.line("feedback_more"))
        summed = choose(self.grammar["summary"], self.rng, self.said, _Lenient(self.words))
        return tidy(f"{summed} {self.line('feedback')}")

    def _homework(self) -> str:
        if "no_homework" in self.mistakes:
            return self.mistake("no_homework")
        if was_said(self.grammar["homework"], self.said):
            return self.reflected(self.line("homework_plan"))
        return tidy(f"{self.short_reflection()} {self.line('homework')}")

    def _closing(self) -> str:
        closings = (*self.grammar["closing"], *self.grammar["closing_risk"])
        again = was_said(closings, "\n".join(self.talk.own[-1:]).lower())
        if again:
            return self.line("closing_again")
        helped = any(offers_human_help(text) for text in self.since_risk or ())
        closed = self.line("closing_risk" if helped else "closing")
        return tidy(f"{self._agreed()} {closed}")

    def _agreed(self) -> str:
        """Take up what the client answered to the task, where that was the last thing asked."""
        last = "\n".join(self.talk.own[-1:]).lower()
        tasks = (*self.grammar["homework"], *self.grammar["homework_plan"])
        if not was_said((*tasks, *self.grammar["homework_ask"]), last):
            return ""
        return self.line("agreed_own" if self.words.get("plan") else "agreed")


class _Lenient:
    """Slots that may be empty: a summary says what there is to say."""

    def __init__(self, words: TherapistWords) -> None:
        self.words = words

    def get(self, slot: str) -> str:
        """Return the slot's text, a space where there is none."""
        return self.words.get(slot) or " "
