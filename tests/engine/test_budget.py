from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from domain.call import CallKey, CallResult, CallRow, Outcome, Reservation, Role, Usage
from domain.errors import BudgetReachedError
from domain.price import PICO, Price
from domain.settings import BudgetSettings
from engine.spending.budget import (
    NO_LIMIT,
    NOTHING,
    PROMPT_MARGIN,
    Spend,
    at_most,
    cost_of,
    limits_of,
    money,
    reached,
    refuse_spent,
    tokens_of,
)
from engine.spending.purse import Purse
from engine.spending.wallet import Terms, Wallet

if TYPE_CHECKING:
    from collections.abc import Callable

PRICE = Price(prompt=1.0, cached=0.1, completion=4.0)


def key(step: int, session: str = "session-1") -> CallKey:
    return CallKey(session=session, draft=0, step=step, attempt=0)


def wanted(step: int, session: str = "session-1", size: int = 100) -> Reservation:
    return Reservation(key(step, session), Role.CLIENT, "m", size, 50)


def returned(call: Reservation, prompt: int, completion: int, cached: int = 0) -> CallRow:
    usage = Usage(prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached)
    return CallRow(
        key=call.key,
        role=call.role,
        endpoint="",
        request_hash="",
        request=b"x" * call.request_bytes,
        result=CallResult(outcome=Outcome.OK, text="y", usage=usage),
    )


@pytest.mark.parametrize(
    ("result", "tokens"),
    [
        (CallResult(outcome=Outcome.OK, text="y" * 8, usage=Usage(prompt_tokens=3)), 3),
        (CallResult(outcome=Outcome.OK, text="y" * 8), 12),
        (CallResult(outcome=Outcome.TRUNCATED, reasoning="y" * 9), 13),
        (CallResult(outcome=Outcome.RATE_LIMITED), 0),
        (CallResult(outcome=Outcome.CONNECTION), 0),
        (CallResult(outcome=Outcome.CONNECTION, lost=True), 10),
    ],
    ids=["reported", "estimated", "rounded up", "never answered", "never sent", "sent and lost"],
)
def test_tokens_are_as_reported_or_estimated(result: CallResult, tokens: int) -> None:
    row = CallRow(
        key=key(0), role=Role.CLIENT, endpoint="", request_hash="", request=b"x" * 40, result=result
    )
    assert tokens_of(row) == tokens
    assert cost_of(row, PRICE).tokens == tokens


def test_a_call_is_priced_with_its_cached_tokens_apart() -> None:
    row = returned(wanted(0), 1000, 100, cached=800)
    assert cost_of(row, PRICE) == Spend(1, 1100, (200 + 80 + 400) * PICO // 10**6)
    assert cost_of(row, None) == Spend(1, 1100, 0)


def test_no_call_can_cost_more_than_is_set_aside() -> None:
    call = wanted(0)
    worst = returned(call, call.request_bytes + PROMPT_MARGIN, call.max_tokens)
    assert cost_of(worst, PRICE) == at_most(call, PRICE)
    writing = Price(prompt=1.0, cached=0.1, completion=4.0, written=1.25)
    assert cost_of(worst, writing) == at_most(call, writing)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (BudgetSettings(calls=5), "5 calls spent"),
        (BudgetSettings(tokens=9000), "1,000 tokens spent"),
        (BudgetSettings(usd=2.5), "$0.40 spent, and the next call could cost up to $0.001"),
    ],
)
def test_the_message_names_what_is_limited(budget: BudgetSettings, said: str) -> None:
    error = reached(limits_of(budget), Spend(5, 1000, 4 * PICO // 10), Spend(1, 300, PICO // 1000))
    assert said in error.fields()["got"]
    assert "1 call" not in error.fields()["got"]
    assert "resume RUN --budget" in error.fields()["mend"]


def test_of_several_limits_only_the_one_that_is_reached_is_named_and_as_it_was_given() -> None:
    limits = limits_of(BudgetSettings(calls=300, tokens=5_000_000, usd=0.135))
    error = reached(limits, Spend(200, 90_000, 134 * PICO // 1000), Spend(1, 300, PICO // 100))
    assert error.what == "the budget is reached: $0.135"
    assert error.fields()["expected"] == "at most $0.135"
    assert error.fields()["got"] == "$0.134 spent, and the next call could cost up to $0.01"
    assert error.mend.count("--budget") == 1
    error = reached(limits, Spend(300, 90_000, 1), Spend(1, 300, 1))
    assert (error.fields()["expected"], error.fields()["got"]) == (
        "at most 300 calls",
        "300 calls spent",
    )


def test_nothing_left_is_said_before_anything_starts() -> None:
    with pytest.raises(BudgetReachedError):
        refuse_spent(limits_of(BudgetSettings(calls=5)), Spend(calls=7))
    refuse_spent(limits_of(BudgetSettings()), Spend(10**9, 10**12, 10**18))


def test_a_large_budget_is_a_budget() -> None:
    """Ten million dollars are 10^19 picodollars, more than a machine's integer holds."""
    limits = limits_of(BudgetSettings(usd=1e7))
    with pytest.raises(BudgetReachedError, match=r"10,000,000"):
        refuse_spent(limits, Spend(pico=10**7 * PICO))
    assert limits.pico < NO_LIMIT


def test_money_is_said_with_as_many_digits_as_it_needs() -> None:
    amounts = [0, PICO * 1234, PICO // 100, PICO // 3000, PICO // 10**6]
    assert [money(amount) for amount in amounts] == [
        "$0.00",
        "$1,234.00",
        "$0.01",
        "$0.00033",
        "$1.0e-06",
    ]


class Run:
    """Wallets that share a purse, as a steward and its workers do, without the time between."""

    def __init__(self, budget: BudgetSettings, wallets: int, before: Spend = NOTHING) -> None:
        self.limits = limits_of(budget)
        self.purse = Purse(self.limits, before)
        self.wallets = {n: Wallet() for n in range(1, wallets + 1)}
        self.in_flight = self.most_in_flight = 0

    def exchange(self, number: int) -> None:
        wallet = self.wallets[number]
        wallet.agree(Terms({"client": PRICE}, self.purse.limited, None, None))
        wallet.receive(self.purse.answer(number, wallet.account()))

    async def report(self) -> None:
        while True:
            for number in list(self.wallets):
                self.exchange(number)
            await asyncio.sleep(0)

    async def play(
        self, number: int, session: str, calls: int, cost: Callable[[Reservation], CallRow]
    ) -> int:
        """Make calls until the budget is reached; return how many."""
        wallet = self.wallets[number]
        for step in range(calls):
            call = wanted(step, session, size=100 + 10 * step)
            try:
                await wallet.permit(call)
            except BudgetReachedError:
                return step
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            await asyncio.sleep(0)
            wallet.settle(cost(call))
            self.in_flight -= 1
        return calls

    async def all(self, cost: Callable[[Reservation], CallRow], sessions: int, calls: int) -> int:
        reporting = asyncio.create_task(self.report())
        numbers = list(self.wallets)
        made = await asyncio.gather(
            *(
                self.play(numbers[n % len(numbers)], f"session-{n}", calls, cost)
                for n in range(sessions)
            )
        )
        reporting.cancel()
        return sum(made)


def greedy(call: Reservation) -> CallRow:
    return returned(call, call.request_bytes + PROMPT_MARGIN, call.max_tokens)


def modest(call: Reservation) -> CallRow:
    return returned(call, call.request_bytes // 4, 10)


@pytest.mark.parametrize("wallets", [1, 3])
@pytest.mark.parametrize("cost", [greedy, modest], ids=["all of it", "little of it"])
@pytest.mark.parametrize(
    "budget",
    [BudgetSettings(calls=83), BudgetSettings(tokens=30_000), BudgetSettings(usd=0.03)],
    ids=["calls", "tokens", "usd"],
)
async def test_nothing_is_overspent_and_little_is_left(
    budget: BudgetSettings, cost: Callable[[Reservation], CallRow], wallets: int
) -> None:
    run = Run(budget, wallets)
    made = await run.all(cost, sessions=24, calls=60)
    spent, dearest = run.purse.spent, at_most(wanted(59, size=700), PRICE)
    assert 0 < made < 24 * 60
    assert spent.fits(run.limits)
    assert not (spent + dearest).fits(run.limits)
    assert made == spent.calls


async def test_a_budget_that_is_large_enough_stops_nobody() -> None:
    run = Run(BudgetSettings(calls=200, tokens=10**6, usd=10), 2)
    assert await run.all(modest, sessions=10, calls=20) == 200


async def test_what_was_spent_before_counts() -> None:
    run = Run(BudgetSettings(calls=50), 2, before=Spend(calls=30))
    assert await run.all(modest, sessions=10, calls=20) == 20


async def test_an_endpoint_that_ignores_its_limit_overspends_by_what_is_in_flight() -> None:
    """Each call costs three times what was set aside: after the first ones it is believed."""

    def wild(call: Reservation) -> CallRow:
        most = at_most(call, None).tokens
        return returned(call, 3 * most, 0)

    run = Run(BudgetSettings(tokens=40_000), 1)
    await run.all(wild, sessions=8, calls=40)
    assert run.purse.spent.tokens <= 40_000 + 8 * 2 * at_most(wanted(0), None).tokens


async def test_what_a_dead_worker_held_is_free_again() -> None:
    run = Run(BudgetSettings(calls=10), 2)
    dead = run.wallets[1]
    run.exchange(1)
    first = asyncio.create_task(dead.permit(wanted(0)))
    await asyncio.sleep(0)
    run.exchange(1)
    await first
    del run.wallets[1]
    run.purse.leave(1, Spend(calls=1))
    assert await run.all(modest, sessions=3, calls=20) == 9


async def test_a_call_that_is_cancelled_in_line_is_not_charged() -> None:
    run = Run(BudgetSettings(calls=5), 1)
    wallet = run.wallets[1]
    run.exchange(1)
    waiting = asyncio.create_task(wallet.permit(wanted(0)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await run.all(modest, sessions=3, calls=20) == 5


async def test_after_the_deadline_no_call_is_made() -> None:
    wallet = Wallet()
    wallet.agree(Terms({}, limited=False, deadline_s=60, seconds_left=0.0))
    with pytest.raises(BudgetReachedError, match="deadline"):
        await wallet.permit(wanted(0))


async def test_calls_in_line_hear_that_the_time_is_over() -> None:
    wallet = Wallet()
    wallet.agree(Terms({}, limited=True, deadline_s=60, seconds_left=0.01))
    waiting = asyncio.create_task(wallet.permit(wanted(0)))
    await asyncio.sleep(0.02)
    wallet.beat()
    with pytest.raises(BudgetReachedError, match="deadline"):
        await waiting


async def test_random_costs_never_exceed_the_budget() -> None:
    for seed in range(30):
        dice = random.Random(seed)

        def rolled(call: Reservation, dice: random.Random = dice) -> CallRow:
            most = call.request_bytes + PROMPT_MARGIN
            return returned(call, dice.randrange(most + 1), dice.randrange(call.max_tokens + 1))

        budget = BudgetSettings(tokens=dice.randrange(1, 60_000))
        run = Run(budget, dice.randrange(1, 5))
        await run.all(rolled, sessions=dice.randrange(1, 20), calls=40)
        assert run.purse.spent.fits(run.limits), seed
