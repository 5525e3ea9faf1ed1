"""Writes an invented identifier in one of the formats of the material."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from corpus.dates import MONTHS, ORDINALS
from corpus.piicheck.material import SLOT

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from corpus.piicheck.material import Material

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_FIRST_DAY = date(1948, 1, 1)
_DAYS = 27_000  # to the end of 2021
_VIN = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


@dataclass
class Writer:
    """Fills formats: # any digit, % one from 1 to 9, ? a capital letter, * a small one."""

    material: Material
    rng: random.Random
    _day: date = field(default=_FIRST_DAY)

    def write(self, kind: str) -> tuple[str, str]:
        """Return an identifier of `kind` and the format it is in."""
        chosen = self.rng.choice(self.material.formats[kind])
        self._day = _FIRST_DAY + timedelta(days=self.rng.randrange(_DAYS))
        filled = "".join(map(self._sign, chosen)) if "{" not in chosen else self._parts(chosen)
        return filled, chosen

    def _parts(self, form: str) -> str:
        """Fill signs outside braces, and what stands in braces."""
        made: list[str] = []
        at = 0
        for match in SLOT.finditer(form):
            made += map(self._sign, form[at : match.start()])
            made.append(self._named(match[1]))
            at = match.end()
        return "".join([*made, *map(self._sign, form[at:])])

    def _sign(self, sign: str) -> str:
        pools = {
            "#": string.digits,
            "%": "123456789",
            "?": "ABCDEFGHJKLMNPRSTWXY",
            "*": string.ascii_lowercase,
        }
        return self.rng.choice(pools[sign]) if sign in pools else sign

    def _named(self, name: str) -> str:
        if name.startswith("digits"):
            return " ".join(self.rng.choice(_DIGITS) for _ in range(int(name[6:])))
        makers: dict[str, Callable[[], str]] = {
            "word": lambda: self.rng.choice(self.material.words),
            "street": lambda: self.rng.choice(self.material.streets),
            "place": lambda: self.rng.choice(self.material.places),
            "postal": lambda: self.write("postal")[0],
            "unit": lambda: self.rng.choice(_DIGITS[1:]),
            "card": self._card,
            "iban": self._iban,
            "vin": lambda: "".join(self.rng.choice(_VIN) for _ in range(17)),
        }
        return makers[name]() if name in makers else self._of_day(name)

    def _of_day(self, name: str) -> str:
        day = self._day
        month = MONTHS[day.month - 1]
        ending = "th" if 10 < day.day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
        return {
            "month": month,
            "mon": month[:3],
            "day": str(day.day),
            "nth": f"{day.day}{ending}",
            "nth_words": ORDINALS[day.day - 1].replace("-", " "),
            "year": str(day.year),
            "mm": f"{day.month:02d}",
            "dd": f"{day.day:02d}",
        }[name]

    def _card(self) -> str:
        """Return sixteen digits with a right last one (Luhn, ISO/IEC 7812-1)."""
        digits = [4, *(self.rng.randrange(10) for _ in range(14))]
        doubled = [d * 2 - 9 * (d > 4) for d in digits[::2]]
        last = -(sum(doubled) + sum(digits[1::2])) % 10
        written = "".join(map(str, [*digits, last]))
        gap = self.rng.choice((" ", "-", ""))
        return gap.join(written[i : i + 4] for i in range(0, 16, 4))

    def _iban(self) -> str:
        """Return a German-shaped IBAN with right check digits (ISO 13616)."""
        body = "".join(str(self.rng.randrange(10)) for _ in range(18))
        check = 98 - int(body + "131400") % 97
        written = f"DE{check:02d}{body}"
        gap = self.rng.choice((" ", ""))
        return gap.join(written[i : i + 4] for i in range(0, len(written), 4))
