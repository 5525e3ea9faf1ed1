"""Real conversations with people's labels: quality of a session, behaviour of an utterance.

AnnoMI: Wu et al., ICASSP 2022; Future Internet 15(3):110, 2023. ESConv and FailedESConv: Liu et
al., ACL 2021. Both are read from the user's own copy; nothing of them is part of the project.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from domain.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

HIGH, UNLABELLED = "high", "n/a"
COLUMNS = (
    "mi_quality",
    "transcript_id",
    "video_url",
    "topic",
    "utterance_id",
    "interlocutor",
    "utterance_text",
    "main_therapist_behaviour",
    "client_talk_type",
)
HELPERS = frozenset({"supporter", "listener"})
"""How ESConv and FailedESConv name who helps."""


class Talk(NamedTuple):
    """A conversation, what each side said in it, and whether people call it good.

    `group` is what must not be in training and test at once (one video, one conversation).
    """

    therapist: tuple[str, ...]
    client: tuple[str, ...]
    good: bool
    group: str
    topic: str
    corpus: str

    def opening(self, turns: int) -> Talk:
        """Return the talk's first `turns` utterances of each side."""
        return self._replace(therapist=self.therapist[:turns], client=self.client[:turns])


class Labelled(NamedTuple):
    """An utterance with the one before it, and the label that most annotators gave it."""

    text: str
    previous: str
    place: float
    """Where in the conversation it stands, 0 to 1."""
    label: str
    group: str


class _Row(NamedTuple):
    text: str
    therapist: bool
    labels: list[str]


def read_annomi(path: Path) -> tuple[list[Talk], list[Labelled], list[Labelled]]:
    """Return sessions, therapist utterances and client utterances of AnnoMI's table.

    Raises:
        TranscriptError: The file cannot be read or lacks a column.
    """
    reader = csv.DictReader(io.StringIO(_text(path), newline=""))
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise TranscriptError(
            f"the table lacks the column {missing[0]}",
            where=path.name,
            expected=f"AnnoMI's table with {', '.join(COLUMNS)}",
            got=", ".join(reader.fieldnames or ())[:200] or "nothing",
            mend="Take AnnoMI-full.csv from its source.",
        )
    by_transcript: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in reader:
        by_transcript[row["transcript_id"]].append(row)
    talks: list[Talk] = []
    therapist: list[Labelled] = []
    client: list[Labelled] = []
    for rows in by_transcript.values():
        said = _utterances(rows, path)
        first = rows[0]
        group = first["video_url"].strip()
        talks.append(
            Talk(
                therapist=tuple(row.text for row in said if row.therapist),
                client=tuple(row.text for row in said if not row.therapist),
                good=first["mi_quality"].strip() == HIGH,
                group=group,
                topic=first["topic"].strip(),
                corpus="annomi",
            )
        )
        for number, one in enumerate(said):
            label = Counter(one.labels).most_common(1)[0][0]
            if label == UNLABELLED:
                continue
            previous = said[number - 1].text if number else ""
            labelled = Labelled(one.text, previous, number / len(said), label, group)
            (therapist if one.therapist else client).append(labelled)
    return talks, therapist, client


def _utterances(rows: Iterable[dict[str, str]], path: Path) -> list[_Row]:
    """Return each utterance once, in order, with all annotators' labels."""
    found: dict[int, _Row] = {}
    for row in rows:
        number = row["utterance_id"]
        if not (number or "").strip().isdecimal():
            raise TranscriptError(
                "an utterance has no number",
                where=f"{path.name}, transcript {row['transcript_id']}",
                expected="a whole number as utterance_id",
                got=repr(number)[:40],
                mend="Take AnnoMI-full.csv from its source.",
            )
        spoken = row["interlocutor"].strip() == "therapist"
        one = found.setdefault(int(number), _Row(row["utterance_text"], spoken, []))
        label = "main_therapist_behaviour" if spoken else "client_talk_type"
        one.labels.append(row[label].strip())
    return [found[number] for number in sorted(found)]


def read_esconv(path: Path, *, good: bool) -> list[Talk]:
    """Return the conversations of an ESConv file; all of a file are good or all have failed.

    Raises:
        TranscriptError: The file cannot be read or is no list of dialogs.
    """
    try:
        listed: Any = json.loads(_text(path))
        talks = [_dialog(one["dialog"], f"{path.name}:{n}", good) for n, one in enumerate(listed)]
    except (json.JSONDecodeError, TypeError, KeyError) as error:
        raise TranscriptError(
            "this is not ESConv's JSON",
            where=path.name,
            expected="a list of objects with `dialog`, a list of {speaker, content}",
            got=f"{type(error).__name__}: {error}"[:200],
            mend="Take the file from its source.",
        ) from error
    return [talk for talk in talks if talk.therapist]


def _dialog(turns: Sequence[dict[str, str]], group: str, good: bool) -> Talk:
    sides: tuple[list[str], list[str]] = ([], [])
    for turn in turns:
        sides[turn["speaker"] not in HELPERS].append(turn["content"].strip())
    return Talk(tuple(sides[0]), tuple(sides[1]), good, group, "", "esconv")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TranscriptError(
            "the file cannot be read",
            where=str(path),
            expected="a readable file in UTF-8",
            got=str(error)[:200],
            mend="Correct the path.",
        ) from error
