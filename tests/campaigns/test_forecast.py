from __future__ import annotations

from itertools import accumulate
from operator import mul

import numpy as np
import pytest
from scipy.stats import CensoredData, ecdf

from campaigns.forecast import CALLS, Forecast, curve_of, forecast, student
from campaigns.forecast import PICO as PICOS
from domain.price import PICO
from engine.live import LiveState, survey_of
from engine.spending.budget import Spend
from engine.spending.cohort import Cohort
from tests.support.manycampaigns import Seen, campaign

CAMPAIGNS = 200


@pytest.mark.parametrize(
    ("sessions", "in_flight", "shares", "seed"),
    [
        (200, 32, (0.25, 0.5, 0.75), 1),
        pytest.param(1000, 64, (0.1, 0.25, 0.5, 0.75), 2, marks=pytest.mark.slow),
        pytest.param(1000, 256, (0.5, 0.75), 3, marks=pytest.mark.slow),
    ],
)
def test_nine_in_ten_intervals_hold(
    sessions: int, in_flight: int, shares: tuple[float, ...], seed: int
) -> None:
    """Of tokens and of calls, as often as they say; and they are not off to one side."""
    random = np.random.default_rng(seed)
    found: dict[float, list[tuple[Forecast, Seen]]] = {share: [] for share in shares}
    for _ in range(CAMPAIGNS):
        for share, seen in zip(shares, campaign(random, sessions, in_flight, shares), strict=True):
            foretold = forecast(seen.live)
            if foretold is not None:
                found[share].append((foretold, seen))
    for share, pairs in found.items():
        assert len(pairs) >= 0.9 * CAMPAIGNS, share
        tokens = [one.tokens.low <= seen.tokens <= one.tokens.high for one, seen in pairs]
        calls = [one.calls.low <= seen.calls <= one.calls.high for one, seen in pairs]
        off = [one.tokens.expected / seen.tokens - 1 for one, seen in pairs]
        assert 0.85 <= np.mean(tokens) <= 0.97, share
        assert 0.85 <= np.mean(calls) <= 0.97, share
        assert abs(np.mean(off)) <= 0.02, share


def test_the_curve_is_kaplan_and_meiers() -> None:
    """As scipy has it, of sessions of which every third is still being played."""
    random = np.random.default_rng(5)
    lengths = random.integers(5, 15, 300)
    made = np.where(np.arange(300) % 3 == 0, random.integers(1, lengths), lengths)
    cohort = Cohort()
    for number, (length, calls) in enumerate(zip(lengths, made, strict=True)):
        play(cohort, str(number), int(calls), ends=calls == length)
    curve = curve_of(survey_of(cohort.progress().course))
    assert curve is not None
    going = list(accumulate((1 - chance for chance in curve.ends[:-1]), mul))
    playing = made < lengths
    known = ecdf(CensoredData(uncensored=made[~playing], right=made[playing])).sf
    assert going == pytest.approx(known.evaluate(np.arange(1, len(going) + 1)))


def test_without_anything_under_way_it_is_the_interval_of_a_sum() -> None:
    """Forty sessions of 9 or 11 calls: sixty more come to 600, give or take what they scatter."""
    cohort = Cohort()
    for number in range(40):
        play(cohort, str(number), 9 if number % 2 else 11, ends=True)
    found = forecast(live(cohort, 100))
    assert found is not None
    assert found.calls.expected == pytest.approx(1000)
    give = student(39) * (1.0 * 60 * (1 + 60 / 40)) ** 0.5
    assert found.calls.high - found.calls.expected == pytest.approx(give)
    assert found.usd.expected == pytest.approx(1000)
    assert found.seconds_left is not None
    assert found.seconds_left.expected == pytest.approx(60)


def test_what_is_free_is_foretold_as_free() -> None:
    cohort = Cohort()
    for number in range(40):
        play(cohort, str(number), 9 if number % 2 else 11, ends=True, pico=0)
    found = forecast(live(cohort, 100))
    assert found is not None
    assert (found.usd.low, found.usd.high) == (0, 0)


def test_calls_that_cost_nothing_foretell_nothing_of_what_the_rest_will_cost() -> None:
    """Players of one's own and a paid supervisor: most ended before its first call."""
    cohort = Cohort()
    for number in range(25):
        play(cohort, str(number), 3, ends=True, pico=0)
    for number in range(25, 30):
        play(cohort, str(number), 17, ends=False, pico=0)
        pay(cohort, str(number), 1)
    found = forecast(live(cohort, 100))
    assert found is not None
    assert found.usd.low <= found.usd.expected <= found.usd.high


def test_sessions_that_an_earlier_run_began_are_seen_from_where_they_were() -> None:
    cohort = Cohort()
    for number in range(40):
        cohort.begin(str(number))
        for _ in range(4):
            cohort.recalled(str(number))
        pay(cohort, str(number), 6)
        cohort.finish(str(number), "accepted")
    course = cohort.progress().course
    assert [made.calls for made in course.made] == [0] * 5 + [40] * 6
    assert course.ended[10] == 40
    assert not any(moments.n for moments in course.whole)
    assert sum(course.playing) == 0


def resumed(sessions_begun_here: int) -> Cohort:
    """Thirty that an earlier run had brought to their 12th call end; as many begin as are told."""
    cohort = Cohort()
    for number in range(30):
        cohort.begin(str(number))
        for _ in range(12):
            cohort.recalled(str(number))
        pay(cohort, str(number), 6)
        cohort.finish(str(number), "accepted")
    for number in range(sessions_begun_here):
        play(cohort, f"new {number}", 18, ends=True)
    for number in range(10):
        play(cohort, f"young {number}", 3, ends=False)
    return cohort


def test_after_a_resume_nothing_is_foretold_of_calls_that_this_run_has_not_seen() -> None:
    """They would be counted as free: the first forecasts were half of what it came to."""
    assert forecast(live(resumed(0), 200)) is None
    assert forecast(live(resumed(4), 200)) is None
    found = forecast(live(resumed(20), 200))
    assert found is not None
    paid = 30 * 6 + 20 * 18 + 10 * 3
    assert found.calls.expected == pytest.approx(paid + 10 * 15 + 140 * 18)


def test_two_workers_add_up_and_what_was_left_is_still_to_come() -> None:
    one, other = Cohort(), Cohort()
    play(one, "a", 3, ends=True)
    play(other, "b", 5, ends=False)
    other.leave("b")
    both = one.progress() + other.progress()
    assert both.in_flight == 0
    assert both.course.ended == (0, 0, 0, 1, 0, 0)
    assert both.course.playing == (0, 0, 0, 0, 0, 1)
    assert [made.calls for made in both.course.made] == [0, 2, 2, 2, 1, 1]


def test_too_few_sessions_foretell_nothing() -> None:
    cohort = Cohort()
    for number in range(19):
        play(cohort, str(number), 10, ends=True)
    assert forecast(live(cohort, 100)) is None


def test_nothing_is_foretold_while_half_the_curve_is_unseen() -> None:
    """Twenty short sessions have ended, and a hundred that may be long are being played."""
    cohort = Cohort()
    for number in range(120):
        play(cohort, str(number), 10, ends=number < 20)
    assert forecast(live(cohort, 200)) is None


@pytest.mark.parametrize(("freedom", "t"), [(4, 2.132), (9, 1.833), (30, 1.697), (1000, 1.646)])
def test_students_t_is_as_in_the_tables(freedom: int, t: float) -> None:
    assert student(freedom) == pytest.approx(t, abs=0.0005)


def play(cohort: Cohort, name: str, calls: int, *, ends: bool, pico: int = PICO) -> None:
    cohort.begin(name)
    pay(cohort, name, calls, pico)
    if ends:
        cohort.finish(name, "accepted")


def pay(cohort: Cohort, name: str, calls: int, pico: int = PICO) -> None:
    for _ in range(calls):
        cohort.paid(name, Spend(1, 100, pico), "ok")


def live(cohort: Cohort, planned: int) -> LiveState:
    progress = cohort.progress()
    survey = survey_of(progress.course)
    calls = sum(made[CALLS] for made in survey.made)
    return LiveState(
        host="", clock_s=0, seconds=10, planned=planned, finished=dict(progress.finished),
        spent=(calls, 100 * calls, sum(made[PICOS] for made in survey.made)),
        survey=survey, calls_per_second=10,
    )  # fmt: skip
