"""What a run says of itself: a budget that would suffice, a pause, and why it stands still."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domain.endpointstate import EndpointState, PauseState, Phase
from domain.errors import BudgetReachedError
from domain.runfolder import RunFolder
from domain.settings import BudgetSettings, CampaignSettings, Settings
from engine.live import LiveState, Sample, Survey
from rehearsal.course import Foretelling, is_paused, named, paused
from rehearsal.enough import enough_by

if TYPE_CHECKING:
    from pathlib import Path


def within(**budget: int) -> CampaignSettings:
    return CampaignSettings(budget=BudgetSettings(**budget))


def live(tokens: int, **changes: object) -> LiveState:
    """Thirty of sixty sessions, each of ten calls of a hundred tokens."""
    made = ((0, 0, 0), *(((30, 30 * tokens, 0),) * 10))
    whole = Sample(n=30, sums=(300, 300 * tokens, 0), squares=(3000, 30 * (10 * tokens) ** 2, 0))
    state = LiveState(
        host="here",
        clock_s=0,
        seconds=9,
        planned=60,
        finished={"accepted": 30},
        spent=(300, 300 * tokens, 0),
        survey=Survey(
            made=made,
            ended=(*(0,) * 10, 30),
            playing=(0,) * 11,
            whole=(*(Sample(),) * 10, whole),
        ),
    )
    return state.model_copy(update=changes)


def test_a_budget_that_suffices_is_worked_out_from_the_forecast() -> None:
    state = live(100)
    assert enough_by(state, within(tokens=31_000)) == " --budget 63000tok"
    assert enough_by(state, within(tokens=31_000, calls=5000)) == " --budget 63000tok"
    both = enough_by(state, within(tokens=31_000, calls=300))
    assert both == " --budget 630calls --budget 63000tok"
    few = state.model_copy(update={"finished": {"accepted": 3}, "survey": Survey()})
    assert enough_by(few, within(tokens=31_000)) == " --budget 62000tok"


def under_way() -> LiveState:
    """One of 41 sessions finished, after ten calls; forty have made seven each."""
    survey = Survey(
        made=((0, 0, 0), *(((41, 4100, 0),) * 7), *(((1, 100, 0),) * 3)),
        ended=(*(0,) * 10, 1),
        playing=(*(0,) * 7, 40),
    )
    found = {"planned": 41, "finished": {"accepted": 1}, "spent": (290, 29_000, 0)}
    return live(100, survey=survey, **found)


def test_sessions_under_way_are_counted_as_far_as_they_have_come() -> None:
    """All that was spent, divided by the one that had finished, was thirty times too much."""
    state, limits = under_way(), within(calls=300, tokens=5_000_000)
    (option,) = enough_by(state, limits, "the budget is reached: 300 calls").split(" --budget ")[1:]
    assert 410 < int(option.removesuffix("calls")) < 820


def test_where_several_are_limited_only_what_was_reached_is_asked_for() -> None:
    limits = within(calls=5000, tokens=29_500)
    said = enough_by(under_way(), limits, "the budget is reached: 29,500 tokens")
    assert said.count("--budget") == 1
    assert said.endswith("tok")


def test_where_none_has_ended_a_session_is_as_long_as_it_may_be() -> None:
    survey = Survey(made=((0, 0, 0), *(((40, 4000, 0),) * 7)), playing=(*(0,) * 7, 40))
    state = live(100, survey=survey, planned=40, finished={}, spent=(280, 28_000, 0))
    limits = within(calls=280)
    whole = 40 * (2 * limits.exchanges + 1) * (1 + limits.revisions)
    (option,) = enough_by(state, limits, "280 calls").split(" --budget ")[1:]
    assert whole <= int(option.removesuffix("calls")) <= 1.1 * whole


def test_a_mend_keeps_its_words_where_nothing_is_known(tmp_path: Path) -> None:
    error = BudgetReachedError("x", mend="`rehearsal campaign resume RUN --budget 9tok`; fine")
    folder = RunFolder(tmp_path / "none")
    told = named(error, folder, Settings.model_validate({"name": "x"}))
    assert told.mend == f'`rehearsal campaign resume "{folder.root}" --budget 9tok`; fine'


AWAY = EndpointState(
    base_url="http://127.0.0.1:9/v1",
    phase=Phase.PAUSED,
    limit=1,
    ceiling=8,
    in_flight=0,
    waiting=8,
    answered=3,
    refused=0,
    refused_share=0.0,
    latency_ms=None,
    unloaded_ms=None,
    pause=PauseState(why="connection refused", since_s=60, probe_in_s=8),
)


def test_a_pause_says_when_the_run_gives_up() -> None:
    assert paused(AWAY, 1800) == (
        "paused for 60 s: connection refused; next try in 8 s; "
        "gives up in 29 min (patience_s: 1800)"
    )
    assert "gives up" not in paused(AWAY, None)
    assert "patience_s (20, at least 60) is over" in paused(AWAY, 20)
    soon = AWAY.pause.model_copy(update={"since_s": 50}) if AWAY.pause else None
    later = AWAY.model_copy(update={"pause": soon})
    assert "gives up in 10 s (patience_s: 20, at least 60)" in paused(later, 20)
    far = AWAY.pause.model_copy(update={"since_s": 58, "probe_in_s": 5}) if AWAY.pause else None
    last = AWAY.model_copy(update={"pause": far})
    assert paused(last, 20).endswith(
        "; last try in 2 s, then the run gives up (patience_s: 20, at least 60)"
    )


def test_a_wait_that_the_endpoint_asks_for_is_shown_as_that() -> None:
    asked = PauseState(why="", since_s=30, probe_in_s=3570, asked_s=86370)
    held = AWAY.model_copy(update={"phase": Phase.HELD, "pause": asked})
    assert is_paused(held)
    said = paused(held, 1800)
    assert re.fullmatch(
        r"held for 30 s; the endpoint asks to wait until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d "
        r"\(86,370 s\); next try would be in 60 min; the run gives up before, in 30 min "
        r"\(patience_s: 1800\)",
        said,
    )
    for far in (1e10, 1e300):
        never = asked.model_copy(update={"asked_s": far})
        assert "asks to wait 1e" in paused(held.model_copy(update={"pause": never}), None)
    brief = asked.model_copy(update={"since_s": 1, "probe_in_s": 2, "asked_s": 2})
    assert not is_paused(held.model_copy(update={"pause": brief})), "it comes and goes"


def test_a_run_that_stands_still_says_why(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.live.write_text(live(100, endpoints=(AWAY,)).model_dump_json())
    said: list[str] = []
    settings = Settings.model_validate(
        {"name": "x", "endpoint": {"base_url": AWAY.base_url, "patience_s": 90}}
    )
    foretelling = Foretelling(lambda *step: said.append(step[3]), folder, settings)
    foretelling.beat()
    assert not said, "nothing has begun"
    foretelling("sessions", 30, 60)
    foretelling.beat()
    assert [text.partition("gives up")[2] for text in said] == [" in 30 s (patience_s: 90)"] * 2
    foretelling("sessions", 60, 60)
    foretelling.beat()
    assert len(said) == 3


def test_where_only_first_calls_were_made_those_that_follow_are_taken_to_be_dearer() -> None:
    survey = Survey(made=((0, 0, 0), (4, 400, 0)), playing=(0, 4))
    state = live(100, survey=survey, planned=12, finished={}, spent=(4, 400, 0))
    limits = within(tokens=400)
    length = (2 * limits.exchanges + 1) * (1 + limits.revisions)
    least = 12 * (100 + 150 * (length - 1))
    (option,) = enough_by(state, limits, "400 tokens").split(" --budget ")[1:]
    assert float(option.removesuffix("tok")) >= least


def test_where_none_has_ended_calls_grow_dearer_as_they_have_so_far() -> None:
    """The mean of the calls made so far was a quarter too little of what was needed."""
    made = [(0, 0, 0), *((40, 40 * 100 * number, 0) for number in range(1, 8))]
    survey = Survey(made=tuple(made), playing=(*(0,) * 7, 40))
    spent = (280, sum(tokens for _, tokens, _ in made), 0)
    state = live(100, survey=survey, planned=40, finished={}, spent=spent)
    limits = within(tokens=spent[1])
    length = (2 * limits.exchanges + 1) * (1 + limits.revisions)
    whole = 40 * 100 * length * (length + 1) // 2
    (option,) = enough_by(state, limits, f"{spent[1]:,} tokens").split(" --budget ")[1:]
    assert whole <= float(option.removesuffix("Mtok")) * 1e6 <= 1.1 * whole


def test_a_resume_that_made_no_call_does_not_ask_for_less_than_calls_will_grow_to() -> None:
    """It knows what the calls before it cost in all, and no longer which came when."""
    spent = (280, 280 * 400, 0)
    survey = Survey(made=((0, 0, 0),) * 8, playing=(*(0,) * 7, 40))
    state = live(100, survey=survey, planned=40, finished={}, spent=spent)
    limits = within(tokens=spent[1])
    length = (2 * limits.exchanges + 1) * (1 + limits.revisions)
    (option,) = enough_by(state, limits, f"{spent[1]:,} tokens").split(" --budget ")[1:]
    assert float(option.removesuffix("Mtok")) * 1e6 >= spent[1] + 40 * 800 * (length - 7)
