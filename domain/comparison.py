"""Two replies to one scenario held beside each other, in both orders."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from domain.base import Noun
from domain.verdict import Protocol

TIE = "tie"


class PairAnswer(Noun):
    """What the judge's model returns for two replies; its JSON schema is sent."""

    reason: str
    better: Literal["first", "second", "tie"]


class Comparison(Noun):
    """What one judge says of the replies of `one` and `other`, asked twice: each stood first once.

    A preference that changes with the order is none: the pair is a tie, and `swapped` says so.
    """

    protocol: Protocol = Protocol.REPLY
    scenario_id: str
    criterion: str
    one: str
    other: str
    judge: str
    sample: int = Field(default=0, ge=0)
    forward: str = ""
    """Who was better while `one` stood first: a variant, `tie`, or empty where nobody can say."""
    backward: str = ""
    """The same while `other` stood first."""
    reasons: tuple[str, str] = ("", "")
    failure: str = ""
    """Why there is no outcome: one of the two could not be had."""
    calls: tuple[str, str] = ("", "")

    @property
    def swapped(self) -> bool:
        """Whether the answer depended on the order."""
        return not self.failure and self.forward != self.backward

    @property
    def winner(self) -> str | None:
        """The better variant, `tie`, or None where there is no outcome."""
        if self.failure:
            return None
        return TIE if self.swapped else self.forward
