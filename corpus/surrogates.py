"""What stands in for an identifier: invented, of the same sort, the same for the same."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from corpus import ages, dates
from corpus.data.files import load_yaml
from corpus.people.words import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_NAME_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

_LISTED = {
    "employer": "employer",
    "employer_small": "employer",
    "school": "school",
    "school_small": "school",
    "clinic": "clinic",
}
"""Classes whose surrogates stand in a list of surrogates.yaml, and the list."""


class Surrogates:
    """The surrogates of one record, drawn from its seed.

    Args:
        seed: Of the record; the same record gets the same surrogates.
        first: Words of the record that are first names, in small letters.
        last: Words that are family names.
        taken: Further words, in small letters, that no surrogate name may be.
    """

    def __init__(self, seed: int, first: set[str], last: set[str], taken: Iterable[str]) -> None:
        rng = random.Random(seed)
        data = load_yaml("surrogates")
        self._days = rng.choice((-1, 1)) * 7 * rng.randint(7, 26)
        self._number = rng.randrange(100)
        avoid = {*first, *last, *taken}
        self._names = {
            **_assigned(first, data["first"], avoid, rng),
            **_assigned(last, data["last"], avoid, rng),
        }
        self._last = set(last)
        self._streets: list[str] = rng.sample(data["street"], len(data["street"]))
        self._towns = [town for town in data["town"] if town.lower() not in avoid]
        rng.shuffle(self._towns)
        self._given: dict[tuple[str, str], str] = {}
        self._makers: dict[str, Callable[[str, int], str]] = {
            "email": lambda _, n: f"person{n}@example.org",
            "url": lambda _, n: f"www.example.org/{n}",
            "ip_address": lambda _, n: f"192.0.2.{n % 254 + 1}",
            "handle": lambda _, n: f"@person{n}",
            "phone": lambda _, n: f"555-01{n % 100:02d}",
            "street_address": lambda _, n: f"{n} {self._street(n)}",
            "street_address_small": lambda _, n: f"{n} {self._street(n).lower()}",
            "email_spoken": lambda _, n: f"person {n} at example dot org",
            "photo_file": lambda _, n: f"photo-{n:02d}.jpg",
            "place": lambda _, n: self._towns[n % len(self._towns)],
            **{kind: self._listed(key, data) for kind, key in _LISTED.items()},
            "postal_code": lambda _, n: f"000{n % 100:02d}",
        }

    def of(self, kind: str, original: str) -> str:
        """Return what stands for `original`, an identifier of class `kind`."""
        if kind == "name":
            return self._name(original)
        if kind == "date" and (moved := dates.shift(original, self._days)) != original:
            return moved
        if kind == "age_over_89":
            return ages.generalised(original)
        key = (kind, re.sub(r"[\W_]+", "", original).lower())
        if key not in self._given:
            self._number += 1
            self._given[key] = self._makers.get(kind, _masked)(original, self._number % 99 + 1)
        return self._given[key]

    def _street(self, number: int) -> str:
        return self._streets[number % len(self._streets)]

    @staticmethod
    def _listed(key: str, data: dict[str, list[str]]) -> Callable[[str, int], str]:
        """Return what draws from a list of the data, in the case of the original."""

        def drawn(original: str, number: int) -> str:
            chosen = data[key][number % len(data[key])]
            return chosen.lower() if original.islower() else chosen

        return drawn

    def _name(self, original: str) -> str:
        """Replace each word of a name; initials and joining words fall away."""
        new: list[str] = []
        for match in _NAME_WORD.finditer(original):
            word = plain(match[0])
            parts = [word, word.removesuffix("s"), *word.split("-")]
            known = next((self._names[part] for part in parts if part in self._names), None)
            if known is not None and known not in new:
                new.append(known)
        written = " ".join(new)
        if original.isupper():
            return written.upper()
        return written.lower() if original.islower() else written


def _assigned(
    words: set[str], pool: list[str], avoid: set[str], rng: random.Random
) -> dict[str, str]:
    """Give each word a name of the pool; when the pool is used up, numbers tell people apart."""
    free = [name for name in pool if name.lower() not in avoid]
    rng.shuffle(free)
    return {
        word: free[i % len(free)] + (f" {i // len(free) + 1}" if i >= len(free) else "")
        for i, word in enumerate(sorted(words))
    }


def _masked(original: str, number: int) -> str:
    """Keep a number's shape: letters become X, digits 0, the last two tell it from others."""
    shape = re.sub(r"[^\W\d_]", "X", re.sub(r"\d", "0", original))
    if "0" not in shape:  # a number spoken in words
        return f"000 0{number:02d}"
    digits = [match.start() for match in re.finditer("0", shape)][-2:]
    for place, digit in zip(digits, f"{number:02d}"[-len(digits) :], strict=True):
        shape = f"{shape[:place]}{digit}{shape[place + 1 :]}"
    return shape
