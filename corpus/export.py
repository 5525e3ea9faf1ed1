"""Records on their way out: chat JSONL, Parquet, a manifest with hashes, a dataset card."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.card import CardFacts, card_of, facts_of, makings
from corpus.chatform import Line, messages_of
from corpus.draw import supervised_words
from corpus.expert import experts
from corpus.files import read_records, write_text
from corpus.folders import at_once
from corpus.licences import check_licences
from corpus.manifest import CARD, MANIFEST, MESSAGES, PARQUET, Manifest, entry_of, file_hash
from corpus.rowform import SCHEMA, row_of
from corpus.signoff import signed_records
from corpus.stats import describe
from corpus.target import files_in, refuse_foreign
from domain.base import canonical_json
from domain.errors import BlendError
from domain.record import Origin, Quality, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from corpus.forms.form import Form
    from domain.runfolder import RunFolder
    from domain.settings import CorpusSettings


def export_corpus(
    folder: RunFolder, target: Path, corpus: CorpusSettings, seed: int, form: Form | None = None
) -> Manifest:
    """Export what may be trained on elsewhere: signed real records and synthetic ones, once each.

    Held-out records stay behind, so that nobody trains on what models are compared on; from a form
    that is trained on as it is, so do sessions that are labelled poor, unless they are asked for,
    and those that an expert rejected.

    Raises:
        SignOffNeededError: Real records are not signed off.
        BlendError: A licence forbids the use, or there is nothing to export.
        ConfigError: `target` is not ours.
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
    refuse_foreign(target)
    facts = facts_of(folder, seed)
    if form is None:
        return write_export(target, records, facts, left_out)
    return at_once(target, lambda made: _fill_form(made, records, facts, form, left_out))


def write_export(
    target: Path,
    drawn: Sequence[Record],
    facts: CardFacts,
    left_out: Mapping[str, int] | None = None,
) -> Manifest:
    """Write a folder of messages, records, manifest and card; it takes `target`'s place at once.

    Args:
        target: The folder.
        drawn: Records in order, repeats included.
        facts: What the card says of the whole.
        left_out: Sessions that stay behind, by reason.

    Raises:
        StoreError: It cannot be written; what was at `target` is still there.
    """
    return at_once(target, lambda made: _fill(made, drawn, facts, left_out or {}))


def read_messages(folder: Path) -> Iterator[Line]:
    """Yield the lines of an exported folder's messages.jsonl, in training order."""
    with (folder / MESSAGES).open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


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


def _fill(
    made: Path, drawn: Sequence[Record], facts: CardFacts, left_out: Mapping[str, int]
) -> Manifest:
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
    card = card_of(facts, stats, makings(distinct), sessions=len(drawn), left_out=left_out)
    write_text(made / CARD, card)
    origins = Counter(record.origin for record in drawn)
    manifest = Manifest(
        name=facts.name,
        seed=facts.seed,
        left_out=dict(sorted(left_out.items())),
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
    for name in files_in(made):
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
        files={name: file_hash(made / name) for name in files_in(made)},
    )
    write_text(made / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
    return manifest
