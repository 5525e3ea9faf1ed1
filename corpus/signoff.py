"""A person signs for the records in quarantine; only then may they be used."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from corpus.files import read_noun, read_records, write_nouns, write_text
from corpus.instructions import flags_of
from domain.base import Noun
from domain.errors import SignOffNeededError
from domain.record import Deidentification, Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from domain.runfolder import RunFolder


class SignOff(Noun):
    """Who signed for which records, and when (UTC, ISO 8601).

    `accepted` are those of them that were flagged (`corpus.instructions`) and are to be used all
    the same; `rejected` were thrown out and not signed for.
    """

    name: str = Field(min_length=1)
    at: str
    records: tuple[str, ...]
    accepted: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()


class SignOffs(Noun):
    """Everything that was signed in a run, oldest first; the content of `sign-off.json`."""

    signed: tuple[SignOff, ...] = ()

    def decided(self) -> Decided:
        """Return what was decided last on each record."""
        signed: set[str] = set()
        rejected: set[str] = set()
        for one in self.signed:
            signed = (signed | {*one.records}) - {*one.rejected}
            rejected = (rejected | {*one.rejected}) - {*one.records}
        return Decided(frozenset(signed), frozenset(rejected))


class Decided(NamedTuple):
    """Ids of the records that somebody signed for, and of those that were thrown out."""

    signed: frozenset[str]
    rejected: frozenset[str]

    def is_open(self, record: Record) -> bool:
        """Tell whether the record waits for a decision."""
        return record.id not in self.signed and record.id not in self.rejected


ALL = "all"
"""Stands for every flagged record."""


def why_left_out(folder: RunFolder, record: str) -> str:
    """Say why a flagged record is left out where somebody signs for all at once, and the mend."""
    return (
        "it holds turns that speak to a machine, or that nobody said. To use it, ingest again "
        f"without a signature, then: {_command(folder)} --accept {record}"
    )


def _command(folder: RunFolder) -> str:
    return f'rehearsal corpus sign-off "{folder.root}" --name "YOUR NAME"'


def sign_off(
    folder: RunFolder, name: str, accept: Collection[str] = (), reject: Collection[str] = ()
) -> SignOff:
    """Move the quarantined records to the real ones, signed by `name`.

    The signature is written first, then the records, and the quarantine goes last: a stop in
    between leaves everything there, and signing again completes it. A record of before that was
    made from the same transcript goes. What was decided before holds: a rejected record stays out
    until it is accepted by its id, and a flagged one that was accepted needs no second decision.

    Args:
        folder: The run.
        name: Who has read the review.
        accept: Ids of flagged records to use all the same, or `all` but those rejected before.
        reject: Ids of records to throw out, or `all` for those that are flagged and not accepted.

    Raises:
        SignOffNeededError: No name was given, nothing is in quarantine, or a record is flagged and
            neither accepted nor rejected.
        StoreError: A file cannot be read or written.
    """
    signer = " ".join(name.split())
    if not signer:
        raise SignOffNeededError(
            "nobody has signed",
            where=str(folder.review),
            expected="the name of the person who read the review",
            got="an empty name",
            mend="Give the name of the person who has read the review.",
        )
    pending = list(read_records(folder.quarantine))
    if not pending:
        raise SignOffNeededError(
            "there is nothing to sign for",
            where=str(folder.quarantine),
            expected="records in quarantine",
            got="none",
            mend="Ingest transcripts first: `rehearsal corpus ingest RUN --transcripts PATH`.",
        )
    flagged = {record.id for record in pending if flags_of(record)}
    _know(folder, {record.id for record in pending}, {*accept, *reject} - {ALL})
    before = sign_offs(folder)
    earlier = before.decided()
    known = {record.id for record in pending} & earlier.rejected - {*accept}
    accepted = flagged - known if ALL in accept else flagged & ({*accept} | earlier.signed)
    rejected = known | ({*reject} - {ALL}) | (flagged - accepted if ALL in reject else set())
    accepted -= rejected
    _decided(folder, sorted(flagged - accepted - rejected))
    kept = [record for record in pending if record.id not in rejected]
    at = datetime.now(UTC).isoformat(timespec="seconds")
    signature = SignOff(
        name=signer,
        at=at,
        records=tuple(record.id for record in kept),
        accepted=tuple(sorted(accepted)),
        rejected=tuple(sorted(rejected)),
    )
    signed = SignOffs(signed=(*before.signed, signature))
    write_text(folder.sign_off, signed.model_dump_json(indent=2) + "\n")
    write_nouns(folder.real, _with_signature(folder, pending, rejected))
    folder.quarantine.unlink(missing_ok=True)
    return signature


def _know(folder: RunFolder, pending: set[str], named: set[str]) -> None:
    """Refuse a decision on what does not wait for one."""
    if unknown := sorted(named - pending):
        raise SignOffNeededError(
            "there is no such record in quarantine",
            where=str(folder.quarantine),
            expected="ids as the review gives them, or `all`",
            got=", ".join(unknown),
            mend=f"Read {folder.review}.",
        )


def _decided(folder: RunFolder, open_: list[str]) -> None:
    if open_:
        raise SignOffNeededError(
            ("1 record holds" if len(open_) == 1 else f"{len(open_):,} records hold")
            + " turns that speak to a machine, or that nobody said",
            where=str(folder.review),
            expected="a decision on each: read its flagged turns",
            got="none on " + ", ".join(open_[:5]) + (" and others" if len(open_) > 5 else ""),
            mend=f"Sign with: {_command(folder)}, and --accept RECORD or --reject RECORD for each, "
            "or `all`.",
        )


def sign_offs(folder: RunFolder) -> SignOffs:
    """Return what was signed in the run so far.

    Raises:
        StoreError: `sign-off.json` is damaged.
    """
    if not folder.sign_off.exists():
        return SignOffs()
    return read_noun(
        folder.sign_off,
        SignOffs,
        "the record of signatures cannot be read",
        mend="Put it back from a copy, or ingest and sign again in a new run.",
    )


def signed_records(folder: RunFolder) -> tuple[Record, ...]:
    """Return the real records that may be used.

    Raises:
        SignOffNeededError: Records wait in quarantine, or one was not signed for.
        StoreError: A file is damaged.
    """
    real = tuple(read_records(folder.real))
    covered = signed_ids(folder)
    unsigned = sum(
        record.id not in covered or record.deidentification is not Deidentification.SIGNED_OFF
        for record in real
    )
    check_signed(folder, unsigned)
    return real


def signed_ids(folder: RunFolder) -> frozenset[str]:
    """Return the ids of all records that somebody signed for, and nobody rejected since."""
    return sign_offs(folder).decided().signed


def check_signed(folder: RunFolder, unsigned: int = 0) -> None:
    """Refuse a corpus of which `unsigned` real records have no signature, or some wait for one.

    Raises:
        SignOffNeededError: Records wait in quarantine, or one was not signed for.
        StoreError: A file is damaged.
    """
    waiting = sum(1 for _ in waiting_records(folder))
    if unsigned or waiting:
        raise SignOffNeededError(
            not_signed(unsigned + waiting),
            where=str(folder.real if unsigned else folder.quarantine),
            expected="a person who read the review and signed",
            got="no signature for them",
            mend=f"Read {folder.review}, then sign: {_command(folder)}",
        )


def not_signed(records: int, of: str = "") -> str:
    """Say that so many real records, `of` a blend or of the run, have no signature."""
    named, are = ("record", "is") if records == 1 else ("records", "are")
    return f"{records:,} real {named}{of} {are} not signed off"


def waiting_records(folder: RunFolder) -> Iterator[Record]:
    """Yield the records in quarantine that nobody has signed for or rejected.

    Raises:
        StoreError: A file is damaged.
    """
    return filter(sign_offs(folder).decided().is_open, read_records(folder.quarantine))


def _with_signature(folder: RunFolder, pending: list[Record], rejected: set[str]) -> list[Record]:
    """Return the real records of before and the new ones, each once, in order.

    A transcript that was screened anew takes the place of its earlier version: what was mended
    since, such as a name that the roster lacked, would still stand in that. If the new version is
    rejected, both go.
    """
    mark = {"deidentification": Deidentification.SIGNED_OFF}
    renewed = {record.provenance for record in pending}
    new = {record.id for record in pending}
    by_id = {
        record.id: record
        for record in read_records(folder.real)
        if record.id in new or record.provenance not in renewed
    }
    by_id.update({record.id: record.model_copy(update=mark) for record in pending})
    return [record for record in by_id.values() if record.id not in rejected]
