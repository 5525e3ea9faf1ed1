"""`--budget 25usd`, `--budget 2Mtok`, `--deadline 2h`: what they mean, and what is wrong."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import ConfigError

if TYPE_CHECKING:
    from domain.settings import Settings

BudgetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        metavar="AMOUNT",
        help="Stop before more is spent: 25usd, 2Mtok or 500calls; may be given several times.",
    ),
]
DeadlineOption = Annotated[
    str | None,
    typer.Option(
        "--deadline", metavar="TIME", help="Make no new call after this long: 90s, 30m, 2h, 1d."
    ),
]

_AMOUNT = re.compile(
    r"(\$?)([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,3}(?:_[0-9]{3})+)(\.[0-9]+)?"
    r"\s*([kKMG]?)\s*([A-Za-z]*)"
)
"""Commas part thousands only: `2,5usd` may be two and a half where somebody comes from."""
_UNITS = {
    "usd": "usd",
    "tok": "tokens",
    "token": "tokens",
    "tokens": "tokens",
    "call": "calls",
    "calls": "calls",
}
MOST = 1e15
"""Beyond this nothing is limited; an amount so large is a slip of the hand."""
_TIMES = 10**3, 10**6, 10**9
_FACTORS = {"": 1, "k": _TIMES[0], "K": _TIMES[0], "M": _TIMES[1], "G": _TIMES[2]}
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_SPAN = re.compile(r"\s*".join(rf"(?:([0-9]+(?:\.[0-9]+)?)\s*{unit})?" for unit in _SECONDS))


def with_budget(settings: Settings, budget: list[str] | None, deadline: str | None) -> Settings:
    """Return the settings with the command line's budget laid over them.

    Kinds that are not named keep the limit of the run file. A deadline holds for this run only.

    Raises:
        ConfigError: An amount or a time cannot be read, or a kind is given twice.
    """
    changes: dict[str, float | int] = {}
    for text in budget or ():
        kind, amount = read_amount(text)
        if kind in changes:
            raise ConfigError(
                f"the budget of {kind} is given twice", where="--budget", got=text,
                mend="name each kind once, e.g. --budget 25usd --budget 2Mtok",
            )  # fmt: skip
        changes[kind] = amount
    if deadline is not None:
        changes["deadline_s"] = read_span(deadline)
    if not changes:
        return settings
    new = settings.campaign.budget.model_copy(update=changes)
    campaign = settings.campaign.model_copy(update={"budget": new})
    return settings.model_copy(update={"campaign": campaign})


def words_of(budget: list[str] | None, deadline: str | None) -> list[str]:
    """Return the options again, for a command that is sent elsewhere."""
    words = [word for amount in budget or () for word in ("--budget", amount)]
    return words + (["--deadline", deadline] if deadline else [])


def read_amount(text: str) -> tuple[str, float | int]:
    """Return what kind of budget `text` is and how much: `2Mtok` is ("tokens", 2000000).

    Raises:
        ConfigError: It is none, or nothing could be spent of it.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise _no_amount("the budget cannot be read", text)
    dollar, whole, part, factor, unit = match.groups(default="")
    kind = _UNITS.get("usd" if dollar and not unit else unit.lower())
    if kind is None or (dollar and kind != "usd") or (factor and kind == "usd"):
        raise _no_amount("the budget cannot be read", text)
    amount = Decimal(re.sub("[,_]", "", whole) + part) * _FACTORS[factor]
    if not 0 < amount < MOST:
        raise _no_amount("the budget allows nothing" if not amount else "it limits nothing", text)
    if kind == "usd":
        return kind, float(amount)
    if amount != int(amount):
        raise _no_amount("the budget is no whole number", text)
    return kind, int(amount)


def _no_amount(what: str, text: str) -> ConfigError:
    return ConfigError(
        what,
        where="--budget",
        expected="a number above 0 and its unit: usd, tok or calls, with k, M or G before tok "
        "or calls",
        got=repr(text),
        mend="write for example 25usd, 0.50usd, 2Mtok, 1_500_000tok or 500calls",
    )


def read_span(text: str) -> float:
    """Return the seconds that `text` means: `1h30m` is 5400.

    Raises:
        ConfigError: It is no time, or no time at all.
    """
    match = _SPAN.fullmatch(text.strip())
    parts = match.groups(default="0") if match else ()
    seconds = sum(float(part) * each for part, each in zip(parts, _SECONDS.values(), strict=False))
    if not 0 < seconds < MOST:
        raise ConfigError(
            "the deadline cannot be read",
            where="--deadline",
            expected="a time above 0 from now on with its units: d, h, m, s, each once, in this "
            "order",
            got=repr(text),
            mend="write for example 90s, 30m, 2h or 1h30m",
        )
    return seconds
