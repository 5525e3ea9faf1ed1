"""The client: answers what was asked, from the persona's diagram, in the persona's style."""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING

from domain.base import seed_of
from understudy.clauses import sentences
from understudy.clientwords import ClientWords
from understudy.hearing import listen
from understudy.notes import Talk, read_talk
from understudy.sheets import ClientSheet, client_sheet
from understudy.style import in_style
from understudy.templates import choose, load_grammar, tidy, was_said

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.hearing import Heard
    from understudy.request import ChatRequest

TOO_EARLY = 0.5
"""Share of the session before which advice is too early."""
RISK_FROM, RISK_UNTIL = 0.35, 0.5
"""Where in the session the client brings up risk: from here at a fitting question, at the latest
there whatever is asked."""
TAKES_UP = re.compile(
    r"suicid|kill|dying|\bdie\b|dead|harm|hurt|safe|alive|not be(ing)? (here|around)|life|crisis",
    re.IGNORECASE,
)
OPEN_CHOICE = re.compile(
    r"^(?:[^,.?]{0,40}, )?(?:and |so )?(?:what|which)\b(?! (?:do|would) you (?:think|say))",
    re.IGNORECASE,
)
"""A task is asked for and none is named: "Before we meet again, what could you do?"."""
SHORT_TALK = 2
"""Questions answered in one turn, at most."""


def answer(request: ChatRequest) -> str:
    """Return the client's next turn."""
    talk, system = read_talk(request), request.system
    rng = Random(seed_of("client", request.seed, system, len(talk.own), talk.heard))
    sheet = client_sheet(system)
    if sheet is None:
        return _without_a_sheet(talk, rng)
    return _Client(sheet, talk, rng).turn()


def _without_a_sheet(talk: Talk, rng: Random) -> str:
    """Answer as some client, where the prompt is not ours."""
    grammar, heard = load_grammar("client"), listen(talk.heard)
    if "risk_direct" in heard.asked:
        move = "risk_no"
    elif "goodbye" in heard.told and not heard.asked:
        move = "goodbye"
    else:
        move = "generic"
    return choose(grammar[move], rng, talk.said, dict[str, str]())


class _Client:
    """One turn of the client."""

    def __init__(self, sheet: ClientSheet, talk: Talk, rng: Random) -> None:
        self.sheet = sheet
        self.talk = talk
        self.rng = rng
        self.said = talk.said
        self.heard: Heard = listen(talk.heard)
        self.words = ClientWords(sheet, talk.notes, self.said, rng)
        self.grammar = load_grammar("client")

    def turn(self) -> str:
        """Say the turn."""
        plain = self._goodbye() or self._risk_answer()
        if plain:
            return plain
        guarded = self._held_back()
        asked = self._asked()
        parts = [guarded] if guarded else []
        if not guarded or asked:
            limit = 1 if guarded else SHORT_TALK
            parts += [self.reply(key) for key in asked[:limit]]
        if not asked and not guarded:
            parts += [self.line("reflected"), self._go_on()]
        if self._brings_risk(asked):
            return tidy(" ".join([*_first(parts), self.line("risk_bring")]))
        spoken = [part for part in parts if part] or [self.line("reflected")]
        if guarded:
            return tidy(" ".join(spoken[:2]))
        telling = not asked or bool(_TELLS & set(asked))
        return in_style(
            spoken,
            self.sheet.style,
            self.rng,
            self.said,
            self.words,
            telling=telling,
            agreeing=bool(asked) and _AGREES.issuperset(asked),
        )

    def line(self, move: str) -> str:
        """Draw a line of `move`."""
        return choose(self.grammar[move], self.rng, self.said, self.words)

    def _goodbye(self) -> str:
        closing = "goodbye" in self.heard.told and self.talk.notes.progress > 0.6
        if not closing or {"risk_direct", "homework"} & set(self.heard.asked):
            return ""
        again = was_said(self.grammar["goodbye"], "\n".join(self.talk.own[-1:]).lower())
        return self.line("goodbye_again" if again else "goodbye")

    def _risk_answer(self) -> str:
        at_risk = self.sheet.risk != "none"
        if "help_offered" in self.heard.told and was_said(self.grammar["risk_yes"], self.said):
            return self.line(
                "risk_helped"
            )  # also where it asks what "you might hurt yourself with"
        if "risk_plan" in self.heard.asked and at_risk and self._risk_told():
            return self.line("risk_plan")
        if "risk_direct" in self.heard.asked:
            return self.line("risk_yes" if at_risk else "risk_no")
        if "help_offered" in self.heard.told and at_risk and self._risk_told():
            return self.line("risk_helped")
        return ""

    def _risk_told(self) -> bool:
        return self.sheet.risk_statement[:40].lower() in self.said or was_said(
            self.grammar["risk_yes"], self.said
        )

    def _brings_risk(self, asked: tuple[str, ...]) -> bool:
        if self.sheet.risk == "none" or self._risk_told():
            return False
        progress = self.talk.notes.progress
        fitting = not asked or bool(_FITS_RISK & set(asked))
        return progress >= RISK_UNTIL or (progress >= RISK_FROM and fitting)

    def _held_back(self) -> str:
        """React to being brushed off, or advised before being understood."""
        told = self.heard.told
        brushed = "dismissed" in told
        advised = "advised" in told and self.talk.notes.progress < TOO_EARLY
        if brushed or advised:
            own = self.line("dismissed" if brushed else "advised")
            styled = in_style([], self.sheet.style, self.rng, self.said, self.words, guarded=True)
            return styled if styled and self.rng.random() < 0.4 else own
        if len(self.talk.heard.split()) > 95 and self.talk.notes.progress < 0.75:
            return self.line("lectured")
        last = self.talk.own[-1].lower() if self.talk.own else ""
        spoke_of_risk = self.sheet.risk != "none" and self.sheet.risk_statement[:40].lower() in last
        if spoke_of_risk and self.sheet.risk_statement and not TAKES_UP.search(self.talk.heard):
            return self.line("risk_ignored")
        return ""

    def _asked(self) -> tuple[str, ...]:
        asked = self.heard.asked
        real = tuple(key for key in asked if key not in ("yes_no", "open"))
        if "summary_check" in real and len(real) > 1:
            real = tuple(key for key in real if key != "summary_check")
        return real or asked[-1:]

    def reply(self, key: str) -> str:
        """Answer one question by its key."""
        special = _SPECIAL.get(key)
        if special is not None:
            return special(self)
        return self.line(_MOVES.get(key, key))

    def _go_on(self) -> str:
        """Tell the next thing that may be told by now."""
        words = self.words
        if words.get("situation"):
            return self.line("situation")
        if words.may_tell("thought") and words.unsaid(self.sheet.thoughts):
            return self._thought()
        if words.may_tell("what you do") and words.unsaid(self.sheet.behaviours):
            return self.line("behaviour")
        return self._more()

    def _more(self) -> str:
        return self.line("more") if self.words.get("detail") else self.line("reflected")

    def _situation(self) -> str:
        return self.line("situation") if self.words.get("situation") else self._more()

    def _thought(self) -> str:
        words, thoughts = self.words, self.sheet.thoughts
        if not words.may_tell("thought"):
            return self.line("thought_not_yet")
        if not words.unsaid(thoughts):
            return self.line("thought_again") if self.rng.random() < 0.5 else self._more()
        first = not any(thought.lower() in self.said for thought in thoughts)
        return self.line("thought" if first else "thought_more")

    def _feeling(self) -> str:
        if not self.words.may_tell("emotion") and self.talk.notes.progress > 0.25:
            return self.line("feeling_not_yet")
        fresh = self.words.feelings()[:1]
        named = [item for item in self.sheet.emotions if item in self.said]
        if fresh and fresh[0] in named:
            return self.line("feeling_again")
        return self.line("feeling_more" if len(named) > 1 else "feeling")

    def _behaviour(self) -> str:
        if self.words.get("behaviour"):
            return self.line("behaviour")
        return self.line("coping" if self.words.get("coping") else "behaviour_again")

    def _meaning(self) -> str:
        words = self.words
        earned = not any({"dismissed", "advised"} & listen(t).told for t in self.talk.others)
        if words.may_tell("rules") and words.get("rule"):
            return self.line("meaning_rule")
        if words.may_tell("core") and earned and words.get("core"):
            return self.line("meaning")
        if words.may_tell("thought") and words.unsaid(self.sheet.thoughts):
            return self._thought()
        return self.line("meaning_not_yet")

    def _rule(self) -> str:
        if self.words.may_tell("rules") and self.words.get("rule"):
            return self.line("rule")
        return self.line("meaning_not_yet")

    def _scale(self) -> str:
        return self.line("scale_after" if self.words.rated() else "scale")

    def _feedback(self) -> str:
        hurt = any("dismissed" in listen(text).told for text in self.talk.others)
        asked_before = was_said(self.grammar["feedback"], self.said)
        return self.line(
            "feedback_thin" if hurt else "feedback_rest" if asked_before else "feedback"
        )

    def _agenda(self) -> str:
        stated = was_said(self.grammar["agenda"], self.said)
        return self.line("agenda_ok" if stated else "agenda")

    def _homework(self) -> str:
        asked = (part for part in sentences(self.talk.heard) if "homework" in listen(part).asked)
        open_choice = any(OPEN_CHOICE.search(part) for part in asked)
        return self.line("homework_choose" if open_choice else "homework_agree")


_FITS_RISK = frozenset(
    {"feeling", "thought", "behaviour", "meaning", "impact", "open", "history", "body", "hope"}
)
_TELLS = _FITS_RISK | {"situation", "mood", "more", "support"}
"""Questions about the problem itself."""
_AGREES = frozenset({"homework", "homework_sure", "obstacle", "agenda_order", "summary_check"})
"""Questions that are answered with a yes and a day, or with what could stop one."""
_MOVES = {
    "open": "more",
    "agenda_order": "agenda_ok",
    "summary_check": "summary_ok",
    "explanations": "explanations",
}
"""Question key to move, where the names differ."""

_SPECIAL: dict[str, Callable[[_Client], str]] = {
    "situation": _Client._situation,
    "open": _Client._go_on,
    "thought": _Client._thought,
    "feeling": _Client._feeling,
    "behaviour": _Client._behaviour,
    "meaning": _Client._meaning,
    "rule": _Client._rule,
    "scale": _Client._scale,
    "feedback": _Client._feedback,
    "agenda": _Client._agenda,
    "homework": _Client._homework,
}


def _first(parts: list[str]) -> list[str]:
    """Keep one sentence of what was going to be said."""
    spoken = [part for part in parts if part]
    return sentences(spoken[0])[:1] if spoken else []
