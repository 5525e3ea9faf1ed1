"""Grammars: lines of YAML that become sentences.

A grammar file maps a move to a block of lines. In a line, `{slot}` is filled in and `[a|b|]` is
one of its alternatives. A line is used only when all its slots have text, and not twice in a
session while another is left: its longest fixed part is looked for in what was said before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Protocol

import yaml

from domain.errors import PackError
from measures.quickyaml import QuickLoader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

PIECE = re.compile(r"\{(?P<slot>\w+)\}|\[(?P<options>[^\]\[]*)\]")
SHORTEST_SIGNATURE = 9
"""Characters; fixed parts shorter than this ("I think ") recur in any speech."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a grammar, taken apart.

    `pieces` alternate between fixed text (str), a slot's name (a 1-tuple) and alternatives (a
    longer tuple). `signature` is the longest fixed part in lower case, empty if all are short.
    """

    pieces: tuple[str | tuple[str, ...], ...]
    slots: tuple[str, ...]
    """In the order they stand: filling one may draw, and draws must not depend on hashes."""
    signature: str

    def fill(self, rng: Random, slots: Slots) -> str:
        """Return the line with its slots filled and its alternatives drawn."""
        text = []
        for piece in self.pieces:
            if isinstance(piece, str):
                text.append(piece)
            elif len(piece) == 1:
                filled = slots.get(piece[0]) or ""
                within = "".join(text).strip()[-1:] not in ("", ".", "?", "!", '"')
                whole = filled[-1:] in (".", "?", "!")
                text.append(inside(filled) if within and whole else filled)
            else:
                text.append(piece[int(rng.random() * len(piece))])
        return tidy("".join(text))


Grammar = dict[str, tuple[Line, ...]]


def parse_line(text: str) -> Line:
    """Take one line of a grammar apart."""
    pieces: list[str | tuple[str, ...]] = []
    slots: dict[str, None] = {}
    fixed, at = [], 0
    for match in PIECE.finditer(text):
        if match.start() > at:
            fixed.append(text[at : match.start()])
            pieces.append(fixed[-1])
        if match["slot"]:
            slots[match["slot"]] = None
            pieces.append((match["slot"],))
        else:
            options = match["options"].split("|")
            pieces.append(tuple(options) if len(options) > 1 else (options[0], options[0]))
        at = match.end()
    if at < len(text):
        fixed.append(text[at:])
        pieces.append(fixed[-1])
    longest = max(fixed, key=len, default="").strip(' .,?!"').lower()
    signature = longest if len(longest) >= SHORTEST_SIGNATURE else ""
    return Line(tuple(pieces), tuple(slots), signature)


@cache
def read_data(name: str) -> dict[str, object]:
    """Read `grammar/<name>.yaml` as it stands.

    Raises:
        PackError: The file is not a mapping or cites no source.
    """
    path = resources.files("understudy") / "grammar" / f"{name}.yaml"
    data = yaml.load(path.read_text(encoding="utf-8"), Loader=QuickLoader)  # noqa: S506 - a safe one
    if not isinstance(data, dict) or not data.get("source"):
        raise PackError(
            "a grammar must be a mapping with a source",
            where=f"understudy/grammar/{name}.yaml",
            mend="Add the key `source`, or install the package again.",
        )
    return {key: value for key, value in data.items() if key != "source"}


@cache
def load_grammar(name: str) -> Grammar:
    """Read `grammar/<name>.yaml` as moves with their lines; done once per process."""
    return {move: lines_of(block) for move, block in read_data(name).items()}


def lines_of(block: object) -> tuple[Line, ...]:
    """Read a block of text as lines of a grammar, one a line; empty lines are skipped."""
    return tuple(parse_line(line.strip()) for line in str(block).splitlines() if line.strip())


class Slots(Protocol):
    """What fills a line: the text of a slot, empty where there is none."""

    def get(self, slot: str, /) -> str | None:
        """Return the slot's text."""
        ...


def choose(
    lines: Sequence[Line], rng: Random, said: str, slots: Slots, *, again: bool = True
) -> str:
    """Draw a line that fits `slots` and is not in `said`; fill it.

    Args:
        lines: The move's lines.
        rng: Where the draw comes from.
        said: What the speaker has said so far, in lower case.
        slots: Text for slots; an empty one counts as missing.
        again: Whether a used line may come again when nothing else is left.

    Returns:
        The sentence, or an empty string when no line fits. When every fitting line was used,
        the one used longest ago is used again, if `again`.
    """
    if not lines:
        return ""
    start = int(rng.random() * len(lines))
    oldest, oldest_at = "", len(said) + 1
    for offset in range(len(lines)):
        line = lines[(start + offset) % len(lines)]
        if not all(slots.get(slot) for slot in line.slots):
            continue
        text = line.fill(rng, slots)
        at = said.rfind(line.signature or text.lower().strip(" .?!"))
        if at < 0:
            return text
        if at < oldest_at:
            oldest, oldest_at = text, at
    return oldest if again else ""


def was_said(lines: Sequence[Line], said: str) -> bool:
    """Tell whether one of the lines is in `said` (lower case)."""
    return any(line.signature and line.signature in said for line in lines)


KEEPS_CAPITAL = re.compile(
    r"(?:I(?:'\w+)?|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|[^A-Z].*)(?:[,. ]|$)"
)


def inside(text: str) -> str:
    """Write a sentence so that it can stand inside another: the first letter small."""
    return text if KEEPS_CAPITAL.match(text) else text[:1].lower() + text[1:]


def times_said(lines: Sequence[Line], said: str) -> int:
    """Count how many of the lines are in `said` (lower case)."""
    return sum(bool(line.signature) and line.signature in said for line in lines)


ODD = re.compile(r"[ .,;:?!][.,;:?!]")
"""What `STOPS` mends is always one of these, and they are rare."""
STOPS = re.compile(r"\s+([,.;:?!])|([.?!])\.+(?=[\s\"]|$)|([,;:])(?=[.?!])")
VOWEL = re.compile(r"[Aa] [aeiou]")
ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou])(?!one\b|once|uni|use|eu)")
START = re.compile(r"([.?!]\"?\s)([a-z])")


def tidy(text: str) -> str:
    """Mend spaces and doubled stops, and begin every sentence with a capital."""
    text = " ".join(text.split())
    if ODD.search(text):
        text = STOPS.sub(lambda m: m[1] or m[2] or "", text)
    if VOWEL.search(text):
        text = ARTICLE.sub(r"\1n ", text)
    if "a" <= text[:1] <= "z":
        text = text[0].upper() + text[1:]
    return START.sub(lambda m: m[1] + m[2].upper(), text)
