"""Texts of the casting grammar, filled in: `{slot}` and `{one|or|another}`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from campaigns.casting.draw import one_of, some_of
from domain.errors import PackError

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

_HOLE = re.compile(r"\{([^{}]*)\}")


class Expander:
    """Fills texts for one persona: a slot keeps its value throughout, alternatives are drawn.

    Args:
        slots: The values each slot may take; one is drawn for each.
        draw: The persona's random numbers.
    """

    def __init__(self, slots: Mapping[str, Sequence[str]], draw: random.Random) -> None:
        self._draw = draw
        self._choices = slots
        self._slots: dict[str, str] = {}

    def fill(self, text: str) -> str:
        """Fill `text`; a slot is drawn when it is first met.

        Raises:
            PackError: It names a slot that does not exist.
        """
        return _HOLE.sub(self._value, text) if "{" in text else text

    def some(self, texts: Sequence[str], count: int) -> tuple[str, ...]:
        """Fill `count` of `texts`, drawn without repetition; all of them where there are fewer."""
        chosen = some_of(self._draw, texts, count)
        return tuple(self.fill(text) for text in chosen)

    def one(self, texts: Sequence[str]) -> str:
        """Fill one of `texts`, drawn."""
        return self.fill(one_of(self._draw, texts))

    def _value(self, hole: re.Match[str]) -> str:
        inside = str(hole[1])
        if "|" in inside:
            return one_of(self._draw, inside.split("|"))
        if inside not in self._slots and inside in self._choices:
            self._slots[inside] = one_of(self._draw, self._choices[inside])
        if inside in self._slots:
            return self._slots[inside]
        raise PackError(
            "a casting text names a slot that does not exist",
            where=hole.string,
            expected=f"one of: {', '.join(self._choices)}; or {{alternatives|like|these}}",
            got=inside,
            mend="Correct the name, or add the slot to people.yaml or to the problem.",
        )
