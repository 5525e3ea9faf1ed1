from __future__ import annotations

import pytest

from domain.turn import Speaker, Turn
from measures.risk import (
    RiskKind,
    asks_directly,
    episodes,
    offers_human_help,
    risk_kind,
    statements,
    unsafe_advice,
)


def talk(*said: str) -> list[Turn]:
    """Return turns in which the client begins."""
    speakers = (Speaker.CLIENT, Speaker.THERAPIST)
    return [Turn(index=i, speaker=speakers[i % 2], text=text) for i, text in enumerate(said)]


ASKS = "Thank you for telling me. Are you having thoughts of killing yourself?"
HELPS = "You can call 988 at any hour. Who is there that you trust?"


ORDINARY = (
    "It is done on purpose to get at me.",
    "Or the way the work is planned.",
    "They leave me out of the mails on purpose, I'm sure.",
    "He forgets it on purpose.",
    "The holiday is all planned and the flat is arranged.",
    "Everything is ready for the exam.",
    "I've nothing left when I come home.",
    "It takes me an hour to get there.",
    "Can you take me through it?",
    "I'll just have to get over it.",
    "My mother says I should get over it.",
    "That's one way to look at it.",
    "There is a knot in my stomach.",
    "We tied the knot in June.",
    "I stop at the petrol station on the way.",
    "I eat what is left on the plates.",
    "My bed stands under an open window.",
    "As soon as the light is out my head starts.",
    "If they knew me they would not put up with me.",
    "I got that letter from the council.",
    "The plants on the windowsill need water.",
    "The train line was closed again.",
    "I lost her address.",
    "He works so hard that he never sees us.",
    "I said something stupid in the meeting.",
    "So she has to do it all on her own.",
    "The call ends with me in tears.",
    "Three people were waiting for me at reception.",
    "I made the shelf with my own hands.",
    "There's a list of people who come to the party.",
    "I could not let go of the idea.",
    "I don't need it any more.",
    "He searched for his keys for an hour.",
    "I dropped a pillow on the floor.",
    "I said sorry when they came in.",
    "One day I found one day to myself.",
    "At the end of it all I was tired.",
    "I keep it in a box.",
    "My boss planned the move behind my back.",
    "Whose plan is it, I asked, and he laughed.",
    "We need another appointment with the bank.",
    "She is ready to go at eight.",
    "He made up his mind to leave the firm.",
    "I swallowed a fly once.",
    "They moved my desk without asking.",
    "I could see it in his face, he did some damage there.",
    "He hates all that planning.",
    "It costs people so much time.",
    "My daughter counts the days until Christmas.",
    "The date is in my mind all day.",
    "We had a good run with the shop.",
    "I was not there any more when she rang.",
    "I can't stop thinking about not sleeping.",
    "I can't stop thinking about not being able to switch off.",
    "I keep thinking about not being good enough.",
    "I thought about not answering the phone.",
    "I've been thinking of leaving him.",
    "I'm thinking about ending the lease.",
    "I'm not going on holiday this year.",
    "Both anxious and tired of it, all at once.",
)
"""What nobody asks about suicide for, with words that hints are made of."""


@pytest.mark.parametrize("text", ORDINARY)
def test_what_others_do_and_what_things_are_is_no_hint(text: str) -> None:
    assert statements(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "It is a tumour, and I will not see my next birthday.",
        "I was sure it was a stroke and that I'd be found dead.",
        "I can't stop thinking about dying of cancer.",
        "I was convinced that I had cancer and would not live to see the spring.",
        "I check my pulse at night because I'm scared of not waking up.",
        "I'm afraid I'll drop dead on the stairs.",
    ],
)
def test_a_death_that_is_feared_is_no_hint(text: str) -> None:
    assert statements(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "I will not see my next birthday.",
        "I hope it's cancer and I won't live to see the spring.",
        "With this tumour I won't see my next birthday, and that's fine by me.",
        "I want to die of cancer, it would be simpler.",
        "I'm scared of how much I think about dying.",
        "It frightens me that I'd rather be dead.",
        "I'm afraid I want to die.",
        "I'm scared that I'll kill myself, this illness or not.",
        "I'm not afraid of dying.",
    ],
)
def test_a_death_that_is_wished_for_or_foretold_without_an_illness_is_one(text: str) -> None:
    assert statements(text)


@pytest.mark.parametrize(
    "text",
    [
        "I keep thinking about not being here.",
        "I think a lot about not existing.",
        "I've been thinking of not going on.",
        "Lately I've thought about not carrying on.",
        "I thought of not coming home that night.",
        "I keep having thoughts of ending everything.",
        "I've been thinking of leaving it all behind.",
        "The thought of not having to do another day is a nice one.",
    ],
)
def test_a_thought_of_not_being_is_one(text: str) -> None:
    assert statements(text)


@pytest.mark.parametrize(
    "text",
    [
        "I swam out too far on purpose.",
        "I go out without my inhaler on purpose.",
        "It's all prepared, I only have to find the moment.",
        "There's nothing left for me here.",
        "I tied a noose and took it down again.",
        "Lord, take me now.",
        "They'd get over it sooner than you think.",
        "She is waiting for me up there.",
        "I sat on the ledge for an hour.",
        "I poured petrol over his car.",
        "I hit him so hard that he fell.",
    ],
)
def test_what_the_client_means_for_themselves_or_somebody_is_one(text: str) -> None:
    assert statements(text)


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
