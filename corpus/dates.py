"""Dates moved by one offset per record, so that what lay between two of them stays.

All elements of a date but the year are identifiers (45 CFR 164.514(b)(2)(i)(C)); shifting with
one secret offset per patient follows MIMIC-III (Johnson et al., 2016, Scientific Data 3:160035).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_UNITS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]
ORDINALS = (
    *_UNITS,
    *["tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth"],
    *["seventeenth", "eighteenth", "nineteenth", "twentieth"],
    *(f"twenty-{unit}" for unit in _UNITS),
    "thirtieth",
    "thirty-first",
)
_PLAIN_YEAR = 2001  # stands in where no year is said; not a leap year
_MONTH = re.compile("|".join(f"{m[:3]}[a-z]*" for m in MONTHS), re.IGNORECASE)
_YEAR = re.compile(r"\b(?:19|20)\d{2}\b")
_DAY = re.compile(r"(?<!\d)(\d{1,2})(st|nd|rd|th)?\b(?!\d)", re.IGNORECASE)
_WORD_DAY = re.compile(
    "|".join(sorted((o.replace("-", "[- ]") for o in ORDINALS), key=len, reverse=True)),
    re.IGNORECASE,
)
_FIGURES = re.compile(r"^(\d{1,4})([-/.])(\d{1,2})(?:\2(\d{1,4}))?$")


@dataclass(frozen=True)
class _Written:
    """A date as it is written: what is said of it, and how to write another like it."""

    day: date
    form: str
    """`ymd`, `dmy`, `mdy`, `md` in figures; `words` with a month's name."""


def can_shift(text: str) -> bool:
    """Tell whether `text` is a date that exists."""
    return _read(text) is not None


def shift(text: str, days: int) -> str:
    """Return the date `text` moved by `days`, written in its own form; what was not said stays so.

    A month alone is moved as its 15th, a day alone as one of January. A year is kept in step where
    one was said.
    """
    written = _read(text)
    if written is None:
        return text
    moved = written.day + timedelta(days=days)
    if written.form == "words":
        return _in_words(text, moved)
    sign = _FIGURES.match(text)
    mark = sign[2] if sign else "/"
    short = written.form != "ymd" and len(text.split(mark)[-1]) == 2
    year = f"{moved.year % 100:02d}" if short else f"{moved.year}"
    parts = {"y": year, "m": f"{moved.month:02d}", "d": f"{moved.day:02d}"}
    return mark.join(parts[letter] for letter in written.form)


def _read(text: str) -> _Written | None:
    figures = _FIGURES.match(text)
    try:
        return _from_figures(figures) if figures else _from_words(text)
    except ValueError:
        return None


def _from_figures(match: re.Match[str]) -> _Written:
    first, second, third = int(match[1]), int(match[3]), match[4]
    if len(match[1]) == 4:
        return _Written(date(first, second, int(third or 1)), "ymd")
    if third is None:
        return _Written(date(_PLAIN_YEAR, first, second), "md")
    year = int(third) + (0 if len(third) == 4 else 1900 if int(third) > 40 else 2000)
    if first > 12 or match[2] == ".":
        return _Written(date(year, second, first), "dmy")
    return _Written(date(year, first, second), "mdy")


def _from_words(text: str) -> _Written | None:
    month = _MONTH.search(text)
    if month is None:
        alone = _DAY.fullmatch(text)
        return _Written(date(_PLAIN_YEAR, 1, int(alone[1])), "words") if alone else None
    rest = _YEAR.sub(" ", text[: month.start()] + " " + text[month.end() :])
    year = _YEAR.search(text)
    number = next(i for i, name in enumerate(MONTHS, 1) if name[:3] == month[0][:3].capitalize())
    figures, word = _DAY.search(rest), _WORD_DAY.search(rest)
    day = int(figures[1]) if figures else _ordinal(word[0]) if word else 15
    return _Written(date(int(year[0]) if year else _PLAIN_YEAR, number, day), "words")


def _ordinal(word: str) -> int:
    return ORDINALS.index(word.lower().replace(" ", "-")) + 1


def _in_words(text: str, moved: date) -> str:
    """Write `moved` into `text` in place of its month, year and day."""
    month = _MONTH.search(text)
    year = _YEAR.search(text)
    held: list[tuple[int, int, str]] = []
    if month:
        name = MONTHS[moved.month - 1]
        short = len(month[0].rstrip(".")) == 3 and month[0].lower() != "may"
        held.append((*month.span(), name[:3] if short else name))
    if year:
        held.append((*year.span(), str(moved.year)))
    day = next((m for m in (*_DAY.finditer(text), *_WORD_DAY.finditer(text)) if m), None)
    if day and not (year and year.start() <= day.start() < year.end()):
        held.append((*day.span(), _day_like(day[0], moved.day)))
    for start, end, new in sorted(held, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _day_like(written: str, day: int) -> str:
    if not written[0].isdigit():
        return ORDINALS[day - 1]
    if written.isdigit():
        return str(day)
    ending = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"
