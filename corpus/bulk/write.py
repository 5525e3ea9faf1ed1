"""A blend on its way out: its sessions read by place and written one after the other."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.canaries import Planting, among
from corpus.card import CardFacts, Making, card_of, makings
from corpus.chatform import messages_of
from corpus.draw import shuffled, supervised_words
from corpus.files import write_text
from corpus.folders import at_once
from corpus.manifest import CARD, MANIFEST, MESSAGES, PARQUET, Manifest, entry_of, file_hash
from corpus.rowform import SCHEMA, row_of
from corpus.stats import Census
from domain.base import canonical_json
from domain.record import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from corpus.bulk.index import Index
    from domain.record import Record

GROUP = 500
"""Records of one row group of the Parquet file."""


@dataclass(frozen=True)
class Drawn:
    """What a blend holds, in order: rows of an index, some of them several times.

    With `dealt`, a seed, the control: therapist turns dealt out anew, so that no two are alike.
    """

    index: Index
    rows: NDArray[np.int64]
    dealt: int | None = None
    planted: Planting = ()
    """Canaries, each with the place among the sessions that it stands before."""
    _distinct: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        _, first = np.unique(self.rows, return_index=True)
        object.__setattr__(self, "_distinct", self.rows[np.sort(first)])

    def __len__(self) -> int:
        return len(self.rows)

    def lines(self) -> Iterator[tuple[str, Record]]:
        """Yield every session with its id, repeats included."""
        yield from among(self._sessions(), self.planted)

    def _sessions(self) -> Iterator[tuple[str, Record]]:
        records = self.index.records(self.rows)
        if self.dealt is None:
            ids = (name.decode() for name in self.index.ids[self.rows])
            yield from zip(ids, records, strict=True)
        else:
            for record in shuffled(records, self.dealt):
                yield record.id, record

    def repeats(self) -> Repeats:
        """Count how often each id comes up; each once for the control, where no two are alike."""
        planted = Counter(record.id for _, record in self.planted)
        if self.dealt is not None:
            return Repeats(planted, np.array([], np.bytes_), np.array([], np.int64))
        return Repeats(planted, *np.unique(self.index.ids[self.rows], return_counts=True))


@dataclass(frozen=True)
class Repeats:
    """How often an id comes up in a blend: sorted columns, which take less than a dict."""

    planted: Counter[str]
    ids: NDArray[np.bytes_]
    times: NDArray[np.int64]

    def of(self, name: str) -> int:
        """Return how often, at least 1."""
        if name in self.planted:
            return self.planted[name]
        at = int(np.searchsorted(self.ids, name.encode()))
        known = at < len(self.ids) and self.ids[at] == name.encode()
        return int(self.times[at]) if known else 1


@dataclass
class Written:
    """What was written, counted on the way."""

    census: Census = field(default_factory=Census)
    sessions: int = 0
    supervised_words: int = 0
    origins: Counter[str] = field(default_factory=Counter)
    made: Counter[Making] = field(default_factory=Counter)
    """Different synthetic records by what made them."""


def write_sessions(drawn: Drawn, messages: Path, parquet: Path, entries: Path) -> Written:
    """Write the lines in order, a row for each different record, and an entry for each.

    Nothing is kept but ids and counts.
    """
    done, repeats, seen = Written(), drawn.repeats(), set[str]()
    rows: list[dict[str, object]] = []
    with (
        messages.open("wb") as lines,
        entries.open("w", encoding="utf-8") as listed,
        pq.ParquetWriter(parquet, SCHEMA) as table,
    ):
        for name, record in drawn.lines():
            lines.write(canonical_json({"id": name, "messages": messages_of(record.turns)}) + b"\n")
            done.sessions += 1
            done.supervised_words += supervised_words(record)
            done.origins[record.origin] += 1
            if name in seen:
                continue
            seen.add(name)
            often = repeats.of(name)
            rows.append(row_of(record, name, often))
            listed.write(entry_of(record, name, often).model_dump_json() + "\n")
            done.census.add(record)
            done.made.update(makings((record,)))
            if len(rows) == GROUP:
                _flush(table, rows)
        _flush(table, rows)
    return done


def _flush(table: pq.ParquetWriter, rows: list[dict[str, object]]) -> None:
    if rows:
        table.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
        rows.clear()


def spliced(manifest: str, entries: Path, target: Path) -> None:
    """Write a manifest whose list of records is empty, with the entries in their place."""
    head, mark, rest = manifest.partition('"records": [],')
    if not mark:
        raise ValueError("the manifest has no empty list of records")
    with entries.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as out:
        out.write(f'{head}"records": [')
        for number, line in enumerate(lines):
            out.write(f"{',' if number else ''}\n    {line.strip()}")
        out.write(f"\n  ],{rest}\n")


def write_blend(target: Path, drawn: Drawn, facts: CardFacts) -> Manifest:
    """Write a blend's folder: messages, records, manifest and card; it appears at once.

    Returns:
        The manifest without its list of records, which may be long; the file has it.

    Raises:
        StoreError: It cannot be written; what was at `target` is still there.
    """
    return at_once(target, lambda made: _fill(made, drawn, facts))


def _fill(made: Path, drawn: Drawn, facts: CardFacts) -> Manifest:
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as aside:
        entries = Path(aside) / "entries"
        done = write_sessions(drawn, made / MESSAGES, made / PARQUET, entries)
        for name in (MESSAGES, PARQUET):
            (made / name).chmod(0o600)  # real people's words, as everywhere in a run
        stats = done.census.stats()
        write_text(made / CARD, card_of(facts, stats, done.made, sessions=done.sessions))
        manifest = Manifest(
            name=facts.name,
            seed=facts.seed,
            sessions=done.sessions,
            distinct=stats.records,
            real_sessions=done.origins[Origin.REAL],
            synthetic_sessions=done.origins[Origin.SYNTHETIC],
            supervised_words=done.supervised_words,
            licences=tuple(stats.by_licence),
            sources=tuple(stats.by_source),
            records=(),
            files={name: file_hash(made / name) for name in (CARD, MESSAGES, PARQUET)},
        )
        spliced(manifest.model_dump_json(indent=2), entries, made / MANIFEST)
    return manifest
