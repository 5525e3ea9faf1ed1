"""`rehearsal doctor`: is everything here that a run needs?"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple
from urllib.parse import urlsplit

import typer

from domain.errors import ExitCode, RehearsalError
from rehearsal.options import JsonOption

if TYPE_CHECKING:
    from domain.call import CallResult
    from domain.settings import RoleSettings

ROOMS = (
    "agents", "campaigns", "corpus", "domain", "engine", "evaluation", "graphs", "measures",
    "rehearsal", "training", "understudy",
)  # fmt: skip
NEEDED = (
    "langgraph", "langchain-openai", "transformers", "peft", "torch", "ray", "pydantic",
)  # fmt: skip
JSON_ROLES = ("supervisor", "judge", "caster")
"""Roles whose answers have to fit a schema."""
UNDERSTUDY = "understudy-"
"""Models that know the schemas of a run by heart, and refuse any other."""
LOOPBACKS = frozenset({"127.0.0.1", "localhost", "::1"})
FREE_BYTES = 2_000_000_000
"""What a demo and its adapters need, with room to spare."""


class Check(NamedTuple):
    """One line of the report."""

    name: str
    ok: bool
    found: str
    mend: str = ""
    warning: bool = False
    """Whether a run would go all the same, but not as well."""


def doctor(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG",
            help="Also ask this run's endpoints: one call of at most 16 tokens for each model, and "
            "one of 64 for each that has to answer with JSON.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the installation, the machine, and a run's endpoints."""
    from rehearsal.console import emit_json, tell

    checks = [*_python(), *_rooms(), *_packages(), *_machine()]
    if config is not None:
        checks += _endpoints(config)
    if as_json:
        emit_json(_document(checks))
    else:
        for check in checks:
            mark = "✗" if not check.ok else "!" if check.warning else "✓"
            tell(f"{mark} {check.name:<26} {check.found}", " " * 29)
            if check.mend and (check.warning or not check.ok):
                tell(f"  {check.mend}")
    if not all(check.ok for check in checks):
        raise typer.Exit(ExitCode.FAILED)


def _document(checks: list[Check]) -> dict[str, object]:
    """Return all checks, and what failed of them as every failure is told."""
    document: dict[str, object] = {"checks": [check._asdict() for check in checks]}
    failed = [
        {"what": "a check failed", "where": one.name, "got": one.found}
        | ({"mend": one.mend} if one.mend else {})
        for one in checks
        if not one.ok
    ]
    if failed:
        code = int(ExitCode.FAILED)
        error: dict[str, object] = {"kind": "CheckFailed", **failed[0], "exit_code": code}
        document["error"] = error | ({"also": failed[1:]} if failed[1:] else {})
    return document


def _python() -> list[Check]:
    return [Check("python", sys.version_info >= (3, 11), platform.python_version())]


def _rooms() -> list[Check]:
    """The packages have common names: `import agents` must be ours."""
    home = Path(__file__).resolve().parent.parent
    checks = []
    for room in ROOMS:
        try:
            found = importlib.import_module(room).__file__
        except ImportError as error:
            checks.append(Check(f"package {room}", False, str(error), "make install"))
            continue
        origin = Path(str(found)).resolve().parent.parent
        checks.append(
            Check(
                f"package {room}",
                origin == home,
                "ours" if origin == home else f"comes from {origin}",
                f'another "{room}" stands first on the path; start from another folder',
            )
        )
    return checks


def _packages() -> list[Check]:
    checks = []
    for name in NEEDED:
        try:
            checks.append(Check(name, True, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            checks.append(Check(name, False, "not installed", "make install"))
    return checks


def _machine() -> list[Check]:
    from rehearsal.runs import runs_root

    spot = runs_root() if runs_root().exists() else Path()
    free = shutil.disk_usage(spot).free
    return [
        Check("cores", True, str(os.cpu_count())),
        _accelerator(),
        Check("free disk", free >= FREE_BYTES, f"{free / 1e9:.1f} GB", "free some space"),
        Check("writable here", os.access(spot, os.W_OK), str(spot), "start from another folder"),
    ]


def _accelerator() -> Check:
    try:
        import torch
    except ImportError as error:
        return Check("accelerator", False, str(error), "make install")
    gpus = torch.cuda.device_count()
    return Check("accelerator", True, f"{gpus} GPU" if gpus else "none: training runs on the CPU")


def _endpoints(config: Path) -> list[Check]:
    import asyncio

    from domain.settings import EMBEDDED
    from rehearsal.runfile import load_settings

    checks, asked = [], dict[tuple[str, str, str], list[Check]]()
    formed = set[tuple[str, str, str]]()
    for name, role in load_settings(config).roles:
        where = f"roles.{name}"
        if role.base_url == EMBEDDED:
            checks.append(Check(where, True, f"{role.model}, started with the run"))
            continue
        place = (role.base_url, role.api_key_env, role.model)
        if place not in asked:
            asked[place] = asyncio.run(_ask(role, where))
            checks += asked[place]
        else:
            same = asked[place]
            ok = all(check.ok for check in same)
            checks.append(Check(where, ok, f"{role.model}, as {same[0].name}"))
        free = not role.model.startswith(UNDERSTUDY)
        if (
            free
            and name in JSON_ROLES
            and place not in formed
            and all(one.ok for one in asked[place])
        ):
            formed.add(place)
            checks.append(asyncio.run(_ask_json(role, where)))
    return checks


def _key(role: RoleSettings, where: str) -> list[Check]:
    """Say where the key is missing that an endpoint elsewhere will ask for."""
    from agents.line import key_of

    host = urlsplit(role.base_url).hostname or ""
    if host in LOOPBACKS or key_of(role.api_key_env):
        return []
    said = f"{role.api_key_env} is not set, and {host} is not this machine"
    mend = f"set {role.api_key_env}, unless the endpoint takes calls without a key"
    return [Check(f"{where}, key", True, said, mend, warning=True)]


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


async def _ask(role: RoleSettings, where: str) -> list[Check]:
    """List the endpoint's models, then make one small call."""
    from agents.endpoint import try_chat
    from agents.llm import check_endpoint, close_line

    try:
        await check_endpoint(role, where)
        known = Check(where, True, f"{role.model} at {role.base_url}")
        return [known, *_key(role, where), _tried(where, await try_chat(role))]
    except RehearsalError as error:
        expected = f"; expected {error.expected}" if error.expected else ""
        failed = Check(where, False, f"{error.what} ({error.got}){expected}", error.mend)
        return [failed, *_key(role, where)]
    finally:
        await close_line()


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
