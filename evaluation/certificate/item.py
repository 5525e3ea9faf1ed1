"""A reply that a judge is tried on, and what came of it."""

from __future__ import annotations

from domain.base import Noun
from domain.record import HeldOutContext
from domain.verdict import Answer, Verdict

BLIND = "-"
"""The variant's name where it plays no part."""


class JudgeItem(Noun):
    """One reply to one scenario."""

    context: HeldOutContext
    text: str

    @property
    def answer(self) -> Answer:
        """The reply without its author."""
        return Answer(scenario_id=self.context.id, variant=BLIND, text=self.text, call="")


class Verdicts(Noun):
    """What came of one item: a verdict per criterion, in their order."""

    verdicts: tuple[Verdict, ...]
