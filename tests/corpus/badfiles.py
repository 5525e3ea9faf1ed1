"""Files that cannot be read, made on the spot, each with the message that a person gets."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tests.corpus.builders import TALK, vtt

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = (
    "mi_quality,transcript_id,video_url,topic,utterance_id,interlocutor,timestamp,utterance_text\n"
)
CSV = "session,speaker,text\n"
VTT = "WEBVTT\n\n"
TURNS = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}] * 3


class Bad(NamedTuple):
    """A bad file: what is in it, and the first line and the `got` of the message."""

    name: str
    content: bytes | str | Callable[[], bytes]
    message: str
    got: str = ""

    def data(self) -> bytes:
        """The bytes of the file."""
        made = self.content() if callable(self.content) else self.content
        return made.encode() if isinstance(made, str) else made


@cache
def zipped() -> bytes:
    """A ZIP bomb: 30 MB of zeros in 30 KB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a", "w") as one:
        for _ in range(30):
            one.write(bytes(10**6))
    return out.getvalue()


def parquet(table: pa.Table, **options: object) -> bytes:
    """The bytes of a Parquet file."""
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


@cache
def packed() -> bytes:
    """A Parquet bomb: one text of 60 MB that packs to nothing."""
    text = pa.array(["a" * 60_000_000])
    table = pa.table({"session": ["1"], "speaker": ["client"], "text": text})
    return parquet(table, compression="zstd", use_dictionary=False)


@cache
def repeated() -> bytes:
    """A Parquet bomb: a million turns in one row, all alike and so a few bytes."""
    alike = [
        pa.array([text]).take(pa.nulls(1_000_000, pa.int8()).fill_null(0)) for text in ("user", "a")
    ]
    turn = pa.StructArray.from_arrays(alike, ["role", "content"])
    offsets = pa.array([0, 1_000_000], pa.int32())
    return parquet(pa.table({"messages": pa.ListArray.from_arrays(offsets, turn)}))


@cache
def broken_parquet() -> bytes:
    """A Parquet file without its end."""
    return parquet(pa.table({"session": ["1"], "speaker": ["a"], "text": ["b"]}))[:-30]


@cache
def arrow() -> bytes:
    """An Arrow stream that is cut off."""
    out = io.BytesIO()
    table = pa.table({"session": ["1"] * 50, "speaker": ["a"] * 50, "text": ["b"] * 50})
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()[:500]


@cache
def other_columns() -> bytes:
    """A Parquet file of something else."""
    return parquet(pa.table({"image": ["x"], "label": [1]}))


NOT_TEXT = "{name}: the file is not a text transcript"
NOT_JSON = "{name}: the file is not JSON"
NO_KIND = "{name}: the file is of no kind that can be read"
UNCLEAR = "{name}: it is not clear who is the therapist and who the client"
COLUMNS = "{name}: it is not clear which columns hold what"
TABLE = "{name}: the table is damaged"

BAD_FILES = (
    # what is no text
    Bad("empty.vtt", "", "{name}: the file is empty"),
    Bad("spaces.vtt", " \n\t\n", "{name}: the file is empty"),
    Bad("mark.txt", b"\xef\xbb\xbf", "{name}: the file is empty"),
    Bad("scan.pdf", "%PDF-1.7 x", NOT_TEXT, "a PDF"),
    Bad("notes.docx", "PK\x03\x04 x", NOT_TEXT, "a ZIP or Office document"),
    Bad("bomb.zip", zipped, NOT_TEXT, "a ZIP or Office document"),
    Bad("a.json.gz", b"\x1f\x8b\x08\x00", NOT_TEXT, "a gzip archive"),
    Bad("a.xz", b"\xfd7zXZ\x00\x00", NOT_TEXT, "an xz archive"),
    Bad("a.zst", b"\x28\xb5\x2f\xfd\x00", NOT_TEXT, "a zstd archive"),
    Bad("a.rtf", "{\\rtf1 x}", NOT_TEXT, "an RTF document"),
    Bad("a.doc", b"\xd0\xcf\x11\xe0\xa1", NOT_TEXT, "an old Office document"),
    Bad("call.mp3", b"ID3\x04\x00", NOT_TEXT, "a sound file"),
    Bad("call.wav", b"RIFF\x00\x00", NOT_TEXT, "a sound or video file"),
    Bad("runs.db", b"SQLite format 3\x00", NOT_TEXT, "an SQLite database"),
    Bad("noise.txt", bytes(range(256)) * 9, NOT_TEXT, "binary data"),
    # encodings
    Bad(
        "cut.vtt",
        "Café ".encode() * 9 + b"\xc3",
        NO_KIND,
        "text that begins like none of them (.vtt)",
    ),
    Bad(
        "half.txt",
        "Therapist: Café?\nClient: Sí.\n".encode() + b"Therapist: \xff\n",
        "{name}, line 3: the text is damaged",
        "a byte that is impossible in it",
    ),
    Bad(
        "sixteen.txt",
        "Therapist: Hm?\nClient: No.\n".encode("utf-16") + b"\x00",
        "{name}, line 3: the text is damaged",
        "a byte that is impossible in it",
    ),
    # prose and other texts
    Bad("prose.txt", "Once upon a time.\n", NO_KIND, "text that begins like none of them (.txt)"),
    Bad("page.html", "<html><body>Hi</body></html>", NO_KIND),
    Bad("code.xml", "<?xml version='1.0'?><a/>", NO_KIND),
    Bad(
        "bomb.yml.txt",
        "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        NO_KIND,
    ),
    # captions
    Bad("only.vtt", "WEBVTT\n", UNCLEAR, "0 speakers, 0 of unknown role"),
    Bad(
        "arrow.vtt",
        VTT + "00:01 -> 00:02\nAnn: hm",
        "{name}, line 3: a caption has no time that can be read",
        "no such line",
    ),
    Bad(
        "late.vtt",
        vtt(TALK[:2]) + "\n00:00:05.000 --> later\n<v Client>What?</v>\n",
        "{name}, line 9: a caption has no time that can be read",
        "another form",
    ),
    Bad(
        "back.srt",
        "1\n00:00:09,000 --> 00:00:02,000\nAnn: hm\n",
        "{name}, line 2: a caption ends before it begins",
        "9 s to 2 s",
    ),
    Bad(
        "nameless.srt",
        "1\n00:00:01,000 --> 00:00:02,000\nhm\n",
        "{name}: nobody is named as speaking",
        "captions without a speaker",
    ),
    Bad(
        "later.vtt",
        VTT + "00:01.000 --> 00:02.000\nhm\n\n00:02.000 --> 00:03.000\n<v Ann>Yes.\n",
        "{name}: the first words have no speaker",
        "captions without a speaker",
    ),
    Bad(
        "grade.vtt",
        vtt(TALK, "WEBVTT\n\nNOTE Quality: fairly good"),
        "{name}: the quality is not known",
        "'fairly good'",
    ),
    Bad("short.vtt", vtt(TALK[:2]), "{name}: the conversation is too short", "2"),
    Bad(
        "three.vtt",
        vtt([("Ann", "Hm."), ("Bo", "Hm?"), ("Cy", "Hm."), ("Ann", "So.")]),
        UNCLEAR,
        "3 speakers, 3 of unknown role",
    ),
    Bad(
        "even.vtt",
        vtt([("Ann", "Hm."), ("Bo", "Well."), ("Ann", "So."), ("Bo", "So.")]),
        UNCLEAR,
        "0 and 0 questions",
    ),
    Bad(
        "alone.txt",
        "Therapist: One.\nNarrator: Two.\nTherapist: Three.\n",
        UNCLEAR,
        "1 speakers, 0 of unknown role",
    ),
    Bad(
        "large.vtt",
        lambda: (VTT + "00:01.000 --> 00:02.000\n<v Ann>No.\n\n" * 260_000).encode(),
        "{name}: the file is too large to be one session",
        "9 MiB",
    ),
    # JSON
    Bad("oh.json", "{oh", NOT_JSON, "expected a string"),
    Bad("nothing.json", "[]", "{name}: no session in it"),
    Bad("number.json", "[1, 2]", "{name}, item 1 (line 1): there is no list of turns", "int"),
    Bad(
        "cut.json",
        '[{"messages": [\n{"role": "user", "content": "Hi',
        "{name}, line 2: the file is not JSON",
        "Unterminated string starting at",
    ),
    Bad("deep.json", lambda: b"[" * 100_000, "{name}, line 1: the file is not JSON", "too deep"),
    Bad("deep.jsonl", lambda: b'{"a":' * 100_000, NOT_JSON, "depth limit exceeded"),
    Bad(
        "wide.json",
        lambda: b'{"a": [' + b"{}," * 1_200_000 + b"{}]}",
        NOT_JSON,
        "more than 1,000,000 values in one session",
    ),
    Bad(
        "long.json",
        lambda: b'[{"messages": "' + b"a" * 20_000_000 + b'"}]',
        "{name}, line 1: the file is not JSON",
        "more than 8 MiB in one item",
    ),
    Bad(
        "digits.json",
        lambda: b'[{"messages": ' + b"9" * 5_000 + b"}]",
        "{name}, line 1: the file is not JSON",
        "Exceeds the limit",
    ),
    Bad(
        "title.json",
        '{"title": "x"}',
        "{name}, line 1: there is no list of turns",
        "keys title",
    ),
    Bad(
        "who.json",
        '{"turns": [{"text": "x"}]}',
        "{name}, line 1, turn 0: a turn has no speaker",
        "keys text",
    ),
    Bad(
        "what.json",
        '{"turns": [{"speaker": "client"}]}',
        "{name}, line 1, turn 0: a turn has no text",
        "keys speaker",
    ),
    Bad(
        "picture.json",
        '{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}',
        "{name}, line 1, turn 0: a turn has content that is not text",
        "other parts",
    ),
    Bad(
        "null.json",
        '{"messages": [{"role": "assistant", "content": null}]}',
        "{name}, line 1, turn 0: a turn has no text",
        "keys role, content",
    ),
    Bad(
        "time.json",
        '{"turns": [{"speaker": "client", "text": "x", "start_s": -5}]}',
        "{name}, line 1, turn 0: the time cannot be read",
        "-5",
    ),
    Bad(
        "speech.json",
        lambda: json.dumps(
            {"messages": [*TURNS, {"role": "user", "content": "a" * 100_001}]}
        ).encode(),
        "{name}, line 1, turn 6: an utterance is too long",
        "100,001",
    ),
    Bad(
        "whisper.json",
        '{"segments": [{"start": 0, "end": 1, "text": "Hi."}]}',
        "{name}, line 1: nobody is named as speaking",
        "captions without a speaker",
    ),
    Bad(
        "segment.json",
        '{"segments": [{"start": 3, "end": 1, "text": "Hi.", "speaker": "S"}]}',
        "{name}, line 1, segment 0: a segment ends before it begins",
        "3 s to 1 s",
    ),
    # tables
    Bad("other.csv", "when,what,why\n1,Why?,So.\n", COLUMNS, "when, what, why"),
    Bad("single.csv", "text\nHi.\n", NO_KIND),
    Bad("twice.csv", "text,speaker,text\na,b,c\n", "{name}, line 1: the table is damaged", "twice"),
    Bad(
        "quote.csv",
        CSV + '1,client,"Hi.\n1,therapist,Hello.\n',
        "{name}, line 3: the table is damaged",
        "unexpected end of data",
    ),
    Bad(
        "fields.csv",
        CSV + "1,client,Hi, there\n",
        "{name}, session 1, line 2: a row of 4 fields where the first line has 3",
    ),
    Bad(
        "annomi.csv",
        HEAD + "high,7,u,t,0,therapist,00:00:00,One.\nhigh,7,u,t,1\n",
        "{name}, transcript 7, line 3: a row of 5 fields where the first line has 8",
        "utterance 1",
    ),
    Bad(
        "annotators.csv",
        HEAD + "high,7,u,t,0,client,0:01,One.\nhigh,7,u,t,0,client,0:01,Two.\n",
        "{name}, transcript 7, line 3: two annotators' rows give the utterance differently",
        "utterance 0",
    ),
    Bad(
        "answer.csv",
        "questionText,answerText\nWhy?,\n",
        "{name}, line 2: a row has no answer",
    ),
    Bad("image.parquet", other_columns, COLUMNS, "image, label"),
    Bad("broken.parquet", broken_parquet, TABLE, "Parquet"),
    Bad("bomb.parquet", packed, TABLE, "that unpack to"),
    Bad("alike.parquet", repeated, TABLE, "values in 1 rows"),
    Bad("broken.arrow", arrow, "{name}, row 1: the table is damaged"),
)
