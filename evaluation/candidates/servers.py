"""Serves the models under test: chooses the server, starts one for each group, ends them all."""

from __future__ import annotations

import shlex
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from domain.base import Noun
from domain.errors import ConfigError
from evaluation.candidates import builtin
from evaluation.candidates.key import candidate_key
from evaluation.candidates.roles import hosted_role, local_role
from evaluation.candidates.vllm import (
    LOOPBACK,
    SHARE,
    Order,
    VllmServer,
    command_of,
    find_vllm,
    no_vllm,
    order_of,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.settings import RoleSettings, Settings
    from evaluation.candidates.models import Group, Models

Place = Literal["here", "ray"]


class Server(Protocol):
    """What serves one group."""

    def base_url(self) -> str:
        """Wait until it can be asked; return where."""

    def stop(self) -> None:
        """End it."""


@dataclass(frozen=True)
class Choice:
    """Which server serves, where, and why that one."""

    kind: Literal["builtin", "vllm"]
    place: Place
    why: str


def choose(settings: Settings, models: Models) -> Choice:
    """Return the server that `evaluation.server` names; `auto` takes vLLM where it can run.

    Raises:
        ConfigError: vLLM is asked for, and is not there or cannot serve these adapters.
    """
    wanted = settings.evaluation.server
    if wanted == "builtin":
        return Choice("builtin", "here", "evaluation.server says so")
    refused = next(filter(None, (refusal(group) for group in models.groups)), "")
    place = _place(settings)
    if wanted == "vllm":
        return _vllm(place, refused)
    if place is None:
        return Choice("builtin", "here", "no GPU with a vLLM")
    if refused:
        return Choice("builtin", "here", refused)
    return Choice("vllm", place, "there is a GPU, and vLLM beside it")


def _vllm(place: Place | None, refused: str) -> Choice:
    if refused:
        raise ConfigError(
            refused,
            where="evaluation.server",
            expected="adapters that vLLM serves",
            mend="Set evaluation.server: auto or builtin.",
        )
    if place is None and not find_vllm():
        raise no_vllm()
    return Choice("vllm", place or "here", "evaluation.server says so")


def _place(settings: Settings) -> Place | None:
    """Return where a GPU and a vLLM are found together: on a node of Ray, else here."""
    if settings.engine.kind == "ray":
        from evaluation.candidates import node

        if node.has_vllm():
            return "ray"
    if not find_vllm():
        return None
    import torch  # takes seconds, and only matters where there is a vLLM

    return "here" if torch.cuda.is_available() else None


class Served:
    """Servers on their way up."""

    def __init__(self, models: Models, settings: Settings, servers: list[Server]) -> None:
        self._models = models
        self._settings = settings
        self._servers = servers

    def roles(self) -> dict[str, RoleSettings]:
        """Wait for all servers; return how each model is asked, those elsewhere included.

        Raises:
            EvaluationError: A server cannot be started.
        """
        asked = self._settings.evaluation
        found = {}
        for group, server in zip(self._models.groups, self._servers, strict=True):
            url = server.base_url()
            found.update({name: local_role(url, name, asked) for name in group.variants})
        for name, hosted in self._models.hosted.items():
            found[name] = hosted_role(hosted, asked)
        return found


@contextmanager
def served(models: Models, settings: Settings, log: Path) -> Iterator[Served]:
    """Start a server for each group, all at once; they end with the block, or with this process.

    Args:
        models: What is under test.
        settings: The run file: which server, its options, how long it may load.
        log: Where servers write; appended to. A second group's is named after the group.

    Raises:
        ConfigError: vLLM is asked for and cannot be used.
    """
    choice = choose(settings, models)
    log.parent.mkdir(parents=True, exist_ok=True)
    with candidate_key() as key, ExitStack() as open_:
        servers = []
        for group in models.groups:
            path = log if group is models.groups[0] else log.with_stem(f"{log.stem}-{group.name}")
            if choice.kind == "vllm":
                server = _start_vllm(_order(group, models, settings, path, key), choice.place)
                open_.callback(server.stop)
            else:
                server = open_.enter_context(_builtin(group, settings, path))
            servers.append(server)
        yield Served(models, settings, servers)


@contextmanager
def _builtin(group: Group, settings: Settings, log: Path) -> Iterator[Server]:
    asked = settings.evaluation
    with builtin.serving(
        group, log, options=asked.server_args, startup_s=asked.server_startup_s
    ) as server:
        yield server


def _order(group: Group, models: Models, settings: Settings, log: Path, key: str) -> Order:
    asked = settings.evaluation
    order = order_of(group, log, key=key, startup_s=asked.server_startup_s)
    many = len(models.groups)
    share = SHARE / many if many > 1 else None
    return order.model_copy(update={"extra": asked.server_args, "share": share})


def _start_vllm(order: Order, place: Place) -> Server:
    if place == "ray":
        from evaluation.candidates import node

        return node.start(order)
    server = VllmServer(order)
    server.start()
    return server


class Planned(Noun):
    """What would be started or asked."""

    server: Literal["builtin", "vllm", "hosted"]
    place: str
    """Where: `here`, on a node of `ray`, or an address."""
    why: str
    models: tuple[str, ...]
    command: str = ""
    """The command line; empty where nothing is started."""


def plan(models: Models, settings: Settings) -> list[Planned]:
    """Return what would be started and asked, without starting it; for `--dry-run`.

    Raises:
        ConfigError: vLLM is asked for and cannot be used.
    """
    choice = choose(settings, models)
    found = []
    for group in models.groups:
        if choice.kind == "vllm":
            order = _order(group, models, settings, Path("serving.log"), "")
            words = command_of(order, find_vllm() or "vllm", LOOPBACK, "PORT")
        else:
            words = builtin.command_of(
                group.name, group.base, group.adapters, "ADDRESS", settings.evaluation.server_args
            )
        found.append(
            Planned(
                server=choice.kind,
                place=choice.place,
                why=choice.why,
                models=group.variants,
                command=shlex.join(words),
            )
        )
    for name, hosted in models.hosted.items():
        why = f"evaluation.hosted.{name}"
        found.append(Planned(server="hosted", place=hosted.base_url, why=why, models=(name,)))
    return found
