"""One record of the corpus, the same for real and synthetic sessions."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from domain.base import Noun, content_id
from domain.turn import Speaker, Turn


class Origin(StrEnum):
    """Where a record comes from."""

    REAL = "real"
    SYNTHETIC = "synthetic"


class Quality(StrEnum):
    """How good the therapist is, as labelled at the source or by the supervisor."""

    HIGH = "high"
    LOW = "low"
    UNRATED = "unrated"


class Deidentification(StrEnum):
    """How far identifiers have been dealt with; only a person signs."""

    NOT_NEEDED = "not_needed"
    """Synthetic: there is no person behind it."""
    SCREENED = "screened"
    """Our rules ran over it; nobody has signed yet."""
    SIGNED_OFF = "signed_off"


class Provenance(Noun):
    """Where a record comes from, by hash and id only: no path and no host of the source."""

    source_hash: str
    """SHA-256 of the file or session that it was made from."""
    model: str = ""
    prompts_hash: str = ""
    config_hash: str = ""
    seed: int | None = None
    lineage: tuple[str, ...] = ()
    """Ids upstream: session, persona and scenario; or the transcript's own id."""


class Record(Noun):
    """One session as training or evaluation material."""

    origin: Origin
    source: str
    """Name of the collection, e.g. `annomi`, `vtt` or the campaign's name."""
    licence: str
    topic: str
    group: str
    """Records of one group (a video, a persona) never stand on both sides of a split."""
    quality: Quality
    deidentification: Deidentification
    turns: tuple[Turn, ...] = Field(min_length=1)
    provenance: Provenance

    @property
    def id(self) -> str:
        """Content id of what is said and where it comes from; signing does not change it."""
        return content_id("record", self.model_dump(mode="json", exclude={"deidentification"}))

    @property
    def therapist_turns(self) -> tuple[Turn, ...]:
        """The turns a model learns from."""
        return tuple(turn for turn in self.turns if turn.speaker is Speaker.THERAPIST)


class HeldOutContext(Noun):
    """A scenario for evaluation: a real conversation up to a client's turn."""

    record_id: str
    topic: str
    group: str
    origin: Origin
    turns: tuple[Turn, ...] = Field(min_length=1)
    """Ends with the client's turn that is to be answered."""
    reference: str
    """What the therapist really said next; never shown to the judge."""

    @property
    def id(self) -> str:
        """Content id."""
        return content_id("scenario", self)
