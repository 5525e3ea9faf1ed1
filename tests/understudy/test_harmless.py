"""What a client without risk can say is not read as talk of harm: every line, in every frame."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from measures.risk import statements
from understudy.clauses import as_clause, as_sentence
from understudy.clientwords import SENTENCES
from understudy.sheets import feeling
from understudy.templates import load_grammar, parse_line, read_data, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HOLE = re.compile(r"\{([^{}]*)\}")
CASTING = [
    path
    for pack in ("cbt", "mi")
    for path in sorted(Path("packs", pack, "casting").glob("*.yaml"))
    if path.stem not in ("people", "scenarios")
]
SLOTS = {"goals": "goal", "coping": "coping", "emotions": "feeling", "core": "core"}
SLOTS |= {"rules": "rule", "situation": "situation", "thoughts": "thought"}
SLOTS |= {"behaviours": "behaviour"}
"""Key of the casting files to the slot of the client's lines that its texts fill."""
MOST = 40
"""Drawn forms of a text, and pairs of fillings of a line, that are tried."""


def forms(text: str) -> Iterator[str]:
    """Yield a text with its alternatives drawn in turn; a slot stands as its name."""
    parts = HOLE.split(text)
    choices = [part.split("|") if at % 2 else [part] for at, part in enumerate(parts)]
    return map("".join, islice(product(*choices), MOST))


def told(data: object, slot: str = "") -> Iterator[tuple[str, str]]:
    """Yield slot and text of everything in a casting file that a persona may say; no risks."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key not in ("risk", "slots"):
                yield from told(value, SLOTS.get(key, slot if key == "text" else ""))
    elif isinstance(data, list):
        for value in data:
            yield from told(value, slot)
    elif slot:
        yield from ((slot, text) for text in forms(str(data)))


def fillings(path: Path | None) -> dict[str, list[str]]:
    """Return what may fill each slot, of the topics or of a casting file."""
    found: dict[str, list[str]] = defaultdict(list)
    for topic in read_data("topics").values():
        assert isinstance(topic, dict)
        for slot, block in topic.items():
            found[slot] += str(block).splitlines()
    found |= {"number": ["40"], "sure": ["70"], "low": ["4"], "took": ["look at it slowly"]}
    found |= {"when_short": ["on Tuesday evening"], "kept": found["other"]}
    if path is None:
        return found | {"part2": found["part"]}
    own: dict[str, list[str]] = defaultdict(list)
    for slot, text in told(yaml.safe_load(path.read_text(encoding="utf-8"))):
        own[slot].append(feeling(text) if slot == "feeling" else as_clause(text))
    return own | {"feeling2": own["feeling"]}


def said(found: dict[str, list[str]]) -> Iterator[str]:
    """Yield every line of the client, filled with what there is."""
    styles = [manner for manner in read_data("styles").values() if isinstance(manner, dict)]
    spoken = [parse_line(text) for manner in styles for text in lines_of_manner(manner)]
    client = [
        line
        for move, lines in load_grammar("client").items()
        if not move.startswith("risk_") or move == "risk_no"
        for line in lines
    ]
    for line in (*client, *spoken):
        if all(slot in found for slot in line.slots):
            for values in islice(product(*(found[slot] for slot in line.slots)), 40 * MOST):
                filled = dict(zip(line.slots, values, strict=True))
                whole = {s: as_sentence(v) if s in SENTENCES else v for s, v in filled.items()}
                yield from drawn(line.pieces, whole)


def lines_of_manner(manner: dict[str, Any]) -> Iterable[str]:
    keys = ("before", "after", "held_back")
    return [line for key in keys for line in str(manner[key]).splitlines() if line.strip()]


def drawn(pieces: Iterable[str | tuple[str, ...]], filled: dict[str, str]) -> Iterator[str]:
    choices = [
        (piece,) if isinstance(piece, str) else (filled[piece[0]],) if len(piece) == 1 else piece
        for piece in pieces
    ]
    return (tidy("".join(one)) for one in product(*choices))


@pytest.mark.parametrize("path", [None, *CASTING], ids=lambda path: path.stem if path else "topics")
def test_nothing_that_a_client_without_risk_says_is_read_as_one(path: Path | None) -> None:
    flagged = {(found.words, text) for text in said(fillings(path)) for found in statements(text)}
    assert not flagged
