"""Texts of the casting grammar, filled in: `{slot}` and `{one|or|another}`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

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
        self._slots = {name: draw.choice(values) for name, values in sorted(slots.items())}

    def fill(self, text: str) -> str:
        """Fill `text`.

        Raises:
            PackError: It names a slot that does not exist.
        """
        return _HOLE.sub(self._value, text)

    def some(self, texts: Sequence[str], count: int) -> tuple[str, ...]:
        """Fill `count` of `texts`, drawn without repetition; all of them where there are fewer."""
        chosen = self._draw.sample(list(texts), min(count, len(texts)))
        return tuple(self.fill(text) for text in chosen)

    def one(self, texts: Sequence[str]) -> str:
        """Fill one of `texts`, drawn."""
        return self.fill(self._draw.choice(texts))

    def _value(self, hole: re.Match[str]) -> str:
        inside = str(hole[1])
        if "|" in inside:
            return self._draw.choice(inside.split("|"))
        if inside in self._slots:
            return self._slots[inside]
        raise PackError(
            "a casting text names a slot that does not exist",
            where=hole.string,
            expected=f"one of: {', '.join(self._slots)}; or {{alternatives|like|these}}",
            got=inside,
            mend="Correct the name, or add the slot to people.yaml or to the problem.",
        )
