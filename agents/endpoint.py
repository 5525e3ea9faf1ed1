"""Whether an endpoint can be used at all, asked before a run spends anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import aiohttp
import orjson
from pydantic import BaseModel, ConfigDict

from agents.line import current_line, headers_of, key_of, read_capped
from agents.refusedkey import STATUSES, is_key_refused, key_refused
from agents.reply import is_shut
from agents.retry import LESSONS
from agents.structured import response_format
from agents.wire import reason
from domain.call import Outcome
from domain.errors import EndpointError
from domain.gate import UNSENT

if TYPE_CHECKING:
    from domain.call import CallResult
    from domain.settings import RoleSettings

PATIENCE_S = 20.0
"""Seconds a listing of models may take."""

TRIAL_S = 60.0
"""Seconds a trial call may take: a server may load the model first."""

TRIAL_TOKENS = 16
"""Most tokens that a trial call asks for."""

TRIAL_JSON_TOKENS = 64
"""The same of one that asks for JSON."""

UNKNOWN = "HTTP 404"
"""How details begin of calls that met no such model, or no such address."""

SHOWN = 12
"""How many known models an error names."""


class _Reply(NamedTuple):
    status: int
    body: bytes


async def check_endpoint(settings: RoleSettings, where: str) -> None:
    """Ask an endpoint for its models.

    A server that does not list models passes when it answers at the chat route; whether it
    knows the model is then not covered.

    Args:
        settings: The role's endpoint and model.
        where: Where the settings stand, e.g. `roles.therapist`.

    Raises:
        EndpointError: Nothing answers there, the key is refused, or the model is unknown.
    """
    listing = await _ask(settings, where, "GET", "models")
    if listing.status in (404, 405, 501):
        chat = await _ask(settings, where, "POST", "chat/completions")
        if chat.status in (404, 405, 501):
            _fail_route(settings, where, chat.status)
        return
    if listing.status != 200:
        _fail(
            settings,
            where,
            "the server does not list its models",
            expected="HTTP 200 at /models",
            got=f"HTTP {listing.status}",
            mend="Look at the server's log; try again when it is healthy.",
        )
    known = _names(listing.body)
    if known is None:
        _fail_route(settings, where, listing.status)
    model = settings.model
    if known and not any(name == model or name.endswith(f"/{model}") for name in known):
        more = f", and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
        raise EndpointError(
            "the endpoint does not know the model",
            where=f"{where}.model",
            expected=f"one of: {', '.join(known[:SHOWN])}{more}",
            got=model,
            mend="Set `model` to one of these, or load it on the server.",
        )


async def require_server(settings: RoleSettings, where: str) -> None:
    """See that somebody answers there at all, with whatever status, and takes the key.

    Raises:
        EndpointError: Nobody answers, or the key is refused.
    """
    await _ask(settings, where, "GET", "models")


async def refuse_failing(settings: RoleSettings, where: str, outcome: str, detail: str) -> None:
    """Tell a fault of the endpoint, which every call would meet, from one of the call that failed.

    A server that answers, if only that it is busy, has not gone, but for one that has answered no
    call for as long as they put up with it; and a request that is refused for what stands in it is
    at fault itself.

    Args:
        settings: The role's endpoint and model.
        where: Where the settings stand, e.g. `roles.therapist`.
        outcome: How the call ended, as `Outcome` names it.
        detail: What was said of it.

    Raises:
        EndpointError: The endpoint cannot be used at all, or no longer.
    """
    if outcome == Outcome.CONNECTION.value:
        await require_server(settings, where)
        if detail.startswith(UNSENT):
            raise _silent(settings, where, detail)
    elif outcome == Outcome.REJECTED.value and is_shut(detail):
        await refuse_shut(settings, where, detail)


def _silent(settings: RoleSettings, where: str, detail: str) -> EndpointError:
    return EndpointError(
        f"no call is answered any more at {settings.base_url}",
        where=f"{where}.base_url",
        expected="an answer before patience_s is over",
        got=detail.removeprefix(UNSENT),
        mend="Look at the server's log. Once it answers calls again, `rehearsal campaign resume` "
        "goes on: no session was given up, and what was recorded is not lost.",
    )


async def refuse_shut(settings: RoleSettings, where: str, detail: str) -> NoReturn:
    """Say why an endpoint takes no call at all, given what it said to one.

    Raises:
        EndpointError: Always; the check of the endpoint may know better what is wrong.
    """
    await check_endpoint(settings, where)
    if is_key_refused(detail):  # some list their models to anybody
        raise key_refused(settings, where, detail)
    if detail.startswith(UNKNOWN):
        raise _unknown(settings, where, detail)
    raise EndpointError(
        "the endpoint takes no more calls",
        where=where,
        expected="an answer",
        got=detail,
        mend="Mend the account, the key or its permissions, then run "
        "`rehearsal campaign resume`; what was recorded is not lost.",
    )


def _unknown(settings: RoleSettings, where: str, detail: str) -> EndpointError:
    return EndpointError(
        "the endpoint knows the model no more, or the address",
        where=where,
        expected=f"`model` {settings.model} at `base_url` {settings.base_url}",
        got=detail,
        mend="Load the model on the server again, or correct base_url, then run `rehearsal "
        "campaign resume`; what was recorded is not lost. Another model needs a run of another "
        "name.",
    )


class Trial(BaseModel):
    """What a trial call with a schema asks for."""

    model_config = ConfigDict(extra="forbid")

    ready: bool


async def try_chat(settings: RoleSettings, schema: type[BaseModel] | None = None) -> CallResult:
    """Make one small chat call, as the role would: its model, its key, its sampling.

    At most `TRIAL_TOKENS` are asked for, with a `schema`, which goes as `response_format`,
    `TRIAL_JSON_TOKENS`. Parameters that the endpoint refuses are left out as in a
    run, so up to `LESSONS` requests may be made, of which one is answered.

    Returns:
        How it ended. `TRUNCATED` and `EMPTY` are answers too: a model may think for longer than
        it was given.
    """
    line, headers = current_line(), headers_of(key_of(settings.api_key_env))
    base_url = settings.base_url.rstrip("/")
    sampling = settings.model_dump(include={"temperature", "top_p"}, exclude_none=True)
    most = TRIAL_TOKENS if schema is None else TRIAL_JSON_TOKENS
    params = {**sampling, "max_tokens": min(settings.max_tokens, most)}
    asked = "Say: ready." if schema is None else "Are you ready? Answer as the schema says."
    messages = [{"role": "user", "content": asked}]
    form = {} if schema is None else {"response_format": response_format(schema)}
    for _ in range(LESSONS):
        habits = line.habits(base_url, settings.model)
        body = {"model": settings.model, "messages": messages, **habits.adapt(params), **form}
        patience = min(TRIAL_S, settings.timeout_s)
        url = f"{base_url}/chat/completions"
        result = await line.post(url, orjson.dumps(body), headers, patience)
        lesson = habits.learn(result, params)
        if lesson is None:
            break
        line.learn(base_url, settings.model, lesson)
    return result


async def _ask(settings: RoleSettings, where: str, method: str, route: str) -> _Reply:
    url = f"{settings.base_url.rstrip('/')}/{route}"
    patience = aiohttp.ClientTimeout(total=min(PATIENCE_S, settings.timeout_s))
    try:
        async with (
            current_line()
            .session(url)
            .request(
                method,
                url,
                data=b"{}" if method == "POST" else None,
                headers=headers_of(key_of(settings.api_key_env)),
                timeout=patience,
                allow_redirects=False,
            ) as response
        ):
            reply = _Reply(response.status, await read_capped(response) or b"")
    except aiohttp.InvalidURL:
        _fail_route(settings, where, 0)
    except (aiohttp.ClientError, OSError) as error:
        timed_out = isinstance(error, TimeoutError)
        why = f"no answer within {patience.total:g} s" if timed_out else reason(error)
        _fail(
            settings,
            where,
            "no server answers",
            expected="an OpenAI-compatible server",
            got=why,
            mend='Start one with "rehearsal understudy", or set base_url.',
        )
    if reply.status in STATUSES:
        raise key_refused(settings, where, f"HTTP {reply.status}")
    return reply


def _fail(settings: RoleSettings, where: str, what: str, **fields: str) -> NoReturn:
    raise EndpointError(f"{what} at {settings.base_url}", where=f"{where}.base_url", **fields)


def _fail_route(settings: RoleSettings, where: str, status: int) -> NoReturn:
    _fail(
        settings,
        where,
        "there is no OpenAI-compatible API",
        expected="the root of the API, which usually ends in /v1",
        got=f"HTTP {status} without a list of models" if status else "no address",
        mend="Correct base_url.",
    )


def _names(body: bytes) -> list[str] | None:
    """Return the ids of a model listing, or None when it is none."""
    try:
        data: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    models = data.get("data") if isinstance(data, dict) else None
    if not isinstance(models, list):
        return None
    return [str(model["id"]) for model in models if isinstance(model, dict) and "id" in model]
