"""What sessions cost: tokens and money, what a prefix cache could serve, what rewinding saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaigns.begun import begun_plan
from campaigns.labels import status_of
from campaigns.spending import payers, spent_on_casting
from domain.base import Noun
from domain.call import UNANSWERED, Outcome, Role
from domain.price import dollars
from domain.session import Session, Status
from engine.ledger.delta import common_prefix
from engine.ledger.store import Store
from engine.spending.budget import NOTHING, cost_of, counted
from engine.spending.prices import tariff

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domain.call import CallRow
    from domain.price import Price
    from domain.runfolder import RunFolder
    from domain.session import Draft
    from domain.settings import Settings
    from engine.spending.budget import Spend

AT_MOST = 200
"""Sessions that a bill looks at, evenly over the plan: each is read call by call."""

_UNSEEN = UNANSWERED | {Outcome.TIMEOUT}
"""Outcomes of requests that no cache is known to have kept."""
_SPOKEN = frozenset({Role.CLIENT, Role.THERAPIST})


class SessionBill(Noun):
    """One session's cost."""

    session: str
    calls: int
    tokens: int
    estimated_tokens: int
    """Those of `tokens` that no endpoint reported."""
    usd: float
    prompt_tokens: int
    cacheable_tokens: float
    """Prompt tokens that stand, byte for byte, at the beginning of the session's previous request
    for the same role: what a prefix cache could serve, blocks and expiry aside."""
    shared_tokens: float
    """The same, where the role's first request begins as another session's does."""
    saved_tokens: int
    """What playing again from the start would have cost beyond this: the calls, as they were made,
    of the turns that rewinds kept."""
    saved_usd: float


class Bill(Noun):
    """The accepted sessions' cost, over those that were looked at."""

    accepted: int
    looked_at: int
    priced: bool
    """Whether every role's model has a price."""
    tokens_each: float = 0.0
    """Of an accepted session's own calls."""
    estimated_tokens_each: float = 0.0
    """Those of `tokens_each` that no endpoint reported."""
    usd_each: float = 0.0
    spent_tokens_each: float = 0.0
    """All that the campaign spent, on its cast and on sessions that were not accepted too, for each
    accepted one: `tokens_per_accepted` of a status."""
    spent_usd_each: float = 0.0
    cacheable_share: float = 0.0
    """Of all prompt tokens."""
    cacheable_least: float = 0.0
    """Of the session with the smallest share."""
    shared_share: float = 0.0
    """Of all prompt tokens, counting what a session's first requests share with another's: their
    system prompts."""
    rewound: int = 0
    """Sessions with a rewind."""
    saved_share: float = 0.0
    """Of what the rewound sessions would have cost, had each revision begun at the start."""
    saved_tokens_each: float = 0.0
    """Per rewound session."""
    saved_usd_each: float = 0.0


def bill_of(folder: RunFolder, settings: Settings, at_most: int = AT_MOST) -> Bill:
    """Add up what the accepted sessions cost.

    Raises:
        ConfigError: There is no campaign.
        StoreError: The plan or the ledger is damaged.
    """
    plan = begun_plan(folder)
    store, prices = Store(folder.ledger), tariff(settings)
    labels = store.labels()
    planned = plan.names
    accepted = [one for one in planned if status_of(labels.get(one, "")) == Status.ACCEPTED]
    chosen = _evenly(accepted, at_most)
    sessions = {
        name: Session.model_validate_json(data) for name, data in store.iter_results(chosen)
    }
    bills, first = [], dict[Role, bytes]()
    for name, rows in store.iter_calls(chosen):
        bills.append(session_bill(sessions[name], rows, prices, first))
        first = {row.role: row.request for row in reversed(rows) if _seen(row)}
    bill = _sum(len(accepted), bills, priced=set(prices) >= set(payers(folder)))
    spent = store.spent(prices) + spent_on_casting(folder, prices)
    each = max(1, len(accepted))
    per_accepted = {
        "spent_tokens_each": spent.tokens / each,
        "spent_usd_each": dollars(spent.pico) / each,
    }
    return bill.model_copy(update=per_accepted if bills else {})


def _evenly(names: list[str], at_most: int) -> list[str]:
    if len(names) <= at_most:
        return names
    return [names[n * len(names) // at_most] for n in range(at_most)]


def session_bill(
    session: Session,
    rows: Iterable[CallRow],
    prices: Mapping[str, Price],
    first: Mapping[Role, bytes],
) -> SessionBill:
    """Add up one session's calls, in their order.

    Args:
        session: Its drafts.
        rows: Its calls.
        prices: What each role pays.
        first: The first request of each role in another session; empty without one.
    """
    rows = tuple(rows)
    tokens = [counted(row) for row in rows]
    costs = {str(row.key): cost_of(row, prices.get(row.role.value)) for row in rows}
    spent = sum(costs.values(), NOTHING)
    saved = _saved(session, rows, costs)
    return SessionBill(
        session=session.id,
        calls=spent.calls,
        tokens=spent.tokens,
        estimated_tokens=sum(
            one.usage.prompt_tokens + one.usage.completion_tokens for one in tokens if one.estimated
        ),
        usd=dollars(spent.pico),
        prompt_tokens=sum(one.usage.prompt_tokens for one in tokens),
        cacheable_tokens=_cacheable(rows, {}),
        shared_tokens=_cacheable(rows, first),
        saved_tokens=saved.tokens,
        saved_usd=dollars(saved.pico),
    )


def _cacheable(rows: tuple[CallRow, ...], first: Mapping[Role, bytes]) -> float:
    """Sum prompt tokens by the share of the request's bytes that its predecessor begins with."""
    before = dict(first)
    found = 0.0
    for row in rows:
        last = before.get(row.role)
        if last is not None and row.request:
            share = common_prefix(row.request, last) / len(row.request)
            found += share * counted(row).usage.prompt_tokens
        if _seen(row):
            before[row.role] = row.request
    return found


def _seen(row: CallRow) -> bool:
    """Whether the request was answered: one that was not is no beginning that a cache has kept."""
    return row.result.outcome not in _UNSEEN


def _saved(session: Session, rows: tuple[CallRow, ...], costs: Mapping[str, Spend]) -> Spend:
    """Sum, over the revisions, what the turns that they kept had cost when they were played."""
    turn_costs: list[Spend] = []
    saved = NOTHING
    for draft in session.drafts:
        saved += sum(turn_costs[: draft.start], NOTHING)
        turn_costs = turn_costs[: draft.start] + _turns_of(draft, rows, costs)
    return saved


def _turns_of(draft: Draft, rows: tuple[CallRow, ...], costs: Mapping[str, Spend]) -> list[Spend]:
    """Return what each turn that the draft played anew cost; failed attempts are left out."""
    spoken = [
        costs[str(row.key)]
        for row in rows
        if row.key.draft == draft.number
        and row.role in _SPOKEN
        and row.result.outcome is Outcome.OK
    ]
    return spoken[: len(draft.turns) - draft.start]


def _sum(accepted: int, bills: list[SessionBill], *, priced: bool) -> Bill:
    if not bills:
        return Bill(accepted=accepted, looked_at=0, priced=priced)
    rewound = [one for one in bills if one.saved_tokens]
    tokens, saved = sum(one.tokens for one in rewound), sum(one.saved_tokens for one in rewound)
    prompts = sum(one.prompt_tokens for one in bills)
    each = max(1, len(rewound))
    return Bill(
        accepted=accepted,
        looked_at=len(bills),
        priced=priced,
        tokens_each=sum(one.tokens for one in bills) / len(bills),
        estimated_tokens_each=sum(one.estimated_tokens for one in bills) / len(bills),
        usd_each=sum(one.usd for one in bills) / len(bills),
        cacheable_share=sum(one.cacheable_tokens for one in bills) / max(1, prompts),
        shared_share=sum(one.shared_tokens for one in bills) / max(1, prompts),
        cacheable_least=min(one.cacheable_tokens / max(1, one.prompt_tokens) for one in bills),
        rewound=len(rewound),
        saved_share=saved / max(1, tokens + saved),
        saved_tokens_each=saved / each,
        saved_usd_each=sum(one.saved_usd for one in rewound) / each,
    )
