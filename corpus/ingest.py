"""Real transcripts into quarantine: read, screened for identifiers, laid out for review."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus.deidentify import Span, deidentify
from corpus.dialogue import turns_of
from corpus.files import write_nouns, write_text
from corpus.formats.raw import RawSession, Skipped
from corpus.gather import Found, Gathering, gather, groups_of, roster_beside
from corpus.review import Reviewed, review_of
from corpus.speakers import assign_roles, name_in
from domain.base import Noun, content_id, seed_of
from domain.errors import TranscriptError
from domain.record import Deidentification, Origin, Provenance, Quality, Record
from measures.tokens import words

if TYPE_CHECKING:
    from pathlib import Path

    from domain.runfolder import RunFolder
    from domain.settings import CorpusSettings
    from domain.turn import Turn

MIN_TURNS = 4
"""Shorter than two exchanges is no conversation to learn from."""


class IngestSummary(Noun):
    """What came in. `by_quality`, `spans` and `formats` are counts by name.

    `skipped` and `notes` name files, so that they can be found; they are shown, not stored.
    """

    files: int
    records: int
    turns: int
    words: int
    by_quality: dict[str, int]
    formats: dict[str, int]
    spans: dict[str, int]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Screening:
    """One record with what its reviewer needs."""

    record: Record
    reviewed: Reviewed


def ingest(source: Path, folder: RunFolder, corpus: CorpusSettings) -> IngestSummary:
    """Read the transcripts under `source` into the run's quarantine, and write its review.

    A transcript that cannot be read is skipped whole. The quarantine is replaced at once, and
    only when there is something to put there.

    Raises:
        TranscriptError: No transcript at all could be taken.
        StoreError: The quarantine or the review cannot be written.
    """
    gathering = gather(source)
    screened = _screen_all(gathering, roster_beside(source), corpus.licence)
    if not screened:
        raise _nothing(source, gathering)
    write_nouns(folder.quarantine, (one.record for one in screened))
    write_text(folder.review, review_of([one.reviewed for one in screened]))
    return _summary(screened, gathering)


def _screen_all(gathering: Gathering, roster: tuple[str, ...], licence: str) -> list[_Screening]:
    """Screen each session; the same conversation twice is taken once."""
    screened: list[_Screening] = []
    seen: dict[str, str] = {}
    for found, group in zip(gathering.found, groups_of(gathering.found), strict=True):
        place = found.session.place
        try:
            one = _screen(found, group, roster, licence)
        except TranscriptError as error:
            gathering.skipped.append(Skipped(where=place, reason=str(error)))
            continue
        said = content_id("said", [utterance.text for utterance in found.session.utterances])
        if said in seen:
            reason = f"{place}: the same conversation as {seen[said]}"
            gathering.skipped.append(Skipped(where=place, reason=reason))
            continue
        seen[said] = place
        screened.append(one)
        if one.reviewed.assumed:
            gathering.notes.append(f"{place}: {one.reviewed.assumed}")
    return screened


def _screen(found: Found, group: str, roster: tuple[str, ...], licence: str) -> _Screening:
    session = found.session
    roles = assign_roles(session.utterances, session.place)
    turns = turns_of(session.utterances, roles)
    if len(turns) < MIN_TURNS:
        raise TranscriptError(
            "the conversation is too short",
            where=session.place,
            expected=f"at least {MIN_TURNS} turns of two speakers",
            got=f"{len(turns)}",
            mend="Leave it out.",
        )
    texts = [*(turn.text for turn in turns), session.topic]
    seed = seed_of("surrogates", found.source_hash, session.key)
    result = deidentify(texts, _names(session, roster), seed)
    record = Record(
        origin=Origin.REAL,
        source=session.source,
        licence=licence,
        topic=result.texts[-1],
        group=content_id("group", group),
        quality=session.quality,
        deidentification=Deidentification.SCREENED,
        turns=_with_texts(turns, result.texts),
        provenance=Provenance(source_hash=found.source_hash, lineage=_lineage(session)),
    )
    reviewed = Reviewed(
        record=record,
        file=found.file,
        assumed=roles.assumed,
        spans=result.spans,
        suspects=result.suspects,
    )
    return _Screening(record, reviewed)


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


def _summary(screened: list[_Screening], gathering: Gathering) -> IngestSummary:
    records = [one.record for one in screened]
    spans: Counter[str] = Counter(span.kind for one in screened for span in _spans(one))
    qualities = Counter(record.quality for record in records)
    return IngestSummary(
        files=gathering.files,
        records=len(records),
        turns=sum(len(record.turns) for record in records),
        words=sum(len(words(turn.text)) for record in records for turn in record.turns),
        by_quality={quality.value: qualities[quality] for quality in Quality},
        formats=dict(sorted(gathering.formats.items())),
        spans=dict(spans.most_common()),
        skipped=tuple(gathering.skipped),
        notes=tuple(gathering.notes),
    )


def _spans(one: _Screening) -> tuple[Span, ...]:
    return one.reviewed.spans


def _nothing(source: Path, gathering: Gathering) -> TranscriptError:
    """The error when nothing could be taken: the first reason in full, the others by count."""
    first = gathering.skipped[0] if gathering.skipped else None
    others = len(gathering.skipped) - 1
    more = f" (and {others} more)" if others > 0 else ""
    return TranscriptError(
        "no transcript could be taken",
        where=str(source),
        expected="at least one readable transcript",
        got=f"{first.reason}{more}" if first else "no session in it",
        mend="Mend the transcripts named, or leave them out.",
    )
