"""People's ratings of replies, read from FailedESConv's JSON or a table of one's own.

FailedESConv: Liu et al., ACL 2021. It is read from the user's own copy; nothing of it is part of
the project. Whatever is read counts as real people's words.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from domain.errors import ConfigError, TranscriptError
from domain.record import HeldOutContext, Origin
from domain.turn import Speaker, Turn
from evaluation.certificate.item import JudgeItem
from evaluation.critic.human import HELPERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MOST_REPLIES = 4
"""Replies of one conversation that are judged."""
LOWEST, HIGHEST = 1.0, 5.0
ESCONV_HOW = (
    "The person who sought help rated the whole conversation. The judge sees replies, so up to "
    f"{MOST_REPLIES} of the helper's replies, evenly spread over the conversation, are judged each "
    "after what was said before it; their mean stands for the conversation."
)
TABLE_HOW = "Each row's reply was judged after the row's scenario."
_FOLD = re.compile(r"^(\d{1,3})/(\d{1,3})$")
_SPOKEN = re.compile(r"^(client|therapist|counsellor|counselor)\s*:\s*(.+)$", re.IGNORECASE)


class Rated(NamedTuple):
    """What people rated: its replies, and by criterion the ratings of its raters.

    A rater who gave nothing is nan; all things of a criterion have the same raters, in order.
    """

    items: tuple[JudgeItem, ...]
    ratings: Mapping[str, tuple[float, ...]]
    group: str
    said: str
    """All that was said in its group as the file has it; equal for all of a group."""


class Labels(NamedTuple):
    """All that was read."""

    rated: tuple[Rated, ...]
    source: str
    sha256: str
    how: str


def read_labels(path: Path) -> Labels:
    """Read a `.csv` table, or FailedESConv's JSON.

    A table has the columns `scenario` (a client's words, or lines `Client: …`, `Therapist: …`
    that end with the client), `reply`, for each rater and criterion one such as `empathy:anna`
    with a rating from 1 to 5 or nothing, and, where rows belong together, `group`.

    Raises:
        TranscriptError: It cannot be read, or holds no rating.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TranscriptError(
            "the file with ratings cannot be read",
            where=str(path),
            expected="a readable file in UTF-8",
            got=str(error)[:200],
            mend="Correct the path.",
        ) from error
    table = path.suffix.lower() == ".csv"
    rated = _table(text, path.name) if table else _esconv(text, path.name)
    if not rated:
        raise TranscriptError(
            "nobody has rated anything in this file",
            where=path.name,
            expected="ratings from 1 to 5",
            got="none",
            mend="Take FailedESConv's JSON with survey_score, or a table with rating columns.",
        )
    how = TABLE_HOW if table else ESCONV_HOW
    return Labels(tuple(rated), path.name, hashlib.sha256(raw).hexdigest(), how)


def one_fold(labels: Labels, fold: str) -> Labels:
    """Return a share of the rated things, whole groups at a time, e.g. `1/2` for the second half.

    Which share a group falls in depends on a hash of what was said in it (of a table, on the
    group's name), so that what a judge was made with can be kept apart from what it is tried on.

    Raises:
        ConfigError: `fold` is no such share.
    """
    found = _FOLD.match(fold)
    place, folds = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 0 <= place < folds:
        raise ConfigError(
            "this is no share of the ratings",
            where="--fold",
            expected="a place and a number of shares, such as 0/2 or 1/2",
            got=fold,
            mend="Count shares from 0.",
        )
    rated = tuple(one for one in labels.rated if _share(one.said, folds) == place)
    return labels._replace(rated=rated, how=f"Share {fold} of it. {labels.how}")


def _share(said: str, folds: int) -> int:
    return int(hashlib.sha256(said.encode()).hexdigest(), 16) % folds


def _esconv(text: str, name: str) -> list[Rated]:
    try:
        listed: Any = json.loads(text)
        found = [_conversation(one, f"{name}:{number}") for number, one in enumerate(listed)]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TranscriptError(
            "these are not ESConv's ratings",
            where=name,
            expected="a list of objects with `dialog` and `survey_score`",
            got=f"{type(error).__name__}: {error}"[:200],
            mend="Take the file from its source, or give a table (.csv).",
        ) from error
    return [one for one in found if one.ratings]


def _conversation(dialog: dict[str, Any], group: str) -> Rated:
    """Return a conversation; without ratings where its seeker gave none."""
    seeker = (dialog.get("survey_score") or {}).get("seeker") or {}
    ratings = {
        key: (_rating(str(seeker[key]), group),)
        for key in ("empathy", "relevance")
        if str(seeker.get(key) or "").strip()
    }
    turns = _joined(dialog["dialog"])
    places = [
        place for place, turn in enumerate(turns) if place and turn.speaker is Speaker.THERAPIST
    ]
    items = [
        _item(turns[:place], turns[place].text, group, dialog.get("problem_type", "unstated"))
        for place in _spread(places)
    ]
    said = "\n".join(str(one["content"]) for one in dialog["dialog"])
    return Rated(tuple(items), ratings, group, said)


def _joined(said: Sequence[Mapping[str, Any]]) -> tuple[Turn, ...]:
    """Return turns that alternate: what one side wrote in a row is one turn."""
    found: list[tuple[Speaker, list[str]]] = []
    for one in said:
        speaker = Speaker.THERAPIST if one["speaker"] in HELPERS else Speaker.CLIENT
        words = str(one["content"]).strip()
        if not words:
            continue
        if not found or found[-1][0] is not speaker:
            found.append((speaker, []))
        found[-1][1].append(words)
    return tuple(
        Turn(index=index, speaker=speaker, text=" ".join(texts))
        for index, (speaker, texts) in enumerate(found)
    )


def _spread(places: Sequence[int]) -> list[int]:
    """Return at most `MOST_REPLIES` of `places`, evenly spread, first and last among them."""
    if len(places) <= MOST_REPLIES:
        return list(places)
    step = (len(places) - 1) / (MOST_REPLIES - 1)
    return [places[round(number * step)] for number in range(MOST_REPLIES)]


def _item(turns: Sequence[Turn], reply: str, group: str, topic: str) -> JudgeItem:
    context = HeldOutContext(
        record_id=group,
        topic=topic or "unstated",
        group=group,
        origin=Origin.REAL,
        turns=tuple(turns),
        reference=reply,
    )
    return JudgeItem(context=context, text=reply)


def _table(text: str, name: str) -> list[Rated]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    columns = [column for column in reader.fieldnames or () if ":" in column]
    missing = [one for one in ("scenario", "reply") if one not in (reader.fieldnames or ())]
    if missing or not columns:
        raise TranscriptError(
            f"the table lacks {'the column ' + missing[0] if missing else 'columns with ratings'}",
            where=name,
            expected="columns scenario, reply, and for each rater one such as empathy:anna",
            got=", ".join(reader.fieldnames or ())[:200] or "nothing",
            mend="Name the columns so in the first line.",
        )
    return [_row(row, columns, f"{name}, row {n}") for n, row in enumerate(reader, start=2)]


def _row(row: Mapping[str, str | None], columns: Sequence[str], where: str) -> Rated:
    ratings: dict[str, tuple[float, ...]] = {}
    for column in columns:
        criterion = column.split(":")[0].strip()
        given = (row.get(column) or "").strip()
        value = _rating(given, where) if given else math.nan
        ratings[criterion] = (*ratings.get(criterion, ()), value)
    turns, reply = _scenario(row.get("scenario") or ""), (row.get("reply") or "").strip()
    group = (row.get("group") or "").strip() or where
    items = (_item(turns, reply, group, "unstated"),) if turns and reply else ()
    return Rated(items, ratings, group, group)


def _scenario(text: str) -> list[Turn]:
    """Read `Client: …` lines; text without such lines is one thing that the client says."""
    turns: list[Turn] = []
    for line in filter(None, (each.strip() for each in text.splitlines())):
        named = _SPOKEN.match(line)
        if named is None and turns:
            last = turns.pop()
            turns.append(last.model_copy(update={"text": f"{last.text} {line}"}))
            continue
        is_client = named is None or named[1].lower() == "client"
        speaker = Speaker.CLIENT if is_client else Speaker.THERAPIST
        turns.append(Turn(index=len(turns), speaker=speaker, text=named[2] if named else line))
    return turns


def _rating(given: str, where: str) -> float:
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not LOWEST <= value <= HIGHEST:
        raise TranscriptError(
            "a rating is not on the scale",
            where=where,
            expected="a number from 1 to 5, or nothing",
            got=repr(given)[:40],
            mend="Correct it, or leave it empty.",
        )
    return value
