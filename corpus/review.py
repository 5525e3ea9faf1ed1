"""The page that a person reads before signing: each replacement in context, with its class.

What was replaced is not on it: an identifier that has left the text is written nowhere. Context
and class are enough to see a replacement that is wrong; the transcript at its source shows one
that is missing.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus.data.files import load_yaml
from corpus.files import appears_at, appears_in
from measures.tokens import words

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from corpus.deidentify import Span
    from corpus.instructions import Flag
    from domain.record import Record

CONTEXT = 40
"""Characters shown on each side of a replacement."""
FLAGGED = 400
"""Characters shown of a flagged turn."""

_HEAD = """# Review before sign-off

{records} records, {turns} turns, {spans} replacements. Nothing here is used until a person signs.

1. Read the replacements below: is each one right, and does the sentence still hold?
2. Read the transcripts in `quarantine.jsonl` for what rules do not find:
   {not_covered}
3. Look at the words listed as *left as they are*: are they people or places?
4. If something is left, add the name to `roster.txt` beside the transcripts and ingest again.
5. Read the turns that are *flagged*: they speak to a machine, or nobody said them. Such a record is
   signed for only where you accept it, `--accept RECORD`, or it is thrown out, `--reject RECORD`.
6. Sign: `rehearsal corpus sign-off RUN --name "YOUR NAME"`. Your name, the time and what you
   decided are kept with the records.

Flagged: {flagged}.

| class | Safe Harbor | replaced |
|---|---|---|
{classes}
"""
_NOT_COVERED = (
    "telling events; feast days; rare occupations; a name that is a word and opens its sentence;"
    " places, employers and schools that are all words of English; in captions without capitals,"
    " any name that is a word."
)


@dataclass(frozen=True)
class Reviewed:
    """One record with its replacements; `file` is the number of its file, from 1.

    Span texts count the turns; the one after the last turn is the topic.
    """

    record: Record
    file: int
    assumed: str
    spans: tuple[Span, ...]
    suspects: tuple[str, ...]
    flags: tuple[Flag, ...] = ()
    """Turns that speak to a machine, or that nobody said."""


class ReviewPages:
    """The review as it grows: sections wait in a file without a name until the head is known."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: Counter[str] = Counter()
        self._records = self._turns = 0
        self._flagged: list[str] = []

    def __enter__(self) -> Self:
        with appears_in(self._path.parent):
            self._spool = tempfile.TemporaryFile("w+", encoding="utf-8", dir=self._path.parent)
        return self

    def __exit__(self, *exc: object) -> None:
        self._spool.close()

    def add(self, one: Reviewed) -> None:
        """Add a record's section."""
        self._records += 1
        self._turns += len(one.record.turns)
        self._counts.update(span.kind for span in one.spans)
        self._flagged += [one.record.id] if one.flags else []
        self._spool.write("\n" + _section(self._records, one))

    def finish(self) -> None:
        """Write the review; it takes the place of an earlier one at once.

        Raises:
            StoreError: It cannot be written.
        """
        self._spool.seek(0)
        with appears_at(self._path) as temporary, temporary.open("w", encoding="utf-8") as stream:
            stream.write(self._head())
            shutil.copyfileobj(self._spool, stream)

    def _head(self) -> str:
        letters = {
            entry["class"]: entry["safe_harbor"]
            for entry in load_yaml("recognisers")["recognisers"]
        }
        return _HEAD.format(
            records=self._records,
            turns=self._turns,
            spans=self._counts.total(),
            not_covered=_NOT_COVERED,
            flagged=", ".join(self._flagged) or "none",
            classes="\n".join(
                f"| {_plain(kind)} | {letters.get(kind, 'A')} | {count} |"
                for kind, count in self._counts.most_common()
            ),
        )


def _section(number: int, one: Reviewed) -> str:
    record = one.record
    said = sum(len(words(turn.text)) for turn in record.turns)
    lines = [
        f"## Record {number}: {record.id}",
        "",
        f"File {one.file}, {record.source}; topic: {_escaped(record.topic)}; "
        f"quality: {record.quality.value}; {len(record.turns)} turns, {said} words; "
        f"{len(one.spans)} replacements.",
    ]
    if one.assumed:
        lines += ["", f"**Assumed:** {one.assumed}."]
    if one.suspects:
        lines += ["", f"Left as they are: {', '.join(map(_escaped, one.suspects))}."]
    if one.flags:
        lines += ["", "**Flagged:**", "", "| turn | why | what is said |", "|---|---|---|"]
        lines += [_flagged(record, flag) for flag in one.flags]
    if one.spans:
        lines += ["", "| turn | class | in context |", "|---|---|---|"]
        lines += [_row(record, span) for span in one.spans]
    return "\n".join([*lines, ""])


def _row(record: Record, span: Span) -> str:
    is_topic = span.text >= len(record.turns)
    text = record.topic if is_topic else record.turns[span.text].text
    before = text[max(0, span.start - CONTEXT) : span.start]
    after = text[span.end : span.end + CONTEXT]
    left = "…" if span.start > CONTEXT else ""
    right = "…" if span.end + CONTEXT < len(text) else ""
    shown = f"{left}{_escaped(before)}**{_escaped(span.replacement)}**{_escaped(after)}{right}"
    return f"| {'topic' if is_topic else span.text} | {_plain(span.kind)} | {shown} |"


def _flagged(record: Record, flag: Flag) -> str:
    is_topic = flag.turn >= len(record.turns)
    text = record.topic if is_topic else record.turns[flag.turn].text
    cut = "…" if len(text) > FLAGGED else ""
    why = ", ".join(map(_plain, flag.families))
    return f"| {'topic' if is_topic else flag.turn} | {why} | {_escaped(text[:FLAGGED])}{cut} |"


def _plain(kind: str) -> str:
    return kind.replace("_", " ")


def _escaped(text: str) -> str:
    """Keep what people said from being read as Markdown or HTML, and show what is not seen."""
    text = "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return "".join(f"\\{sign}" if sign in "*_`[]" else sign for sign in text)
