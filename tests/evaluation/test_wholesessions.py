from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from corpus.files import read_nouns, write_nouns
from domain.comparison import Comparison
from domain.played import PlayedSession
from domain.session import StopReason
from domain.turn import Speaker, Turn
from domain.verdict import Protocol, Verdict
from evaluation.pairwise import summed
from evaluation.report import write_all
from evaluation.scores import scores_of
from evaluation.wholesessions import session_extremes, session_summary
from tests.evaluation.invented_run import make_run, summed_up

if TYPE_CHECKING:
    from pathlib import Path

ITEMS = ("ctrs_understanding", "ctrs_interpersonal", "ctrs_collaboration")
LEVELS = {"base": 2.0, "real": 3.0, "hybrid": 3.6}


def played(count: int = 8) -> list[PlayedSession]:
    turns = (
        Turn(index=0, speaker=Speaker.THERAPIST, text="What brings you here today?"),
        Turn(index=1, speaker=Speaker.CLIENT, text="I cannot sleep."),
    )
    return [
        PlayedSession(
            scenario_id=f"session-{number}",
            variant=variant,
            persona_id=f"persona-{number}",
            plan_scenario_id="s",
            problem="insomnia",
            technique="sleep_diary",
            style="plain",
            turns=turns,
            stop_reason=StopReason.AGREED_END,
        )
        for number in range(count)
        for variant in LEVELS
    ]


def verdicts(sessions: list[PlayedSession]) -> list[Verdict]:
    """Two judges on three items."""
    draw = random.Random(3)
    return [
        Verdict(
            protocol=Protocol.SESSION,
            scenario_id=one.scenario_id,
            variant=one.variant,
            criterion=item,
            judge=judge,
            score=round(min(5, max(1, draw.gauss(LEVELS[one.variant], 0.7)))),
            reason="It asks before it tells.",
            call=f"case-{number}",
        )
        for number, one in enumerate(sessions)
        for item in ITEMS
        for judge in ("one", "two")
    ]


def test_what_a_panel_says_of_one_answer_is_its_mean() -> None:
    said = [
        Verdict(scenario_id="x", variant="base", criterion="c", judge=judge, score=score, call="")
        for judge, score in (("one", 2), ("two", 5), ("three", None))
    ]
    assert scores_of(said) == {("base", "c"): {"x": 3.5}}


def test_sessions_of_one_persona_are_one_witness() -> None:
    sessions = played()
    shared = [one.model_copy(update={"persona_id": "persona"}) for one in sessions]
    apart = session_summary(sessions, verdicts(sessions), samples=200, seed=1)
    together = session_summary(shared, verdicts(sessions), samples=200, seed=1)
    assert apart is not None
    assert together is not None
    assert {one.groups for one in apart.differences} == {8}
    assert {one.n for one in apart.means} == {8}  # two judges are no two sessions
    assert {one.p for one in together.differences} == {None}
    assert session_summary(sessions, [], samples=200, seed=1) is None


def test_the_best_and_the_worst_session_are_shown_with_the_judges_words() -> None:
    sessions = played()
    found = session_extremes(sessions, verdicts(sessions))
    assert [one.variant for one in found] == ["base", "real", "hybrid"]
    first = found[0].picks[0]
    assert first.mean == max(pick.mean for pick in found[0].picks)
    assert first.asked == "insomnia, sleep diary, plain, 1 turns"
    assert first.said.reasons[ITEMS[0]] == "It asks before it tells."


def comparison(number: int, forward: str, backward: str) -> Comparison:
    return Comparison(
        scenario_id=f"x{number}", criterion="empathy", one="hybrid", other="base", judge="one",
        forward=forward, backward=backward,
    )  # fmt: skip


def test_a_preference_that_turns_with_the_order_is_a_tie() -> None:
    said = [comparison(n, "hybrid", "hybrid") for n in range(6)]
    said += [comparison(6, "hybrid", "base"), comparison(7, "tie", "tie")]
    said += [comparison(8, "", "").model_copy(update={"failure": "no answer"})]
    found = summed(said, {f"x{n}": f"s{n}" for n in range(9)})
    assert found is not None
    assert (found.comparisons, found.failures, found.swapped, found.ties) == (8, 1, 1, 1)
    strength = {one.variant: one for one in found.strengths}
    assert strength["hybrid"].strength == pytest.approx(-strength["base"].strength)
    assert strength["hybrid"].low > 0
    assert summed([], {}) is None


def test_the_page_shows_sessions_and_comparisons(tmp_path: Path) -> None:
    settings, folder = make_run(tmp_path, scenarios=8)
    sessions, path = played(), folder.evaluation / "verdicts.jsonl"
    write_nouns(folder.evaluation / "sessions.jsonl", sessions)
    write_nouns(path, [*read_nouns(path, Verdict), *verdicts(sessions)])
    scenarios = sorted({one.scenario_id for one in read_nouns(path, Verdict)
                        if one.protocol is Protocol.REPLY})  # fmt: skip
    pairs = [comparison(0, "hybrid", "hybrid").model_copy(update={"scenario_id": name})
             for name in scenarios]  # fmt: skip
    write_nouns(folder.evaluation / "pairwise.jsonl", pairs)
    summed_up(folder, comparisons=len(pairs))
    written = write_all(settings, folder)
    html = written.page.read_text(encoding="utf-8")
    assert 'id="figure-radar"' in html
    assert "the best, the median and the worst session" in html
    assert f"{len(pairs)} comparisons by the judge" in html
    assert (written.figures / "radar.csv").is_file()
