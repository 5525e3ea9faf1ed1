"""By what a forgotten record is known in a file: its ids, and runs of its words.

A run is `RUN` words that follow each other in one of its turns and in no other record's: what
others say as well is theirs. Words are compared as `measures.tokens` cuts them, so it does not
matter how a file escapes or breaks them. Not found by its words: a turn shorter than a run, where
no id stands beside it.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from measures.tokens import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domain.record import Record

RUN = 6

Shingle = tuple[str, ...]


@dataclass(frozen=True)
class Mark:
    """What tells that a text is of the record."""

    ids: frozenset[str]
    runs: frozenset[Shingle]

    def in_text(self, text: str) -> bool:
        """Tell whether `text` names the record or repeats its words."""
        return any(name in text for name in self.ids) or not self.runs.isdisjoint(_runs(text))

    def in_json(self, value: Any) -> bool:  # noqa: ANN401 - any JSON value
        """Tell whether any text in a JSON value is of the record; keys count, too."""
        return any(map(self.in_text, _texts(value)))

    def in_bytes(self, data: bytes) -> bool:
        """Tell whether a file or a line is of the record, as JSON where it is, else as text."""
        try:
            return self.in_json(orjson.loads(data))
        except orjson.JSONDecodeError:
            return self.in_text(html.unescape(data.decode("utf-8", errors="replace")))


def mark_of(records: Iterable[Record], more_ids: Iterable[str], others: Iterable[Record]) -> Mark:
    """Return the mark of `records`, without the words that `others` say as well."""
    ids, runs = set(more_ids), set[Shingle]()
    for record in records:
        ids.add(record.id)
        for turn in record.turns:
            runs.update(_runs(turn.text))
    for other in others:
        for turn in other.turns:
            runs.difference_update(_runs(turn.text))
    return Mark(frozenset(ids), frozenset(runs))


def _runs(text: str) -> Iterator[Shingle]:
    said = words(text)
    for at in range(len(said) - RUN + 1):
        yield tuple(said[at : at + RUN])


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield every text in a JSON value; JSON within a text is opened."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
