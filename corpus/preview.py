"""What would come in, before anything is written: the whole of it read, one session screened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.gather import roster_beside
from corpus.ingest import IngestSummary, Tally, screen
from corpus.intake import Intake, nothing
from domain.base import Noun

if TYPE_CHECKING:
    from pathlib import Path

    from corpus.speakers import Ask
    from domain.record import Record
    from domain.settings import CorpusSettings

SAMPLE_TURNS = 6


class SampleTurn(Noun):
    """One turn as it would come in, identifiers replaced."""

    speaker: str
    text: str
    start_s: float | None


class Preview(Noun):
    """What would come in; nothing was written."""

    summary: IngestSummary
    sample: tuple[SampleTurn, ...]
    """The beginning of the first conversation, screened."""


def preview(source: Path, corpus: CorpusSettings, ask: Ask | None = None) -> Preview:
    """Read everything under `source` and write nothing.

    All is read, told apart and counted as in an ingest; only the sample is screened, so `spans`
    counts its replacements alone.

    Raises:
        TranscriptError: No transcript at all could be taken.
    """
    intake, tally = Intake(source, corpus.reading, ask), Tally()
    sample: tuple[SampleTurn, ...] = ()
    for one in intake.conversations():
        if not tally.records:
            reviewed = screen(one, roster_beside(source), corpus)
            sample = _begun(reviewed.record)
        tally.add(one.found.session.quality, one.turns)
    if not tally.records:
        raise nothing(source, intake.gathering)
    return Preview(summary=tally.summary(intake), sample=sample)


def _begun(record: Record) -> tuple[SampleTurn, ...]:
    return tuple(
        SampleTurn(speaker=turn.speaker.value, text=turn.text, start_s=turn.start_s)
        for turn in record.turns[:SAMPLE_TURNS]
    )
