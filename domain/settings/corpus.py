"""What real material comes in, how it is read, compared and mixed with synthetic sessions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from domain.base import Noun

ColumnUse = Literal[
    "session", "speaker", "text", "start", "topic", "quality", "group",
    "client", "therapist", "title", "names",
]  # fmt: skip
"""What a column of a table may hold: one utterance to a row, or a client's words and an answer."""


class ReadingSettings(Noun):
    """What transcripts do not say themselves."""

    columns: dict[ColumnUse, str] = Field(default_factory=dict)
    """Which column of a table holds what; empty goes by their names."""
    therapist: tuple[str, ...] = ()
    """Speaker labels that are the therapist's."""
    client: tuple[str, ...] = ()
    """Speaker labels that are the client's."""
    nobody: tuple[str, ...] = ()
    """Speaker labels whose words are left out: an interpreter, an observer."""
    encoding: str | None = None
    """Such as `cp1251`; null finds it out."""


class CompareSettings(Noun):
    """How synthetic sessions are held against real ones, and what is asked of them."""

    encoder: str | None = None
    """A sentence encoder: a local folder, or an installed package that holds one; null for TF-IDF,
    which needs none."""
    sessions: int = Field(default=1000, ge=2)
    """Sessions of each side at most, drawn by the seed."""
    turns: int = Field(default=3000, ge=50)
    """Turns of each side and speaker at most that a classifier is tried on."""
    encoded: int = Field(default=400, ge=20)
    """Therapist turns of each side at most behind MMD, MAUVE, Vendi and self-BLEU, whose values
    depend on their number."""
    permutations: int = Field(default=500, ge=20)
    """Permutations of whole sessions behind the test of MMD."""
    thresholds: dict[str, float | None] = Field(default_factory=dict)
    """Other limits than those of `corpus/data/compare.yaml`, by name; null takes one away."""


Stratum = Literal["problem", "technique", "length", "quality"]


class BlendSettings(Noun):
    """How sources are mixed into what a model learns from."""

    by: Literal["sessions", "tokens", "weight"] = "sessions"
    """What `corpus.synthetic_share` is a share of: sessions, or the therapist's tokens, counted in
    words. `weight` goes by `weights` in its place: how often a collection's sessions come up."""
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """Weight of each session by its collection's name, such as `annomi: 3`; others have 1."""
    strata: tuple[Stratum, ...] = ()
    """What every beginning of a blend has in the proportions of its source."""
    even: bool = False
    """Whether strata come up equally often rather than in those proportions."""
    caps: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Sessions of a collection at most, by its name."""
    order: Literal["mixed", "real-first", "synthetic-first", "short-first", "long-first"] = "mixed"
    """In which order sessions stand in a blend; `training.keep_order` learns them so."""
    near_duplicate: float = Field(default=0.7, ge=0.3, le=1)
    """Overlap of runs of five words from which the later of two sessions is left out; 1 leaves out
    the same only."""


class CorpusSettings(Noun):
    """What real material comes in, and how it is mixed."""

    transcripts: str | None = None
    """A file or folder of real transcripts."""
    reading: ReadingSettings = ReadingSettings()
    """How they are to be read."""
    licence: str = "unstated"
    """Licence of the transcripts, copied to every record and card."""
    use: Literal["research", "commercial"] = "research"
    """`commercial` refuses material whose licence does not allow it."""
    include_low_quality: bool = False
    """Whether sessions labelled poor may be training targets."""
    held_out_share: float = Field(default=0.2, gt=0, lt=1)
    """Share of the real sessions that nothing is trained on."""
    synthetic_share: float = Field(default=0.5, ge=0, le=1)
    """Share of the hybrid blend's sessions that is synthetic."""
    spacy_model: str | None = None
    """A spaCy pipeline on this machine that screening looks for names with as well: a package such
    as `en_core_web_sm`, or a folder. Null needs no model; none is ever fetched."""
    canaries: int = Field(default=0, ge=0, le=6)
    """Invented lines planted in every blend (the first once, then 2, 4, … times) to see how readily
    a model says again what it was trained on; see docs/corpus.md."""
    blend: BlendSettings = BlendSettings()
    compare: CompareSettings = CompareSettings()
