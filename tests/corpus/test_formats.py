from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from corpus.formats import srt, webvtt
from corpus.formats.detect import read_file
from corpus.formats.raw import RawSession, Reading, Skipped
from domain.errors import TranscriptError
from domain.record import Quality
from tests.corpus.builders import TALK, vtt

if TYPE_CHECKING:
    from pathlib import Path

    from domain.settings import ReadingSettings


def session(readings: list[Reading]) -> RawSession:
    (one,) = readings
    assert isinstance(one, RawSession), one
    return one


def skipped(readings: list[Reading]) -> Skipped:
    (one,) = readings
    assert isinstance(one, Skipped), one
    return one


def said(one: RawSession) -> list[tuple[str, str]]:
    return [(utterance.speaker, utterance.text) for utterance in one.utterances]


def test_voice_tags_and_header_of_webvtt() -> None:
    text = vtt(TALK, "WEBVTT - a meeting\n\nNOTE\nTopic: sleep\nQuality: low\nNames: Ann Roe, Bo")
    one = session(webvtt.read(text, "a.vtt"))
    assert said(one) == list(TALK)
    assert (one.topic, one.quality, one.names) == ("sleep", Quality.LOW, ("Ann Roe", "Bo"))
    assert one.utterances[2].start_s == 2.0


def test_labels_tags_entities_and_remarks_in_captions() -> None:
    text = (
        "WEBVTT\n\nSTYLE\n::cue { color: red }\n\nintro\n00:01.000 --> 00:02.000 align:start\n"
        "Client: I said <i>no</i> &amp; left [laughs].\n\n"
        "00:02.000 --> 00:03.000\nHere is the thing: it hurt.\n\n"
        "00:03.000 --> 00:04.000\n[Music]\n\n"
        "00:04.000 --> 00:05.000\n- Therapist: It hurt.\n- Client: Yes."
    )
    assert said(session(webvtt.read(text, "a.vtt"))) == [
        ("Client", "I said no & left."),
        ("Client", "Here is the thing: it hurt."),
        ("Therapist", "It hurt."),
        ("Client", "Yes."),
    ]


def test_two_voices_in_one_caption() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v.loud Ann>No.</v> <v Bo>Why?"
    assert said(session(webvtt.read(text, "a.vtt"))) == [("Ann", "No."), ("Bo", "Why?")]


def test_srt_goes_on_with_the_speaker_of_the_caption_before() -> None:
    text = (
        "1\n00:00:01,000 --> 00:00:02,000\nPieter van Aalst: I keep counting,\n\n"
        "2\n00:00:02,000 --> 00:00:03,000\nand it does not stop.\n\n"
        "3\n00:00:03,000 --> 00:00:04,000\nDr. Kamau: What is it like?\n\n"
        "4\n00:00:04,000 --> 00:00:05,000\nPieter van Aalst: Loud.\n"
    )
    assert said(session(srt.read(text, "a.srt"))) == [
        ("Pieter van Aalst", "I keep counting,"),
        ("Pieter van Aalst", "and it does not stop."),
        ("Dr. Kamau", "What is it like?"),
        ("Pieter van Aalst", "Loud."),
    ]


@pytest.mark.parametrize(
    ("caption", "reason"),
    [
        ("00:01 -> 00:02\nAnn: hm", "no time that can be read"),
        ("00:09.000 --> 00:02.000\nAnn: hm", "ends before it begins"),
        ("00:01.000 --> 00:02.000\nhm", "nobody is named"),
        ("a note that has no time\nand goes on", "no time that can be read"),
    ],
)
def test_a_broken_caption_loses_the_whole_file(caption: str, reason: str) -> None:
    one = skipped(webvtt.read(f"WEBVTT\n\n{caption}\n", "a.vtt"))
    assert reason in one.reason
    assert "mend:" in one.reason
    assert "a.vtt" in one.where


def test_the_line_of_a_broken_caption_is_named() -> None:
    text = vtt(TALK[:2]) + "\n00:00:05.000 --> later\n<v Client>What?</v>\n"
    assert skipped(webvtt.read(text, "a.vtt")).where == "a.vtt, line 9"


def test_an_unknown_quality_is_refused() -> None:
    text = vtt(TALK, "WEBVTT\n\nNOTE Quality: fairly good")
    assert "the quality is not known" in skipped(webvtt.read(text, "a.vtt")).reason


HEAD = (
    "mi_quality,transcript_id,video_url,topic,utterance_id,interlocutor,timestamp,utterance_text\n"
)


def read(
    tmp_path: Path, text: str, name: str, settings: ReadingSettings | None = None
) -> list[Reading]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return list(read_file(path, settings).sessions)


def rows(*lines: str) -> str:
    return HEAD + "".join(f"{line}\n" for line in lines)


def test_annomi_is_ordered_by_utterance_and_taken_once_for_all_annotators(tmp_path: Path) -> None:
    text = rows(
        "high,7,http://v/1,smoking ,10,client,00:01:05,Second.",
        'high,7,http://v/1,smoking ,9,therapist,00:01:00,"First, [chuckles] yes."',
        'high,7,http://v/1,smoking ,9,therapist,00:01:00,"First, [chuckles] yes."',
        "low,3,http://v/2,n/a,0,therapist,00:00:00,Other.",
    )
    first, second = read(tmp_path, text, "a.csv")
    assert isinstance(first, RawSession)
    assert isinstance(second, RawSession)
    assert said(first) == [("therapist", "First, yes."), ("client", "Second.")]
    assert (first.topic, first.quality, first.group) == ("smoking", Quality.HIGH, "http://v/1")
    assert first.utterances[1].start_s == 65.0
    assert (second.topic, second.quality) == ("n/a", Quality.LOW)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("high,7,u,t,x,client,00:00:01,Hm.", "no number or no text"),
        ("high,7,u,t,1", "a row of 5 fields where the first line has 8"),
        ("high,7,u,t,0,client,00:00:01,Another text.", "differently"),
        ("good,6,u,t,0,client,00:00:01,Hm.", ""),
    ],
)
def test_a_broken_row_loses_its_transcript_only(tmp_path: Path, line: str, reason: str) -> None:
    text = rows(
        "high,7,u,t,0,therapist,00:00:00,One.", line, "high,8,u,t,0,therapist,00:00:00,Kept."
    )
    readings = read(tmp_path, text, "a.csv")
    bad = [one for one in readings if isinstance(one, Skipped)]
    kept = [one.key for one in readings if isinstance(one, RawSession)]
    assert len(bad) == 1
    assert reason in bad[0].reason
    assert "8" in kept


def test_another_table_is_told_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("when,what,why\n1,Why?,Because.\n")
    with pytest.raises(TranscriptError, match="not clear which columns hold what") as caught:
        read_file(path)
    assert "when, what, why" in caught.value.got
    assert "--columns" in caught.value.mend


def test_openai_messages_turns_and_parts(tmp_path: Path) -> None:
    lines = [
        {
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
            "quality": "low",
        },
        {"turns": [{"speaker": "client", "text": "Hello"}], "topic": "work", "names": ["Ann"]},
        {"dialog": [{"speaker": "seeker", "content": "Hey"}]},
    ]
    text = "\n".join(map(json.dumps, lines))
    first, second, third = read(tmp_path, text, "a.jsonl")
    assert isinstance(first, RawSession)
    assert isinstance(second, RawSession)
    assert isinstance(third, RawSession)
    assert (said(first), first.quality) == ([("user", "Hi")], Quality.LOW)
    assert (second.topic, second.names) == ("work", ("Ann",))
    assert said(third) == [("seeker", "Hey")]


def test_one_turn_to_a_line_is_gathered_by_session(tmp_path: Path) -> None:
    lines = [
        {"session": s, "speaker": "client", "text": f"{s}{i}"} for i in range(2) for s in ("a", "b")
    ]
    readings = read(tmp_path, "\n".join(map(json.dumps, lines)), "a.jsonl")
    assert [said(one) for one in readings if isinstance(one, RawSession)] == [
        [("client", "a0"), ("client", "a1")],
        [("client", "b0"), ("client", "b1")],
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"messages": "hello"}', "no list of turns"),
        ('{"title": "x"}', "no list of turns"),
        ('{"turns": [{"text": "x"}]}', "no speaker"),
        ('{"turns": [{"speaker": "client"}]}', "no text"),
        ('{"turns": ["x"]}', "not an object"),
        ('{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', "not text"),
        ('{"turns": [', "not JSON"),
    ],
)
def test_a_broken_line_is_skipped_and_the_next_is_kept(
    tmp_path: Path, line: str, reason: str
) -> None:
    good = '{"turns": [{"speaker": "client", "text": "kept"}]}'
    first, second = read(tmp_path, f"{line}\n{good}\n", "a.jsonl")
    assert isinstance(first, Skipped)
    assert reason in first.reason
    assert "line 1" in first.where
    assert isinstance(second, RawSession)


def test_a_file_of_broken_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match="not JSON"):
        read(tmp_path, "{oh\n{no\n", "a.jsonl")


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.txt", vtt(TALK), "vtt"),
        ("a.vtt", "1\n00:00:01,000 --> 00:00:02,000\nClient: Hi\n", "srt"),
        ("a.srt", '{"turns": [{"speaker": "client", "text": "x"}]}', "chat"),
        ("a.json", rows("high,7,u,t,0,client,00:00:01,Hm."), "annomi"),
    ],
)
def test_the_content_decides_not_the_extension(
    tmp_path: Path, name: str, text: str, kind: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert read_file(path).format == kind


def test_prose_is_of_no_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Once upon a time there was a session.\n")
    with pytest.raises(TranscriptError, match="of no kind that can be read") as caught:
        read_file(path)
    assert "WebVTT" in caught.value.expected
