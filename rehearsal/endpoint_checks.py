"""What `rehearsal doctor` finds at a run's endpoints."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from domain.errors import RehearsalError
from rehearsal.check import Check

if TYPE_CHECKING:
    from domain.call import CallResult
    from domain.settings import RoleSettings, Settings

JSON_ROLES = ("supervisor", "judge", "caster")
"""Roles whose answers have to fit a schema."""
UNDERSTUDY = "understudy-"
"""Models that know the schemas of a run by heart, and refuse any other."""
LOOPBACKS = frozenset({"127.0.0.1", "localhost", "::1"})


class _Place(NamedTuple):
    """An endpoint, as one key opens it."""

    base_url: str
    api_key_env: str


class _Asked(NamedTuple):
    """What was found of one model."""

    checks: list[Check]
    shut: bool = False
    """Whether no other model there can be used either."""

    @property
    def ok(self) -> bool:
        """Whether the model can be used."""
        return all(check.ok for check in self.checks)


def check_endpoints(settings: Settings) -> list[Check]:
    """Ask each model of a run once; an endpoint that cannot be used at all is asked for one."""
    from domain.settings import EMBEDDED

    checks: list[Check] = []
    asked: dict[tuple[_Place, str], _Asked] = {}
    shut: dict[_Place, _Asked] = {}
    formed = set[tuple[_Place, str]]()
    for name, role in settings.roles:
        where = f"roles.{name}"
        if role.base_url == EMBEDDED:
            checks.append(Check(where, True, f"{role.model}, started with the run"))
            continue
        place = _Place(role.base_url, role.api_key_env)
        model = (place, role.model)
        same = asked.get(model) or shut.get(place)
        if same is None:
            first = all(known != place for known, _ in asked)
            same = asked[model] = asyncio.run(_ask(role, where, first=first))
            checks += same.checks
            if same.shut:
                shut[place] = same
        else:
            checks.append(Check(where, same.ok, f"{role.model}, as {same.checks[0].name}"))
        free = not role.model.startswith(UNDERSTUDY)
        if free and name in JSON_ROLES and model not in formed and same.ok:
            formed.add(model)
            checks.append(asyncio.run(_ask_json(role, where)))
    return checks


async def _ask(role: RoleSettings, where: str, *, first: bool) -> _Asked:
    """List the endpoint's models, then make one small call; `first` there says of the key too."""
    from agents.endpoint import try_chat
    from agents.llm import check_endpoint, close_line

    key = _key(role, where) if first else []
    try:
        await check_endpoint(role, where)
        known = Check(where, True, f"{role.model} at {role.base_url}")
        result = await try_chat(role)
    except RehearsalError as error:
        expected = f"; expected {error.expected}" if error.expected else ""
        failed = Check(where, False, f"{error.what} ({error.got}){expected}", error.mend)
        if error.where == f"{where}.api_key_env":  # the error itself says of the key
            key = []
        return _Asked([failed, *key], shut=error.where != f"{where}.model")
    finally:
        await close_line()
    refused = _refused(role, where, result)
    if refused is not None:
        return _Asked([known, refused], shut=True)
    return _Asked([known, *key, _tried(where, result)])


def _key(role: RoleSettings, where: str) -> list[Check]:
    """Say where the key is missing that an endpoint elsewhere will ask for."""
    from agents.line import key_of

    host = urlsplit(role.base_url).hostname or ""
    if host in LOOPBACKS or key_of(role.api_key_env):
        return []
    said = f"{role.api_key_env} is not set, and {host} is not this machine"
    mend = f"set {role.api_key_env}, unless the endpoint takes calls without a key"
    return [Check(f"{where}, key", True, said, mend, warning=True)]


def _refused(role: RoleSettings, where: str, result: CallResult) -> Check | None:
    """Name the key where the trial call was refused for it; some list their models to anybody."""
    from agents.refusedkey import is_key_refused, key_refused
    from domain.call import Outcome

    if result.outcome is not Outcome.REJECTED or not is_key_refused(result.detail):
        return None
    error = key_refused(role, where, result.detail)
    return Check(f"{where}, one call", False, f"{error.what} ({error.got})", error.mend)


def _tried(where: str, result: CallResult) -> Check:
    """Say how the trial call ended, and what it cost."""
    from domain.call import Outcome

    usage = result.usage
    tokens = usage.prompt_tokens + usage.completion_tokens
    took = f"{tokens} tokens" if tokens else "tokens not reported"
    name = f"{where}, one call"
    if result.outcome in {Outcome.OK, Outcome.TRUNCATED, Outcome.EMPTY}:
        return Check(name, True, f"answered in {result.latency_ms:,.0f} ms, {took}")
    return Check(
        name,
        False,
        f"{result.outcome.value}: {result.detail}",
        "see the endpoint's log; a run's calls would end so too",
    )


async def _ask_json(role: RoleSettings, where: str) -> Check:
    """Ask for one small answer that fits a schema, and say whether it did."""
    from agents.endpoint import Trial, try_chat
    from agents.line import close_line
    from agents.structured import InvalidAnswerError, read_answer
    from domain.call import Outcome

    try:
        result = await try_chat(role, Trial)
    finally:
        await close_line()
    if result.outcome is Outcome.OK:
        try:
            read_answer(result.text, Trial)
        except InvalidAnswerError:
            got = f"response_format is not honoured: it said {result.text[:40]!r}"
        else:
            return Check(f"{where}, JSON schema", True, "response_format is honoured")
    else:
        got = f"no answer with response_format ({result.outcome.value}: {result.detail[:80]})"
    mend = (
        "answers are then read from the text and asked for again where they do not fit: turn on "
        "structured output at the server, or take a model that has it"
    )
    return Check(f"{where}, JSON schema", True, got, mend, warning=True)
