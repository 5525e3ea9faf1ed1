"""Models that are asked together: those served here, and each of those elsewhere."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.endpoint import check_endpoint
from agents.line import close_line
from domain.base import content_id
from evaluation.candidates.key import KEY_ENV
from evaluation.candidates.models import hosted_hash
from evaluation.candidates.roles import hosted_role
from evaluation.candidates.servers import choose, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from domain.settings import RoleSettings, Settings
    from evaluation.candidates.models import Models

    Roles = Callable[[], dict[str, RoleSettings]]


@dataclass(frozen=True)
class Part:
    """Models whose answers are kept in one ledger: another model beside them asks none anew."""

    variants: tuple[str, ...]
    run_hash: str
    """Names what their answers depend on besides the scenario."""
    roles: Roles
    """Returns how each is asked; serves the models, or looks whether they are there, when it is
    called first."""
    variables: tuple[str, ...]
    """Names of the environment variables with their keys."""
    local: bool
    """Whether they listen on this machine, where a cluster's workers cannot reach them."""


@contextmanager
def parts_of(models: Models, settings: Settings, log: Path) -> Iterator[tuple[Part, ...]]:
    """Yield what is to be asked; nothing is started before somebody asks for it.

    Models elsewhere come first: a key that is wrong is known before models are loaded here. While
    these are loaded, the judge is asked whether it is there.

    Raises (when the models are asked for):
        ConfigError: vLLM is asked for and cannot be used.
        EvaluationError: The models cannot be served.
        EndpointError: The judge or a model elsewhere cannot be used.
    """
    found: dict[str, RoleSettings] = {}
    with ExitStack() as open_:

        def roles() -> dict[str, RoleSettings]:
            if not found:
                servers = open_.enter_context(served(models, settings, log))
                check(settings.roles.judge, "roles.judge")
                found.update(servers.roles())
            return found

        elsewhere = [_elsewhere(name, models, settings) for name in models.hosted]
        here = Part(models.local, _local_hash(models, settings), roles, (KEY_ENV,), local=True)
        yield (*elsewhere, here)


def _elsewhere(name: str, models: Models, settings: Settings) -> Part:
    hosted = models.hosted[name]
    role = hosted_role(hosted, settings.evaluation)

    def roles() -> dict[str, RoleSettings]:
        check(role, f"evaluation.hosted.{name}")
        return {name: role}

    run_hash = hosted_hash(name, hosted, settings)
    return Part((name,), run_hash, roles, (hosted.api_key_env,), local=False)


def _local_hash(models: Models, settings: Settings) -> str:
    """Name what answers depend on besides the scenario: other weights, another ledger.

    vLLM rounds otherwise than our server does, so its answers are kept apart.
    """
    hashes = models.hashes()
    first = models.groups[0]
    wholes = {group.name: hashes[group.name] for group in models.groups[1:]}
    kind = choose(settings, models).kind
    return content_id(
        "answers",
        {
            "base": hashes[first.name],
            "adapters": {name: hashes[name] for name in first.adapters},
            **({"wholes": wholes} if wholes else {}),
            **({"server": kind} if kind != "builtin" else {}),
            "temperature": settings.evaluation.temperature,
            "max_new_tokens": settings.evaluation.max_new_tokens,
            "seed": settings.seed,
        },
    )


def check(role: RoleSettings, where: str) -> None:
    """See whether an endpoint can be used.

    Raises:
        EndpointError: It cannot.
    """

    async def ask() -> None:
        try:
            await check_endpoint(role, where)
        finally:
            await close_line()

    asyncio.run(ask())
