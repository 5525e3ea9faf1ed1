"""Whole sessions, played by both roles through the filled prompts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agents.pack import load_pack
from domain.persona import Style
from measures.farewell import is_farewell
from measures.risk import episodes
from measures.session import session_behaviours
from measures.structure import asks_feedback, gives_homework, sets_agenda, summarises
from tests.understudy.played import AT_RISK, bo, client_of, ines, play, therapist_of
from understudy.clauses import named_feelings, telling_clause
from understudy.models import answer
from understudy.request import ChatRequest, Message
from understudy.sheets import therapist_sheet


def five_grams(texts: tuple[str, ...]) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z']+", " ".join(texts).lower())
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def test_the_same_seed_gives_the_same_session() -> None:
    assert play(ines()) == play(ines())


def test_another_seed_gives_another_session() -> None:
    assert play(ines(), seed=1) != play(ines(), seed=2)


def test_two_personas_give_two_sessions() -> None:
    one, other = (five_grams(tuple(t.text for t in play(item))) for item in (ines(), bo()))
    assert len(one & other) / len(one | other) < 0.5


def test_a_session_has_its_parts_and_ends_once() -> None:
    turns = play(ines(), "expert")
    said = therapist_of(turns)
    assert any(sets_agenda(text) for text in said[:3])
    assert any(summarises(text) and asks_feedback(text) for text in said)
    assert any(gives_homework(text) for text in said[5:])
    assert [is_farewell(turn.text) for turn in turns[-3:]] == [False, True, True]


@pytest.mark.parametrize("pack", ["cbt", "mi"])
def test_the_help_that_is_offered_is_the_packs_and_nothing_of_the_rules(pack: str) -> None:
    offered = load_pack(pack).crisis_help()
    prompt = Path("packs", pack, "prompts", "therapist.md").read_text(encoding="utf-8")
    sheet = therapist_sheet(prompt.replace("{{ crisis_help }}", offered))
    assert sheet is not None
    assert sheet.crisis_help == offered.rstrip(". ")


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("I kept putting it off, I'm afraid.", ()),
        ("I\u2019m afraid so.", ()),
        ("I'm afraid of the next one.", ("afraid",)),
        ("The lift here is quite small.", ()),
        ("I felt quite small.", ("small",)),
        ("Mostly I'm afraid. And ashamed.", ("afraid", "ashamed")),
    ],
)
def test_feelings_are_what_is_felt(said: str, named: tuple[str, ...]) -> None:
    assert named_feelings(said) == named


def test_an_answer_that_begins_with_that_is_given_back_without_it() -> None:
    assert telling_clause("That I collapse in front of everyone.") == (
        "you collapse in front of everyone"
    )


def test_the_client_speaks_from_its_diagram() -> None:
    told = " ".join(client_of(play(ines(), "expert"))).lower()
    assert "last stop" in told
    assert "my heart will stop" in told
    assert "terrified" in told


def test_the_core_belief_is_not_told_early() -> None:
    early = " ".join(client_of(play(ines(), "expert"))[:5])
    assert "fragile" not in early


def test_the_technique_of_the_plan_is_used() -> None:
    assert "worst" in " ".join(therapist_of(play(ines()))[4:7])
    assert re.search("evidence|speaks|facts", " ".join(therapist_of(play(bo()))[4:7]))


@pytest.mark.parametrize("exchanges", [3, 10, 30])
def test_nobody_says_the_same_twice(exchanges: int) -> None:
    for said in (therapist_of(t := play(bo(), "expert", exchanges=exchanges)), client_of(t)):
        long = [text for text in said if len(text.split()) > 8]
        assert len(set(long)) == len(long)


def test_an_expert_reflects_more_and_asks_more_openly_than_a_novice() -> None:
    novice, expert = (
        sum(session_behaviours(play(bo(), skill, seed=s))["reflection_share"] for s in range(8)) / 8
        for skill in ("novice", "expert")
    )
    assert expert > novice + 0.3
    assert expert > 0.6


def test_a_novice_advises_until_guidance_names_it() -> None:
    unguided = [session_behaviours(play(bo(), "novice", seed=s))["advice_share"] for s in range(8)]
    told = ("Hold back advice until the problem is understood.",)
    guided = [
        session_behaviours(play(bo(), "novice", seed=s, guidance=told))["advice_share"]
        for s in range(8)
    ]
    assert max(unguided) > 0
    assert max(guided) == 0


def test_a_statement_of_risk_is_made_and_handled() -> None:
    found = episodes(play(ines(**AT_RISK), "expert"))
    assert found
    assert all(episode.handled for episode in found)


def test_a_novice_may_pass_over_risk_and_asks_once_guided() -> None:
    item = ines(**AT_RISK)
    passed_over = [
        seed for seed in range(12)
        if not all(e.handled for e in episodes(play(item, "novice", seed=seed)))
    ]  # fmt: skip
    assert passed_over
    told = ("Do not ignore risk: ask directly about suicide and offer a crisis line.",)
    mended = episodes(play(item, "novice", seed=passed_over[0], guidance=told))
    assert all(episode.handled for episode in mended)


def test_nobody_without_risk_speaks_of_harm() -> None:
    for seed in range(6):
        assert not episodes(play(bo(), seed=seed))


def test_the_reserved_say_less_than_the_verbose() -> None:
    reserved, verbose = (
        sum(len(text.split()) for text in client_of(play(bo(style=style))))
        for style in (Style.RESERVED, Style.VERBOSE)
    )
    assert reserved < 0.7 * verbose


@pytest.mark.parametrize("model", ["understudy-client", "understudy-therapist:novice"])
@pytest.mark.parametrize("system", ["", "You are a kind helper. Answer briefly."])
def test_a_prompt_that_is_not_ours_gets_a_short_answer_in_role(model: str, system: str) -> None:
    first = [Message("system", system)] if system else []
    messages = (*first, Message("user", "I argued with my boss and feel awful."))
    text = answer(ChatRequest(messages, model, seed=1))
    assert 2 < len(text.split()) < 60


@pytest.mark.parametrize("odd", ["{name} {{ x }}", "…", "???", "\n\n", "[The session begins.]"])
def test_odd_turns_do_no_harm(odd: str) -> None:
    for model in ("understudy-client", "understudy-therapist"):
        assert answer(ChatRequest((Message("user", odd),), model, seed=1))
