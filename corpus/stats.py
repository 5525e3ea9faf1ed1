"""What is in a set of records, in numbers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from corpus.files import read_records
from corpus.forget.tombstone import tombstones
from corpus.signoff import sign_offs, waiting_records
from domain.base import Noun
from domain.turn import Speaker
from measures.tokens import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.record import Record
    from domain.runfolder import RunFolder


class CorpusStats(Noun):
    """Counts of a set of records; the `by_` fields count records."""

    records: int
    groups: int
    turns: int
    words: int
    therapist_words: int
    words_per_therapist_turn: float
    words_per_client_turn: float
    therapist_talk_share: float
    """Part of all words that therapists say, 0 to 1."""
    by_origin: dict[str, int]
    by_source: dict[str, int]
    by_quality: dict[str, int]
    by_licence: dict[str, int]
    by_status: dict[str, int]


class Census:
    """Counts records one by one; `stats` says what was counted so far."""

    def __init__(self) -> None:
        self._said: Counter[Speaker] = Counter()
        self._turns: Counter[Speaker] = Counter()
        self._fields: dict[str, Counter[str]] = {
            name: Counter()
            for name in ("origin", "source", "quality", "licence", "deidentification")
        }
        self._groups: set[str] = set()
        self._count = 0

    def add(self, record: Record) -> None:
        """Count one more."""
        self._count += 1
        self._groups.add(record.group)
        for name, counter in self._fields.items():
            counter[str(getattr(record, name))] += 1
        for turn in record.turns:
            self._turns[turn.speaker] += 1
            self._said[turn.speaker] += len(words(turn.text))

    def stats(self) -> CorpusStats:
        """Return the counts."""
        said, turns, fields = self._said, self._turns, self._fields
        therapist, client = said[Speaker.THERAPIST], said[Speaker.CLIENT]
        return CorpusStats(
            records=self._count,
            groups=len(self._groups),
            turns=turns.total(),
            words=said.total(),
            therapist_words=therapist,
            words_per_therapist_turn=_ratio(therapist, turns[Speaker.THERAPIST]),
            words_per_client_turn=_ratio(client, turns[Speaker.CLIENT]),
            therapist_talk_share=_ratio(therapist, said.total(), digits=3),
            by_origin=_counts(fields["origin"]),
            by_source=_counts(fields["source"]),
            by_quality=_counts(fields["quality"]),
            by_licence=_counts(fields["licence"]),
            by_status=_counts(fields["deidentification"]),
        )


def describe(records: Iterable[Record]) -> CorpusStats:
    """Count `records`, going through them once."""
    census = Census()
    for record in records:
        census.add(record)
    return census.stats()


def corpus_stats(folder: RunFolder) -> dict[str, CorpusStats]:
    """Describe each set of records that the run has, by name; sets that are missing are absent.

    `quarantine` are the records that wait for a decision: what was signed for or rejected and came
    in again is no longer open.
    """
    places = {
        "quarantine": folder.quarantine,
        "real": folder.real,
        "synthetic": folder.synthetic,
        "held_out": folder.held_out,
    }
    return {
        name: describe(waiting_records(folder) if name == "quarantine" else read_records(path))
        for name, path in places.items()
        if path.exists()
    }


class Decisions(Noun):
    """Real records by what was decided on them."""

    open: int
    """In quarantine, neither signed for nor rejected."""
    signed: int
    """Signed for and there; versions of before and forgotten ones are not counted."""
    rejected: int
    """Thrown out by name, and not forgotten."""


def decisions(folder: RunFolder) -> Decisions:
    """Count the decisions of a run.

    Raises:
        StoreError: A file is damaged.
    """
    decided = sign_offs(folder).decided()
    forgotten = {stone.record for stone in tombstones(folder).forgotten}
    return Decisions(
        open=sum(1 for _ in waiting_records(folder)),
        signed=sum(record.id in decided.signed for record in read_records(folder.real)),
        rejected=len(decided.rejected - forgotten),
    )


def _ratio(part: int, whole: int, digits: int = 1) -> float:
    return round(part / whole, digits) if whole else 0.0


def _counts(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items()))
