from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from training.primer.inflect import article, turned, verb
from training.primer.material import material
from training.primer.primer import talks

if TYPE_CHECKING:
    from pathlib import Path

SENTENCE = re.compile(r"[^.?!\n\"<>|{}\[\]]+[.?!]")


def sentences(text: str) -> set[str]:
    """Sentences of seven words or more, in lower case, without punctuation."""
    found = (" ".join(re.findall(r"[a-z'-]+", one.lower())) for one in SENTENCE.findall(text))
    return {one for one in found if len(one.split()) >= 7}


def test_same_seed_same_talks() -> None:
    assert talks(4, 5) == talks(4, 5)
    assert talks(4, 5) != talks(5, 5)


def test_it_knows_three_thousand_real_words() -> None:
    text = str(material())
    assert len(set(re.findall(r"[a-z][a-z'-]*[a-z]", text.lower()))) >= 2000
    told = " ".join(message["content"] for talk in talks(0, 1500) for message in talk).lower()
    known = set(re.findall(r"[a-z][a-z'-]*[a-z]", told))
    assert len(known) >= 3000
    assert {"mm-hmm", "uh", "um", "yeah", "okay", "don't", "you're", "couldn't"} <= known


def test_speakers_take_turns_and_no_slot_is_left() -> None:
    for talk in talks(1, 200):
        roles = [message["role"] for message in talk if message["role"] != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"] * (len(roles) % 2)
        assert not any("{" in message["content"] for message in talk)


def test_no_sentence_is_the_projects_other_text(repository: Path) -> None:
    others = [
        path
        for folder in ("packs", "understudy/grammar", "examples", "corpus/data")
        for path in (repository / folder).rglob("*")
        if path.suffix in {".md", ".yaml", ".yml", ".txt", ".jsonl", ".vtt", ".srt", ".csv"}
    ]
    told = sentences("\n".join(message["content"] for talk in talks(0, 1500) for message in talk))
    shared = {
        sentence
        for path in others
        for sentence in sentences(path.read_text(encoding="utf-8", errors="replace")) & told
    }
    assert shared == set()


@pytest.mark.parametrize(
    ("base", "forms"),
    [
        ("stop", ("stops", "stopped", "stopping")),
        ("worry", ("worries", "worried", "worrying")),
        ("bake", ("bakes", "baked", "baking")),
        ("quit quit quit", ("quits", "quit", "quitting")),
        ("lie", ("lies", "lied", "lying")),
        ("pay paid paid", ("pays", "paid", "paying")),
    ],
)
def test_verbs_are_inflected(base: str, forms: tuple[str, str, str]) -> None:
    made = verb(base)
    assert (made.third, made.past, made.ing) == forms


def test_a_clause_is_seen_from_the_other_side() -> None:
    assert turned("I told my boss that I'm tired") == "you told your boss that you're tired"


def test_articles() -> None:
    assert (article("apple"), article("uniform"), article("bus")) == ("an", "a", "a")
