"""Whether a pattern stands in a text, whatever the case, in a fraction of the time.

Python's `re` compares letter by letter where case does not matter, and rules nothing out by a first
letter. Most texts are ASCII, of which the small letters can be searched with the plain pattern: it
finds the same ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_AS_IT_IS = re.compile(r"(\\.|\(\?P)", re.DOTALL)
"""What may not be put into small letters: what a backslash escapes, and how a group is named."""


@dataclass(frozen=True)
class AnyCase:
    """A pattern to be looked for, in whatever case; `flags` are `re`'s, IGNORECASE apart.

    One that asks for case in a part of it, `(?-i:...)`, is searched the slow way. Ranges that run
    from capitals into small letters (`[A-z]`) are not for it.
    """

    pattern: str
    flags: int = 0
    _any: re.Pattern[str] = field(init=False, repr=False)
    _small: re.Pattern[str] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = _AS_IT_IS.split(self.pattern)
        small = "".join(part if n % 2 else part.lower() for n, part in enumerate(parts))
        object.__setattr__(self, "_any", re.compile(self.pattern, self.flags | re.IGNORECASE))
        plain = None if "(?-" in self.pattern else re.compile(small, self.flags)
        object.__setattr__(self, "_small", plain)

    def is_in(self, text: str) -> bool:
        """Tell whether it stands anywhere in `text`."""
        if self._small is not None and text.isascii():
            return self._small.search(text.lower()) is not None
        return self._any.search(text) is not None
