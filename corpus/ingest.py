"""Real transcripts into quarantine: read, screened for identifiers, laid out for review."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from corpus.deidentify import deidentify
from corpus.files import write_nouns
from corpus.forget.tombstone import Tombstones, tombstones
from corpus.formats.raw import RawSession, Skipped
from corpus.gather import FileRead, roster_beside
from corpus.instructions import flags_of
from corpus.intake import Conversation, Intake, nothing
from corpus.review import Reviewed, ReviewPages
from corpus.signoff import Decided, sign_offs
from corpus.speakers import Ask, name_in
from domain.base import Noun, content_id, seed_of
from domain.record import Deidentification, Origin, Provenance, Quality, Record
from measures.tokens import words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domain.runfolder import RunFolder
    from domain.settings import CorpusSettings
    from domain.turn import Turn


class IngestSummary(Noun):
    """What came in. `by_quality`, `spans`, `formats` and `roles` are counts by name.

    `skipped`, `read` and `notes` name files, so that they can be found; they are shown, not
    stored. They hold the first thousand each; `left_out` and `files` count all.
    """

    files: int
    records: int
    turns: int
    words: int
    by_quality: dict[str, int]
    formats: dict[str, int]
    roles: dict[str, int]
    """How it was told who is who: by config, format, name, elimination, questions or answer."""
    timed: int
    """Records whose turns have times."""
    spans: dict[str, int]
    flagged: int
    """Records with turns that speak to a machine, or that nobody said: see the review. Those that
    were decided on before are not counted."""
    signed_before: int
    """Records that are as they were when somebody signed for them."""
    rejected_before: int
    """Records that are as they were when somebody rejected them; they stay out."""
    left_out: int
    skipped: tuple[Skipped, ...]
    read: tuple[FileRead, ...]
    notes: tuple[str, ...]


class Tally:
    """Counts conversations as they pass."""

    def __init__(self) -> None:
        self.records = self.turns = self.words = 0
        self.qualities: Counter[Quality] = Counter()
        self.spans: Counter[str] = Counter()
        self.flagged = 0
        self.before: Counter[str] = Counter()

    def add(self, quality: Quality, turns: tuple[Turn, ...]) -> None:
        """Count one conversation."""
        self.records += 1
        self.turns += len(turns)
        self.words += sum(len(words(turn.text)) for turn in turns)
        self.qualities[quality] += 1

    def compare(self, record: Record, decided: Decided, *, flagged: bool) -> None:
        """Count what was decided on the record before, and whether a flag asks for a decision."""
        self.before["signed"] += record.id in decided.signed
        self.before["rejected"] += record.id in decided.rejected
        self.flagged += flagged and decided.is_open(record)

    def summary(self, intake: Intake) -> IngestSummary:
        """Return what was counted, with what is known of the files."""
        gathering = intake.gathering
        return IngestSummary(
            files=gathering.files,
            records=self.records,
            turns=self.turns,
            words=self.words,
            by_quality={quality.value: self.qualities[quality] for quality in Quality},
            formats=dict(sorted(gathering.formats.items())),
            roles=dict(intake.told.most_common()),
            timed=intake.timed,
            spans=dict(self.spans.most_common()),
            flagged=self.flagged,
            signed_before=self.before["signed"],
            rejected_before=self.before["rejected"],
            left_out=gathering.skips,
            skipped=tuple(gathering.skipped),
            read=tuple(gathering.read),
            notes=tuple(gathering.notes),
        )


class _Known(NamedTuple):
    """What the run remembers of records that come in again."""

    forgotten: Tombstones
    decided: Decided


def ingest(
    source: Path, folder: RunFolder, corpus: CorpusSettings, ask: Ask | None = None
) -> IngestSummary:
    """Read the transcripts under `source` into the run's quarantine, and write its review.

    A transcript that cannot be read is skipped whole. The quarantine is replaced at once, and
    only when there is something to put there. One conversation is held at a time.

    Raises:
        TranscriptError: No transcript at all could be taken.
        StoreError: The quarantine or the review cannot be written.
    """
    intake, tally = Intake(source, corpus.reading, ask), Tally()
    known = _Known(tombstones(folder), sign_offs(folder).decided())
    with ReviewPages(folder.review) as pages:
        write_nouns(folder.quarantine, _records(intake, tally, pages, corpus, known))
        pages.finish()
    return tally.summary(intake)


def _records(
    intake: Intake,
    tally: Tally,
    pages: ReviewPages,
    corpus: CorpusSettings,
    known: _Known,
) -> Iterator[Record]:
    """Yield each screened record, once its review is written.

    Raises:
        TranscriptError: There is none.
    """
    roster = roster_beside(intake.source)
    for one in intake.conversations():
        reviewed = screen(one, roster, corpus)
        if known.forgotten.covers(reviewed.record.provenance):
            place = one.found.session.place
            intake.gathering.skip(Skipped(where=place, reason=f"{place}: forgotten on request"))
            continue
        pages.add(reviewed)
        tally.add(reviewed.record.quality, reviewed.record.turns)
        tally.spans.update(span.kind for span in reviewed.spans)
        tally.compare(reviewed.record, known.decided, flagged=bool(reviewed.flags))
        yield reviewed.record
    if not tally.records:
        raise nothing(intake.source, intake.gathering)


def screen(one: Conversation, roster: tuple[str, ...], corpus: CorpusSettings) -> Reviewed:
    """Return a conversation as a record with identifiers replaced, and what its reviewer needs."""
    found, turns = one.found, one.turns
    session = found.session
    texts = [*(turn.text for turn in turns), session.topic]
    seed = seed_of("surrogates", found.source_hash, session.key)
    result = deidentify(texts, _names(session, roster), seed, corpus.spacy_model)
    record = Record(
        origin=Origin.REAL,
        source=session.source,
        licence=corpus.licence,
        topic=result.texts[-1],
        group=content_id("group", one.group),
        quality=session.quality,
        deidentification=Deidentification.SCREENED,
        turns=_with_texts(turns, result.texts),
        provenance=Provenance(source_hash=found.source_hash, lineage=_lineage(session)),
    )
    return Reviewed(
        record=record,
        file=found.file,
        assumed=one.roles.assumed,
        spans=result.spans,
        suspects=result.suspects,
        flags=flags_of(record),
    )


def _with_texts(turns: tuple[Turn, ...], texts: tuple[str, ...]) -> tuple[Turn, ...]:
    return tuple(
        turn.model_copy(update={"text": text})
        for turn, text in zip(turns, texts, strict=False)  # the topic comes last
    )


def _names(session: RawSession, roster: tuple[str, ...]) -> list[str]:
    labels = dict.fromkeys(said.speaker for said in session.utterances)
    return [name for name in (*map(name_in, labels), *session.names, *roster) if name]


def _lineage(session: RawSession) -> tuple[str, ...]:
    """The transcript's own id, hashed: an id of the source's making may identify."""
    return (content_id("transcript", [session.source, session.key]),) if session.key else ()
