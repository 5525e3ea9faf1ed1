"""`--budget 25usd`, `--budget 2Mtok`, `--deadline 2h`: what they mean, and what is wrong."""

from __future__ import annotations

import re
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

_AMOUNT = re.compile(r"\$?(\d[\d,_]*(?:\.\d+)?)\s*([kKMG]?)\s*([A-Za-z]*)")
_UNITS = {
    "usd": "usd",
    "tok": "tokens",
    "token": "tokens",
    "tokens": "tokens",
    "call": "calls",
    "calls": "calls",
}
_TIMES = 10**3, 10**6, 10**9
_FACTORS = {"": 1, "k": _TIMES[0], "K": _TIMES[0], "M": _TIMES[1], "G": _TIMES[2]}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


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


def read_amount(text: str) -> tuple[str, float | int]:
    """Return what kind of budget `text` is and how much: `2Mtok` is ("tokens", 2000000).

    Raises:
        ConfigError: It is none.
    """
    match = _AMOUNT.fullmatch(text.strip())
    unit = "usd" if match and text.strip().startswith("$") else match and match[3].lower()
    kind = _UNITS.get(unit or "")
    if match is None or kind is None:
        raise ConfigError(
            "the budget cannot be read",
            where="--budget",
            expected="a number and its unit: usd, tok or calls, with k, M or G before tok or calls",
            got=text,
            mend="write 25usd, 2Mtok or 500calls",
        )
    amount = float(re.sub("[,_]", "", match[1])) * _FACTORS[match[2]]
    if kind == "usd":
        return kind, amount
    if amount != int(amount):
        raise ConfigError(
            "the budget is no whole number", where="--budget", got=text,
            expected=f"a whole number of {kind}",
        )  # fmt: skip
    return kind, int(amount)


def read_span(text: str) -> float:
    """Return the seconds that `text` means: `1h30m` is 5400.

    Raises:
        ConfigError: It is no time, or no time at all.
    """
    found = _SPAN.findall(text)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in found)
    if _SPAN.sub("", text).strip() or not seconds > 0:
        raise ConfigError(
            "the deadline cannot be read",
            where="--deadline",
            expected="a time from now on with its unit: s, m, h or d",
            got=text,
            mend="write 90s, 30m, 2h or 1h30m",
        )
    return seconds
