from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import numpy as np
import pytest

from corpus.compare.classifier import learned, vectorizer
from corpus.discriminator import Discriminator, Weight
from corpus.files import write_nouns
from corpus.rounds import learn_round, read_rounds
from corpus.signoff import sign_off
from domain.errors import CompareError
from domain.record import Origin
from domain.settings import Settings
from domain.turn import Speaker, Turn
from tests.corpus.builders import record

if TYPE_CHECKING:
    from pathlib import Path

    from domain.record import Record
    from domain.runfolder import RunFolder

SETTINGS = Settings.model_validate({"name": "round", "campaign": {"discriminator": {}}})
REAL = ["What was that like for you?", "So you went home. And then?", "Mm, go on about that."]
MADE = [
    "It sounds like you feel heard. What was that like?",
    "I hear you, and it sounds like a lot.",
]


def scripted(number: int, lines: list[str], origin: Origin = Origin.SYNTHETIC) -> Record:
    made = record(number, origin=origin)
    turns = tuple(
        turn.model_copy(
            update={"text": f"{lines[(turn.index + number) % len(lines)]} {turn.index}"}
        )
        if turn.speaker is Speaker.THERAPIST
        else turn
        for turn in made.turns
    )
    return made.model_copy(update={"turns": turns})


@pytest.fixture
def filled(run: RunFolder) -> RunFolder:
    write_nouns(run.quarantine, (scripted(n, REAL, Origin.REAL) for n in range(12)))
    sign_off(run, "A Reader")
    write_nouns(run.synthetic, (scripted(n, MADE) for n in range(100, 112)))
    return run


def said(*texts: str) -> tuple[Turn, ...]:
    return tuple(
        Turn(index=at, speaker=list(Speaker)[(at + 1) % 2], text=text)
        for at, text in enumerate(texts)
    )


def test_it_scores_as_what_it_was_learned_with() -> None:
    texts, labels = [*REAL * 3, *MADE * 3], np.repeat([0, 1], [9, 6])
    vectors = vectorizer()
    model = learned(vectors.fit_transform(texts), labels)
    found = Discriminator(
        {
            name: Weight(rare, lean)
            for name, rare, lean in zip(
                vectors.get_feature_names_out(), vectors.idf_, model.coef_[0], strict=True
            )
        },
        model.intercept_[0],
        0.0,
    )
    for text in (*REAL, *MADE, "Something else: what, WHAT? It sounds like rain.", ""):
        expected = model.decision_function(vectors.transform([text]))[0]
        assert found.turn_score(text) == pytest.approx(expected)


def test_a_round_learns_and_the_file_is_read_back(filled: RunFolder) -> None:
    this = learn_round(SETTINGS, filled, None, 0.25, None)
    assert this is not None
    assert this.turn_auc.value > 0.9
    assert (this.number, this.real, this.synthetic, this.sent_back) == (1, 12, 12, None)
    assert "sounds like" in this.words
    assert stat.S_IMODE(filled.discriminator.stat().st_mode) == 0o600
    assert (filled.comparison_figures / "rounds.svg").is_file()
    found = Discriminator.load(filled.discriminator)
    assert found.to_bytes() == filled.discriminator.read_bytes()
    assert learn_round(SETTINGS, filled, None, 0.25, None) == this
    telling = found.read(said("It sounds like you feel heard.", "Yes.", "Mm, go on about that."))
    assert telling is not None
    assert telling.turns[0] == 0
    assert "you feel" in telling.words


def test_only_words_of_the_draft_itself_are_named(filled: RunFolder) -> None:
    learn_round(SETTINGS, filled, None, 0.25, None)
    found = Discriminator.load(filled.discriminator)
    draft = ("It sounds like a lot, I hear you.", "Well.", "It sounds like that was hard for you.")
    telling = found.read(said(*draft))
    assert telling is not None
    spoken = {word for text in draft[::2] for word in text.lower().replace(",", "").split()}
    assert all(set(words.split()) <= {w.strip(".") for w in spoken} for words in telling.words)
    assert found.read(said("Right.", "Yes.")) is None


def test_rounds_go_on_from_each_other(filled: RunFolder, tmp_path: Path) -> None:
    first = learn_round(SETTINGS, filled, None, 0.25, None)
    second_run = type(filled)(tmp_path / "second")
    write_nouns(second_run.synthetic, (scripted(n, [*MADE, *REAL]) for n in range(200, 212)))
    second = learn_round(SETTINGS, second_run, filled, 0.25, 3)
    assert first is not None
    assert second is not None
    assert read_rounds(second_run).rounds == (first, second)
    assert (second.number, second.sent_back) == (2, 3)
    assert second.turn_auc.value < first.turn_auc.value


def test_without_both_sides_there_is_nothing_to_learn(filled: RunFolder) -> None:
    filled.synthetic.unlink()
    assert learn_round(SETTINGS, filled, None, 0.25, None) is None
    assert not filled.rounds.exists()


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(b"not safetensors at all")
    with pytest.raises(CompareError, match="no discriminator"):
        Discriminator.load(path)
