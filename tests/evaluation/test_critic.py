from __future__ import annotations

import csv
import json
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save_file

from domain.errors import EvaluationError, TranscriptError
from domain.progress import silent
from evaluation.critic.check import check, figure, out_of_fold, quality_auc
from evaluation.critic.human import COLUMNS, Labelled, Talk, read_annomi, read_esconv
from evaluation.critic.quality import QualityCritic
from evaluation.critic.utterances import UtteranceReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WARM = "it sounds as if that week was heavy and what did you notice then"
SAME = "the bus was late on monday again"
COLD = "you should just stop that and do as i told you last time"


def talk(number: int, *, good: bool, group: str = "") -> Talk:
    """A talk whose quality shows in most of its words; the rest is the same in both kinds."""
    dice = random.Random(f"{number}{good}")
    words = [*(WARM if good else COLD).split(), *SAME.split()]
    said = tuple(" ".join(dice.choices(words, k=12)) for _ in range(6))
    return Talk(said, ("well", "yes the bus"), good, group or f"{number}{good}", "bus", "made")


def talks(count: int = 20) -> list[Talk]:
    return [talk(n, good=good) for n in range(count) for good in (True, False)]


def test_a_critic_tells_new_talks_apart_and_survives_its_file(tmp_path: Path) -> None:
    critic = QualityCritic.fit(talks())
    new = [talk(900, good=True), talk(901, good=False)]
    good, poor = critic.scores(new)
    assert good > 0 > poor
    critic.save(tmp_path / "deep" / "critic.safetensors")
    again = QualityCritic.load(tmp_path / "deep" / "critic.safetensors")
    assert again.trained_on == {"made": 40}
    np.testing.assert_allclose(again.scores(new), critic.scores(new), rtol=1e-4)


def test_a_file_that_is_no_critic_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"weights": np.zeros(3, np.float32)}, other)
    with pytest.raises(EvaluationError, match="no critic"):
        QualityCritic.load(other)
    other.write_bytes(b"\x80\x04pickle")
    with pytest.raises(EvaluationError, match="cannot be read"):
        QualityCritic.load(other)
    with pytest.raises(EvaluationError, match="cannot be read"):
        QualityCritic.load(tmp_path / "missing.safetensors")


def test_one_kind_of_talk_teaches_nothing() -> None:
    with pytest.raises(EvaluationError, match="good and poor"):
        QualityCritic.fit([talk(n, good=True) for n in range(5)])


def test_no_group_is_in_training_and_test_at_once() -> None:
    pairs = [talk(n, good=n % 2 == 0, group=f"video {n // 2}") for n in range(40)]
    groups = [one.group for one in pairs]

    def looks(train: Sequence[Talk], test: Sequence[Talk]) -> list[bool]:
        assert not {one.group for one in train} & {one.group for one in test}
        return [True] * len(test)

    found = out_of_fold(pairs, [one.good for one in pairs], groups, looks, repeats=2)
    assert [set(one.tolist()) for one in found] == [{True}, {True}]


def test_labels_dealt_at_random_are_not_predicted() -> None:
    dice = random.Random(5)
    dealt = [one._replace(good=dice.random() < 0.5) for one in talks(40)]
    found = quality_auc(dealt)
    assert found.value < 0.6
    assert found.low < 0.5
    assert quality_auc(talks()).low > 0.9


def test_an_interval_widens_when_utterances_are_alike_within_a_group() -> None:
    truth = np.arange(200) % 2 == 0
    predicted = truth.copy()
    predicted[:60] = ~predicted[:60]
    agree = lambda a, b: float(np.mean(a == b))  # noqa: E731
    alone = figure(agree, truth, [predicted], [str(n) for n in range(200)])
    alike = figure(agree, truth, [predicted], [str(n // 20) for n in range(200)])
    assert alone.value == alike.value == pytest.approx(0.7)
    assert alike.high - alike.low > 1.5 * (alone.high - alone.low)


def test_an_utterance_reader_learns_what_is_done() -> None:
    learned = [
        Labelled(text, "I was late.", 0.5, label, str(n))
        for n in range(6)
        for text, label in (
            ("What happened then?", "question"),
            ("You were late, and it weighs on you.", "reflection"),
        )
    ]
    new = [learned[0]._replace(text="What did you do then?")]
    assert UtteranceReader(learned).labels(new) == ["question"]


def annomi(path: Path, *, without: str = "", **changed: str) -> Path:
    """A table of two short sessions, two annotators who differ about the last utterance."""
    columns = [column for column in COLUMNS if column != without]
    row = {
        "mi_quality": "high",
        "transcript_id": "1",
        "video_url": "v",
        "topic": "bus ",
        "utterance_id": "1",
        "interlocutor": "therapist",
        "utterance_text": "How was it?",
        "main_therapist_behaviour": "question",
        "client_talk_type": "n/a",
        **changed,
    }
    client = {**row, "utterance_id": "2", "interlocutor": "client", "utterance_text": "Late."}
    client |= {"main_therapist_behaviour": "n/a", "client_talk_type": "neutral"}
    poor = {**row, "transcript_id": "2", "mi_quality": "low"}
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore")
        writer.writeheader()
        rows = [client, row, row, {**row, "main_therapist_behaviour": "other"}, poor]
        writer.writerows(rows)
    return path


def test_annomi_is_read_in_order_with_the_majoritys_labels(tmp_path: Path) -> None:
    found, therapist, client = read_annomi(annomi(tmp_path / "a.csv"))
    assert [(one.good, one.topic, one.therapist, one.client) for one in found] == [
        (True, "bus", ("How was it?",), ("Late.",)),
        (False, "bus", ("How was it?",), ()),
    ]
    assert [one.label for one in therapist] == ["question", "question"]
    assert [(one.label, one.previous) for one in client] == [("neutral", "How was it?")]


def test_broken_tables_are_named(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match="topic"):
        read_annomi(annomi(tmp_path / "a.csv", without="topic"))
    with pytest.raises(TranscriptError, match="no number"):
        read_annomi(annomi(tmp_path / "b.csv", utterance_id="x"))
    with pytest.raises(TranscriptError, match="cannot be read"):
        read_annomi(tmp_path / "missing.csv")


@pytest.mark.parametrize("text", ["{", "[1]", '[{"dialog": [{"speaker": "a"}]}]', '{"a": 1}'])
def test_what_is_not_esconv_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "e.json").write_text(text, encoding="utf-8")
    with pytest.raises(TranscriptError, match="not ESConv"):
        read_esconv(tmp_path / "e.json", good=True)


def test_esconvs_sides_are_told_apart(tmp_path: Path) -> None:
    said = [("seeker", "hello "), ("supporter", "hi"), ("listener", "go on")]
    dialog = [{"speaker": speaker, "content": text} for speaker, text in said]
    (tmp_path / "e.json").write_text(json.dumps([{"dialog": dialog}]), encoding="utf-8")
    (one,) = read_esconv(tmp_path / "e.json", good=False)
    assert (one.therapist, one.client, one.good) == (("hi", "go on"), ("hello",), False)


@pytest.mark.slow
def test_the_bars_on_real_sessions_are_met(real_data: Path) -> None:
    esconv = real_data / "esconv"
    found = check(
        read_annomi(real_data / "annomi" / "annomi-dev.csv"),
        [
            *read_esconv(esconv / "esconv-dev.json", good=True),
            *read_esconv(esconv / "failed-esconv-dev.json", good=False),
        ],
        silent,
    )
    bars = {
        "annomi_auc": 0.90,
        "annomi_auc_first8": 0.82,
        "annomi_auc_shared": 0.83,
        "esconv_auc": 0.68,
        "therapist_macro_f1": 0.72,
        "client_macro_f1": 0.49,
    }
    assert {
        name: round(found[name].value, 3) for name in bars if found[name].value < bars[name]
    } == {}
