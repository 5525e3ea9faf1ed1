"""What tells an identifier from what only looks like one, where a pattern cannot."""

from __future__ import annotations

import ipaddress
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from corpus.ages import age_in
from corpus.data.files import first_names, load_yaml
from corpus.dates import can_shift
from corpus.lexicon import harmless, vocabulary
from corpus.people.words import plain

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBERS = tuple(load_yaml("lexicon")["numbers"])
_VALUES = {**{word: value for value, word in enumerate(_NUMBERS)}, "oh": 0, "o": 0}
_MEASURE = re.compile(
    r"(?i)\d+(?:st|nd|rd|th|s|mg|mcg|kg|g|lbs?|kms?|m|cm|mm|ft|in|am|pm|hrs?|mins?|secs?|yrs?|yo|x|k"
    r"|gb|mb|p|d|cc|ish|mph|bpm|ml|oz|min|hour|day|week|year|month|mile|minute|second|pound|dollar|step|percent)+"
)
_YEAR = re.compile(r"(?:19|20)\d{2}s?(?:[-/](?:(?:19|20)?\d{2}))?")
_UNITS = frozenset(load_yaml("lexicon")["unit_signs"])
_NOT_STREETS = frozenset(load_yaml("lexicon")["not_streets"])
_COVID = re.compile(r"(?i)covid-?19")


def is_iban(text: str) -> bool:
    """Check an IBAN's two digits (ISO 13616, ISO/IEC 7064 mod 97-10)."""
    code = re.sub(r"\W", "", text).upper()
    digits = "".join(str(int(sign, 36)) for sign in code[4:] + code[:4])
    return len(code) >= 15 and int(digits) % 97 == 1


def is_card(text: str) -> bool:
    """Check a card number's last digit (Luhn, ISO/IEC 7812-1)."""
    digits = [int(sign) for sign in text if sign.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return len(digits) >= 13 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_small_place(text: str) -> bool:
    """Tell a place that is no state, country or other large one, and no harmless capital."""
    return not all(plain(word) in harmless() for word in text.split())


def is_over_89(text: str) -> bool:
    """Tell an age of 90 to 120: ages up to 89 may stay (45 CFR 164.514(b)(2)(i)(C))."""
    age = age_in(text)
    return age is not None and 90 <= age <= 120


def is_ip(text: str) -> bool:
    """Tell an address of IPv6 (RFC 4291) from a time; four groups with dots are taken as they are.

    Who says an address aloud makes mistakes, so IPv4's limit of 255 is not asked for.
    """
    if ":" not in text:
        return True
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.version == 6 and ("::" in text or text.count(":") == 7)


def is_small_address(text: str) -> bool:
    """Tell "12 elm street" from "a 20 minute drive"."""
    words = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", text.lower())
    return not _NOT_STREETS.intersection(words[:-1])


def is_plate(text: str) -> bool:
    """Tell a plate or a vehicle's number from "10 am" and "2 kids"."""
    parts = re.split(r"[ -]", text)
    letters = [part for part in parts if part.isalpha()]
    digits = [part for part in parts if part.isdigit()]
    if _UNITS.intersection(letters) or any(map(_MEASURE.fullmatch, parts)):
        return False
    if any(_YEAR.fullmatch(part) for part in digits) and len(parts) < 3:
        return False
    mixed = any(not part.isalpha() and not part.isdigit() for part in parts)
    return mixed or all(part.isupper() or part.lower() not in vocabulary() for part in letters)


def is_code(text: str) -> bool:
    """Tell a number that somebody was given from a year, an amount or a measure."""
    joined = text.replace("-", "")
    if _MEASURE.fullmatch(joined) or _YEAR.fullmatch(text) or _COVID.fullmatch(text):
        return False
    return sum(sign.isdigit() for sign in text) >= 2


def is_phone(text: str) -> bool:
    """Tell a telephone number from counting aloud, a row of amounts or of years."""
    values = _spoken(text)
    if values is None:
        groups = re.findall(r"\d+", text)
        if sum(map(len, groups)) < 7:
            return False
        values = [int(group) for group in groups]
        if all(map(_YEAR.fullmatch, groups)):
            return False
    steps = {after - before for before, after in pairwise(values)}
    return not (len(values) > 3 and len(steps) == 1 and steps <= {1, -1, 2, 10, 100, -10})


def _spoken(text: str) -> list[int] | None:
    """Return the numbers of words, None where `text` holds figures and no words."""
    words = re.findall(r"[a-z]+", text.lower())
    if not words:
        return None
    return [_VALUES.get(word, 50 + number * number) for number, word in enumerate(words)]


def is_no_person(text: str) -> bool:
    """Tell an organisation from a colleague: "a job with Sarah"."""
    return plain(text.split()[0]) not in first_names()


CHECKS: dict[str, Callable[[str], bool]] = {
    "iban": is_iban,
    "luhn": is_card,
    "date": can_shift,
    "age": is_over_89,
    "place": is_small_place,
    "ip": is_ip,
    "small_address": is_small_address,
    "plate": is_plate,
    "code": is_code,
    "phone": is_phone,
    "not_person": is_no_person,
    "": lambda text: True,
}
"""By the name that `check:` gives in recognisers.yaml."""
