"""What a run may spend and what a call costs: before it is made at most, afterwards in truth.

Three things are counted: calls, tokens and picodollars. A budget that does not limit one of them
has `NO_LIMIT` there, so that one sum and one comparison serve all three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.call import UNANSWERED, Usage
from domain.errors import BudgetReachedError
from domain.price import PICO, dollars

if TYPE_CHECKING:
    from domain.call import CallResult, CallRow, Reservation
    from domain.price import Price
    from domain.settings import BudgetSettings

CHARS_A_TOKEN = 4
"""An estimate, for endpoints that report no usage: about four characters of English make a token
(source: OpenAI's help centre, "What are tokens and how to count them?")."""

PROMPT_MARGIN = 256
"""Prompt tokens that a request may have beyond one for each of its bytes: what the model's chat
template adds of its own. A message's own few are covered by the 28 bytes of JSON around it."""

NO_LIMIT = 1 << 100
"""More than any amount that a budget may name (10^15, in picodollars), and never spent."""


class Spend(NamedTuple):
    """Calls, tokens and picodollars; a tuple, because every call makes a few of them."""

    calls: int = 0
    tokens: int = 0
    pico: int = 0

    def __add__(self, other: Spend) -> Spend:  # type: ignore[override]
        """Add each to each: a sum, not a longer tuple."""
        return Spend(self.calls + other.calls, self.tokens + other.tokens, self.pico + other.pico)

    def __sub__(self, other: Spend) -> Spend:
        """Take each from each."""
        return Spend(self.calls - other.calls, self.tokens - other.tokens, self.pico - other.pico)

    def fits(self, room: Spend) -> bool:
        """Whether no count is more than that of `room`."""
        return self.calls <= room.calls and self.tokens <= room.tokens and self.pico <= room.pico

    def scaled(self, factor: float) -> Spend:
        """Return tokens and picodollars times `factor`, rounded up; calls stay."""
        tokens, pico = -int(-self.tokens * factor // 1), -int(-self.pico * factor // 1)
        return Spend(self.calls, tokens, pico)

    def least(self, other: Spend) -> Spend:
        """Return the smaller of each."""
        return Spend(
            min(self.calls, other.calls),
            min(self.tokens, other.tokens),
            min(self.pico, other.pico),
        )

    def most(self, other: Spend) -> Spend:
        """Return the larger of each."""
        return Spend(
            max(self.calls, other.calls),
            max(self.tokens, other.tokens),
            max(self.pico, other.pico),
        )


NOTHING = Spend()


def limits_of(budget: BudgetSettings) -> Spend:
    """Return what may be spent in all; the deadline is another matter."""
    return Spend(
        NO_LIMIT if budget.calls is None else budget.calls,
        NO_LIMIT if budget.tokens is None else budget.tokens,
        NO_LIMIT if budget.usd is None else int(budget.usd * PICO),
    )


def at_most(call: Reservation, price: Price | None) -> Spend:
    """Return what a call can cost at most.

    No tokenizer in use makes more tokens than there are bytes: byte-level BPE and byte fallback
    give one token to a byte at worst (Wang et al., 2020, "Neural Machine Translation with
    Byte-Level Subwords"; Kudo and Richardson, 2018, SentencePiece). English takes about a fourth
    of that. What is set aside and not spent is free again when the call returns, so the loose
    bound costs some concurrency in the last calls of a budget and nothing else.
    """
    prompt = call.request_bytes + PROMPT_MARGIN
    pico = 0 if price is None else price.pico_at_most(prompt, call.max_tokens)
    return Spend(1, prompt + call.max_tokens, pico)


class Counted(NamedTuple):
    """A call's tokens as its cost is computed from them."""

    usage: Usage
    estimated: bool
    """Whether the endpoint reported none, see `estimated`."""


def counted(row: CallRow) -> Counted:
    """Return a call's tokens: those reported, else the estimate."""
    prompt, completion = estimated(row)
    if not (prompt or completion):
        return Counted(row.result.usage, estimated=False)
    return Counted(Usage(prompt_tokens=prompt, completion_tokens=completion), estimated=True)


def cost_of(row: CallRow, price: Price | None) -> Spend:
    """Return what a call has cost."""
    usage = counted(row).usage
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    tokens = prompt + completion
    if price is None:
        return Spend(1, tokens)
    return Spend(1, tokens, price.pico(prompt, usage.cached_tokens, completion))


def estimated(row: CallRow) -> tuple[int, int]:
    """Return the prompt and completion tokens that a call is taken to have where none are reported.

    They add up to `tokens_of`; both are 0 for a call whose tokens are reported.
    """
    usage, result = row.result.usage, row.result
    if usage.prompt_tokens or usage.completion_tokens or _unseen(result):
        return 0, 0
    tokens = tokens_of(row)
    completion = min(tokens, _in_tokens(len(result.text) + len(result.reasoning)))
    return tokens - completion, completion


def tokens_of(row: CallRow) -> int:
    """Return a call's tokens, prompt and completion.

    Where the endpoint reports none for a call that a model saw, this is an estimate from the
    length of request and answer, see `CHARS_A_TOKEN`: a budget must not stand still there.
    """
    usage, result = row.result.usage, row.result
    reported = usage.prompt_tokens + usage.completion_tokens
    if reported or _unseen(result):
        return reported
    return _in_tokens(len(row.request) + len(result.text) + len(result.reasoning))


def _unseen(result: CallResult) -> bool:
    """Whether no model saw the call."""
    return result.outcome in UNANSWERED and not result.lost


def _in_tokens(characters: int) -> int:
    return -(-characters // CHARS_A_TOKEN)


def refuse_spent(limits: Spend, spent: Spend) -> None:
    """Refuse to begin with nothing left.

    Raises:
        BudgetReachedError: Nothing is left.
    """
    room = limits - spent
    if min(room.calls, room.tokens, room.pico) <= 0:
        raise reached(limits, spent)


def reached(limits: Spend, spent: Spend, needed: Spend = NOTHING) -> BudgetReachedError:
    """Return the error that says that nothing more may be spent.

    Args:
        limits: What may be spent in all.
        spent: What has been.
        needed: What the next call could cost at most.
    """
    tight = _reached(limits, spent + needed)
    got = f"{_said(spent, tight)} spent"
    if tight.pico < NO_LIMIT or tight.tokens < NO_LIMIT:
        more = _said(needed, tight._replace(calls=NO_LIMIT))
        got += f", and the next call could cost up to {more}" if needed != NOTHING else ""
    most = _limits_said(tight)
    return BudgetReachedError(
        f"the budget is reached: {most}",
        where="--budget (campaign.budget)",
        expected=f"at most {most}",
        got=got,
        mend="resume with a larger one, such as "
        f"`rehearsal campaign resume RUN --budget {_larger(limits, spent + needed)}`; "
        "nothing is paid twice",
    )


def late(deadline_s: float) -> BudgetReachedError:
    """Return the error that says that the time is over."""
    return BudgetReachedError(
        "the deadline is reached",
        where="--deadline (campaign.budget.deadline_s)",
        expected=f"no new call after {deadline_s:,.0f} s",
        mend="go on with `rehearsal campaign resume RUN`, with a new --deadline or none; "
        "nothing is paid twice",
    )


def _reached(limits: Spend, wanted: Spend) -> Spend:
    """Return the limits that stand in the way, without those that leave room enough."""
    for over in (int.__gt__, int.__ge__):  # spent to the last, where no more was asked for
        tight = [a if over(b, a) else NO_LIMIT for a, b in zip(limits, wanted, strict=True)]
        if min(tight) < NO_LIMIT:
            return Spend(*tight)
    return limits


def _said(spend: Spend, limits: Spend) -> str:
    """Name those counts that are limited, dollars to a hundredth of a cent."""
    return " and ".join(_counts(spend, limits, _cents(spend.pico)))


def _limits_said(limits: Spend) -> str:
    """Name the limits as they were given, none of them rounded."""
    return " and ".join(_counts(limits, limits, _written(dollars(limits.pico), 12)))


def _counts(spend: Spend, limits: Spend, amount: str) -> list[str]:
    said = []
    if limits.calls < NO_LIMIT:
        said.append(f"{spend.calls:,} call{'' if spend.calls == 1 else 's'}")
    if limits.tokens < NO_LIMIT:
        said.append(f"{spend.tokens:,} tokens")
    if limits.pico < NO_LIMIT:
        said.append(amount)
    return said


def _cents(pico: int) -> str:
    """Write an amount so that it can be compared with a limit of a tenth of a cent."""
    amount = dollars(pico)
    if 0 < amount < 0.01:
        return money(pico)
    return _written(amount, 4)


def _written(amount: float, places: int) -> str:
    """Write dollars with cents, and as many of `places` behind them as are needed."""
    whole, _, part = f"{amount:,.{places}f}".partition(".")
    return f"${whole}.{part[:2]}{part[2:].rstrip('0')}"


def _larger(limits: Spend, wanted: Spend) -> str:
    """Suggest twice what stands in the way, or what is wanted already, as `--budget` reads it.

    Of a budget of nothing nothing is known: a dollar, or a million tokens.
    """
    if wanted.pico >= limits.pico:
        return f"{dollars(2 * max(limits.pico, wanted.pico)) or 1:.4g}usd"
    if wanted.tokens >= limits.tokens:
        return f"{2 * max(limits.tokens, wanted.tokens) or 1_000_000}tok"
    return f"{2 * max(limits.calls, wanted.calls, 1)}calls"


def money(pico: int) -> str:
    """Write an amount for people: cents, or as many digits as a small amount needs."""
    amount = dollars(pico)
    if amount == 0 or amount >= 0.1:
        return f"${amount:,.2f}"
    return f"${amount:.2g}" if amount >= 1e-4 else f"${amount:.1e}"
