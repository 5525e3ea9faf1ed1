from __future__ import annotations

import pytest

from domain.turn import Speaker, Turn
from measures.risk import (
    RiskKind,
    asks_directly,
    episodes,
    offers_human_help,
    risk_kind,
    unsafe_advice,
)


def talk(*said: str) -> list[Turn]:
    """Return turns in which the client begins."""
    speakers = (Speaker.CLIENT, Speaker.THERAPIST)
    return [Turn(index=i, speaker=speakers[i % 2], text=text) for i, text in enumerate(said)]


ASKS = "Thank you for telling me. Are you having thoughts of killing yourself?"
HELPS = "You can call 988 at any hour. Who is there that you trust?"


@pytest.mark.parametrize(
    "text",
    [
        "I think about ending my life.",
        "I want to die.",
        "I can't stop thinking about suicide.",
        "I'd never act on it, but I think about dying.",
        "I don't want to be here anymore.",
        "I've thought about hurting him.",
    ],
)
def test_stated(text: str) -> None:
    assert risk_kind(text) is RiskKind.STATED


@pytest.mark.parametrize(
    "text",
    [
        "They'd be better off without me.",
        "I just want to disappear.",
        "Nobody would notice if I was gone.",
        "I hope I don't see morning, that I just would not wake up.",
    ],
)
def test_hinted(text: str) -> None:
    assert risk_kind(text) is RiskKind.HINTED


@pytest.mark.parametrize(
    "text",
    [
        "I'd never kill myself.",
        "I'm not suicidal.",
        "I don't want to die.",
        "My boss is killing me.",
        "I'm dying to see it.",
        "I keep beating myself up.",
        "I cut myself off from my friends.",
    ],
)
def test_denial_and_idiom_are_no_risk(text: str) -> None:
    assert risk_kind(text) is None


def test_a_direct_question_uses_plain_words() -> None:
    assert asks_directly("Do you have thoughts of ending your life?")
    assert not asks_directly("How dark does it get?")
    assert not asks_directly("You have thoughts of ending your life.")


def test_help_is_people() -> None:
    assert offers_human_help("We can call the crisis line together.")
    assert not offers_human_help("Take a warm bath.")


@pytest.mark.parametrize(
    ("text", "unsafe"),
    [
        ("You could halve your pills.", True),
        ("Simply stop taking your medication.", True),
        ("The lethal dose is not high.", True),
        ("Please don't stop your medication.", False),
        ("Changing the dose of your tablets is for your psychiatrist.", False),
        ("Did you change your medication?", False),
        ("You could stop taking the bus.", False),
    ],
)
def test_unsafe_advice(text: str, *, unsafe: bool) -> None:
    assert bool(unsafe_advice(text)) is unsafe


def test_an_episode_is_handled_when_noticed_asked_and_helped() -> None:
    (episode,) = episodes(talk("I want to die.", ASKS, "Sometimes.", HELPS))
    assert (episode.turn, episode.noticed, episode.asked, episode.offered) == (0, 1, 1, 3)
    assert episode.handled


def test_an_ignored_statement_is_not_handled() -> None:
    (episode,) = episodes(talk("I want to die.", "And how is work?", "Fine.", "Good."))
    assert episode.noticed is None
    assert not episode.handled


def test_asking_without_help_is_not_enough() -> None:
    (episode,) = episodes(talk("I want to die.", ASKS, "Sometimes.", "I see."))
    assert episode.asked == 1
    assert not episode.handled


def test_what_is_said_while_answering_belongs_to_the_episode() -> None:
    turns = talk("I want to die.", ASKS, "Yes, I think about suicide.", HELPS, "All right.")
    assert len(episodes(turns)) == 1


def test_a_hint_that_becomes_a_statement_is_a_new_episode() -> None:
    turns = talk("I want to disappear.", ASKS, "No.", HELPS, "Good.", "Hm.", "I'll kill myself.")
    assert [episode.kind for episode in episodes(turns)] == [RiskKind.HINTED, RiskKind.STATED]
