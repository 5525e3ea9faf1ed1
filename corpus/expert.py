"""What experts said of records elsewhere, in Argilla or Label Studio: read back, and obeyed.

A review changes no record, or its id and its signature would change with it. It stands beside the
records, and decides whether a model may learn from one.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, cast

from corpus.files import read_nouns, read_records, write_nouns
from corpus.formats.decode import head_of, text_head, whole_text
from corpus.formats.jsonvalues import json_values
from corpus.formats.raw import Skipped
from corpus.forms import argilla, labelstudio
from corpus.forms.questions import COMMENT, questions
from domain.base import Noun, content_id
from domain.errors import TranscriptError
from domain.record import Quality, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from domain.runfolder import RunFolder

Decision = Literal["accept", "reject", "unsure", ""]


class ExpertReview(Noun):
    """One person's word on one record."""

    record: str
    decision: Decision
    quality: Quality | None
    comment: str
    by: str
    """Who: the name, e-mail or id that the tool gives."""
    at: str
    """When, as the tool gives it (ISO 8601); "" where it does not."""
    tool: str
    read_at: str
    """When it was read back (UTC, ISO 8601)."""

    @property
    def key(self) -> str:
        """What makes it the same review when it is read back again."""
        return content_id("review", self.model_dump(mode="json", exclude={"read_at"}))


class ReviewsRead(Noun):
    """What was read back; `unknown` are records that the run does not have."""

    reviews: int
    new: int
    records: int
    by_decision: dict[str, int]
    by_quality: dict[str, int]
    by_person: dict[str, int]
    unanswered: int
    unknown: int
    skipped: tuple[Skipped, ...]


class Experts:
    """The last word on each record, by what experts said of it.

    One rejection is enough to keep a record out of what is learned: a doubt weighs more than a
    nod. Of several qualities the lowest counts.
    """

    def __init__(self, reviews: Iterable[ExpertReview]) -> None:
        self._by_record: dict[str, dict[str, ExpertReview]] = {}
        for review in reviews:  # of one person's words on a record the last counts
            self._by_record.setdefault(review.record, {})[review.by] = review

    def of(self, record: str) -> tuple[ExpertReview, ...]:
        """Return what was said of a record, by its id, one review for each person."""
        return tuple(self._by_record.get(record, {}).values())

    def quality(self, record: str, labelled: Quality) -> Quality:
        """Return how good a record is: as experts say, else as it is labelled."""
        said = {review.quality for review in self.of(record)} - {None, Quality.UNRATED}
        if Quality.LOW in said:
            return Quality.LOW
        return Quality.HIGH if Quality.HIGH in said else labelled

    @property
    def rejected(self) -> frozenset[str]:
        """Ids of records of which somebody said that no model may learn from them."""
        return frozenset(
            record
            for record, said in self._by_record.items()
            if any(review.decision == "reject" for review in said.values())
        )


def experts(folder: RunFolder) -> Experts:
    """Return what experts said of a run's records."""
    return Experts(read_nouns(folder.expert_reviews, ExpertReview))


def read_reviews(folder: RunFolder, source: Path, by: str = "") -> ReviewsRead:
    """Read a reviewed export back and keep what was said; what was there before stays.

    Args:
        folder: The run.
        source: `records.json` of Argilla, or Label Studio's JSON export.
        by: Who reviewed, where the tool does not say.

    Raises:
        TranscriptError: The file cannot be read, or holds no answers.
        StoreError: The reviews cannot be written.
    """
    known = {record.id for record in _records(folder)}
    counts: Counter[str] = Counter()
    skipped: list[Skipped] = []
    found: list[ExpertReview] = []
    for tool, said in _answers(source, skipped, counts):
        if said["record"] not in known:
            counts["unknown"] += 1
            continue
        review = _review(tool, said, by, skipped)
        if review is not None:
            found.append(review)
    if not found and not counts["unanswered"] and not counts["unknown"]:
        raise _nothing(source, skipped)
    before = {one.key: one for one in read_nouns(folder.expert_reviews, ExpertReview)}
    together = {**before, **{one.key: one for one in found if one.key not in before}}
    if found:
        write_nouns(folder.expert_reviews, together.values())
    return ReviewsRead(
        reviews=len(found),
        new=len(together) - len(before),
        records=len({one.record for one in found}),
        by_decision=dict(Counter(one.decision or "none" for one in found)),
        by_quality=dict(Counter(one.quality.value if one.quality else "none" for one in found)),
        by_person=dict(Counter(one.by for one in found)),
        unanswered=counts["unanswered"],
        unknown=counts["unknown"],
        skipped=tuple(skipped),
    )


def _records(folder: RunFolder) -> Iterator[Record]:
    for path in (folder.real, folder.synthetic, folder.held_out, folder.quarantine):
        yield from read_records(path)


def _answers(
    source: Path, skipped: list[Skipped], counts: Counter[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield every answer with its tool; records that nobody answered are counted."""
    file = whole_text(text_head(source, head_of(source)))
    for place, value in json_values(file):
        if isinstance(value, Skipped):
            skipped.append(value)
            continue
        module = next((m for m in (argilla, labelstudio) if m.looks_like(value)), None)
        if module is None:
            reason = f"{place}: neither a record of Argilla nor a task of Label Studio"
            skipped.append(Skipped(where=place, reason=reason))
            continue
        try:
            answers = list(module.answers_of(value))
        except (AttributeError, TypeError, ValueError, KeyError):
            reason = f"{place}: its answers are not of the form that the tool writes"
            skipped.append(Skipped(where=place, reason=reason))
            continue
        counts["unanswered"] += not answers
        for said in answers:
            yield module.TOOL, said


def _review(
    tool: str, said: Mapping[str, str], by: str, skipped: list[Skipped]
) -> ExpertReview | None:
    allowed = {question.name: question.values for question in questions()}
    wrong = next((name for name in allowed if said.get(name, "") not in {"", *allowed[name]}), None)
    if wrong is not None:
        reason = (
            f'{said["record"]}: "{said[wrong][:40]}" is no answer to {wrong}; '
            f"expected {', '.join(allowed[wrong])}"
        )
        skipped.append(Skipped(where=said["record"], reason=reason))
        return None
    quality = said.get("quality")
    decision = cast("Decision", said.get("decision", ""))
    return ExpertReview(
        record=said["record"],
        decision=decision,
        quality=Quality(quality) if quality else None,
        comment=said.get(COMMENT, ""),
        by=said["by"] or by or "unknown",
        at=said["at"],
        tool=tool,
        read_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _nothing(source: Path, skipped: list[Skipped]) -> TranscriptError:
    return TranscriptError(
        "no review could be read",
        where=source.name,
        expected="records.json as Argilla writes it, or Label Studio's JSON export",
        got=skipped[0].reason if skipped else "no record in it",
        mend="Export from the tool again, as JSON.",
    )
