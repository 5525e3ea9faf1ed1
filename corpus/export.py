"""Records on their way out: chat JSONL, Parquet, a manifest with hashes, a dataset card."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, ValidationError

from corpus.card import CardFacts, card_of, facts_of, makings
from corpus.chatform import Line, messages_of
from corpus.draw import supervised_words
from corpus.expert import experts
from corpus.files import read_records, write_text
from corpus.licences import check_licences
from corpus.signoff import signed_records
from corpus.stats import describe
from domain.base import Noun, canonical_json
from domain.errors import BlendError, StoreError
from domain.record import Origin, Quality, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from corpus.forms.form import Form
    from domain.runfolder import RunFolder
    from domain.settings import CorpusSettings

MESSAGES, PARQUET, MANIFEST, CARD = (
    "messages.jsonl",
    "records.parquet",
    "manifest.json",
    "README.md",
)

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("origin", pa.string()),
        ("source", pa.string()),
        ("licence", pa.string()),
        ("topic", pa.string()),
        ("group", pa.string()),
        ("quality", pa.string()),
        ("deidentification", pa.string()),
        ("repeats", pa.int32()),
        ("provenance", pa.string()),
        (
            "turns",
            pa.list_(
                pa.struct(
                    [
                        ("index", pa.int32()),
                        ("speaker", pa.string()),
                        ("text", pa.string()),
                        ("start_s", pa.float64()),
                    ]
                )
            ),
        ),
    ]
)
"""One row per record; `provenance` is JSON."""


class Entry(Noun):
    """One record in a manifest; `repeats` says how often it stands in messages.jsonl."""

    id: str
    origin: str
    source: str
    licence: str
    quality: str
    repeats: int
    lineage: tuple[str, ...] = ()
    """Ids upstream; a control that was made of a real record names that record."""


class Manifest(Noun):
    """What an exported folder holds. No time and no path: equal content, equal bytes."""

    name: str
    seed: int
    form: str = "sessions"
    rows: int | None = None
    """Rows of the data file, where a session makes several."""
    left_out: dict[str, int] = Field(default_factory=dict)
    """Sessions that stayed behind, by reason."""
    sessions: int
    """Lines of messages.jsonl, repeats counted."""
    distinct: int
    real_sessions: int
    synthetic_sessions: int
    supervised_words: int
    licences: tuple[str, ...]
    sources: tuple[str, ...]
    records: tuple[Entry, ...]
    files: dict[str, str]
    """SHA-256 of each file, in hex, by its path in the folder."""


def write_export(target: Path, drawn: Sequence[Record], facts: CardFacts) -> Manifest:
    """Write a folder of messages, records, manifest and card; it takes `target`'s place at once.

    Raises:
        StoreError: It cannot be written; what was at `target` is still there.
    """
    return at_once(target, lambda made: _fill(made, drawn, facts))


def at_once(target: Path, fill: Callable[[Path], Manifest]) -> Manifest:
    """Let `fill` write a folder that takes `target`'s place when it is whole.

    Raises:
        StoreError: It cannot be written; what was at `target` is still there.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            manifest = fill(made)
            _swap(made, target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            "the export cannot be written",
            where=str(target),
            got=error.strerror or type(error).__name__,
            mend="Check the folder's permissions and the space on the disk.",
        ) from error
    return manifest


def export_corpus(
    folder: RunFolder, target: Path, corpus: CorpusSettings, seed: int, form: Form | None = None
) -> Manifest:
    """Export what may be trained on elsewhere: signed real records and synthetic ones, once each.

    Held-out records stay behind, so that nobody trains on what models are compared on; from a form
    that is trained on as it is, so do sessions that are labelled poor, unless they are asked for,
    and those that an expert rejected.

    Raises:
        SignOffNeededError: Real records are not signed off.
        BlendError: A licence forbids the use, there is nothing to export, or `target` is not ours.
        StoreError: A file cannot be read or written.
    """
    kept_out = {record.id for record in _held_out(folder)}
    real = [record for record in signed_records(folder) if record.id not in kept_out]
    records = [*real, *read_records(folder.synthetic)]
    left_out: Counter[str] = Counter({"held out": len(kept_out)} if kept_out else {})
    if form is not None and form.for_training:
        records = _learned_from(records, folder, corpus, left_out)
    if not records:
        raise BlendError(
            "there is nothing to export",
            where=str(folder.root),
            expected="signed real records or accepted synthetic ones",
            got="; ".join(f"{n} {why}" for why, n in left_out.items()) or "none",
            mend="Ingest and sign transcripts, or run a campaign.",
        )
    check_licences(records, corpus.use)
    _refuse_foreign(target)
    facts = facts_of(folder, seed)
    if form is None:
        return write_export(target, records, facts)
    return at_once(target, lambda made: _fill_form(made, records, facts, form, left_out))


def _learned_from(
    records: list[Record], folder: RunFolder, corpus: CorpusSettings, left_out: Counter[str]
) -> list[Record]:
    """Return the records that a model may learn from; count the others."""
    said = experts(folder)
    rejected = said.rejected
    kept = []
    for record in records:
        reason = ""
        if record.id in rejected:
            reason = "rejected by an expert"
        elif (
            said.quality(record.id, record.quality) is Quality.LOW
            and not corpus.include_low_quality
        ):
            reason = "of poor quality"
        elif not record.therapist_turns:
            reason = "without a therapist's turn"
        if reason:
            left_out[reason] += 1
        else:
            kept.append(record)
    return kept


def _held_out(folder: RunFolder) -> Iterator[Record]:
    if folder.held_out.exists():
        yield from read_records(folder.held_out)


def read_messages(folder: Path) -> Iterator[Line]:
    """Yield the lines of an exported folder's messages.jsonl, in training order."""
    with (folder / MESSAGES).open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def _refuse_foreign(target: Path) -> None:
    """Refuse to replace what no export made: it would be deleted."""
    if not target.exists():
        return
    got = _foreign_in(target) if target.is_dir() else "a file"
    if got:
        raise BlendError(
            "the folder holds other files",
            where=str(target),
            expected="a new or empty folder, or an earlier export with nothing added",
            got=got,
            mend="Name another folder.",
        )


def _foreign_in(target: Path) -> str:
    """Say what tells `target` from an export of ours; "" when it is one, or empty."""
    if not any(target.iterdir()):
        return ""
    if not (target / MANIFEST).is_file():
        return f"a folder without {MANIFEST}"
    try:
        manifest = Manifest.model_validate_json((target / MANIFEST).read_bytes())
    except ValidationError:
        return f"a {MANIFEST} of something else"
    ours, found = {*manifest.files, MANIFEST}, set(_files(target))
    if found - ours:
        return f"among others, {min(found - ours)}"
    return "a part of an export" if ours - found or CARD not in ours else ""


def _files(folder: Path) -> list[str]:
    """Return the paths of all that is in `folder`; empty folders and links count as well."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir() or not any(path.iterdir())
    )


def _fill(made: Path, drawn: Sequence[Record], facts: CardFacts) -> Manifest:
    repeats = Counter(record.id for record in drawn)
    distinct = list({record.id: record for record in drawn}.values())
    with (made / MESSAGES).open("wb") as stream:
        for record in drawn:
            line = {"id": record.id, "messages": messages_of(record.turns)}
            stream.write(canonical_json(line) + b"\n")
    rows = [row_of(record, record.id, repeats[record.id]) for record in distinct]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), made / PARQUET)
    for name in (MESSAGES, PARQUET):
        (made / name).chmod(0o600)  # real people's words, as everywhere in a run
    stats = describe(distinct)
    write_text(made / CARD, card_of(facts, stats, makings(distinct), sessions=len(drawn)))
    origins = Counter(record.origin for record in drawn)
    manifest = Manifest(
        name=facts.name,
        seed=facts.seed,
        sessions=len(drawn),
        distinct=len(distinct),
        real_sessions=origins[Origin.REAL],
        synthetic_sessions=origins[Origin.SYNTHETIC],
        supervised_words=sum(map(supervised_words, drawn)),
        licences=tuple(stats.by_licence),
        sources=tuple(stats.by_source),
        records=tuple(entry_of(record, record.id, repeats[record.id]) for record in distinct),
        files={name: file_hash(made / name) for name in (CARD, MESSAGES, PARQUET)},
    )
    write_text(made / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
    return manifest


def _fill_form(
    made: Path, records: list[Record], facts: CardFacts, form: Form, left_out: Counter[str]
) -> Manifest:
    rows = form.write(made, records)
    for name in _files(made):
        (made / name).chmod(0o600)
    stats = describe(records)
    card = card_of(
        facts, stats, makings(records), sessions=len(records), form=form, left_out=left_out
    )
    write_text(made / CARD, card)
    origins = Counter(record.origin for record in records)
    manifest = Manifest(
        name=facts.name,
        seed=facts.seed,
        form=form.name,
        rows=rows,
        left_out=dict(sorted(left_out.items())),
        sessions=len(records),
        distinct=len(records),
        real_sessions=origins[Origin.REAL],
        synthetic_sessions=origins[Origin.SYNTHETIC],
        supervised_words=sum(map(supervised_words, records)),
        licences=tuple(stats.by_licence),
        sources=tuple(stats.by_source),
        records=tuple(entry_of(record, record.id, 1) for record in records),
        files={name: file_hash(made / name) for name in _files(made)},
    )
    write_text(made / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
    return manifest


def row_of(record: Record, name: str, repeats: int) -> dict[str, object]:
    """Return a record as a row of `SCHEMA`; `name` is its id."""
    row = record.model_dump(mode="json", exclude={"provenance"})
    provenance = canonical_json(record.provenance).decode()
    return {**row, "id": name, "repeats": repeats, "provenance": provenance}


def entry_of(record: Record, name: str, repeats: int) -> Entry:
    """Return a record as a manifest lists it; `name` is its id."""
    return Entry(
        id=name,
        origin=record.origin,
        source=record.source,
        licence=record.licence,
        quality=record.quality,
        repeats=repeats,
        lineage=record.provenance.lineage,
    )


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _swap(made: Path, target: Path) -> None:
    """Put `made` in `target`'s place; the old folder goes last."""
    made.chmod(0o755)
    if not target.exists():
        made.rename(target)
        return
    old = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.old."))
    target.rename(old / "was")
    try:
        made.rename(target)
    except OSError:
        (old / "was").rename(target)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
