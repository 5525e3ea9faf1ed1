"""Whether anybody listens to a call: LangChain's callbacks, tracers and global switches.

LangChain gathers them anew for every call, at a tenth of a raw call's CPU, mostly to find nobody.
Whoever makes many calls in a row settles it once for all of them.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from langchain_core.callbacks import AsyncCallbackManager
from langchain_core.runnables.config import var_child_runnable_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.callbacks import Callbacks

_SETTLED: ContextVar[bool | None] = ContextVar("listeners_settled", default=None)


def anybody_listens(local: Callbacks = None) -> bool:
    """Tell whether a call made here and now would be heard, by `local` listeners or others.

    `configure` gathers every listener there is: of the run's config, of the context (LangSmith's
    included), of the environment, and those that an instrumentation adds to each manager.
    """
    if local:
        return True
    settled = _SETTLED.get()
    return _gather() if settled is None else settled


@contextmanager
def settled_listeners(callbacks: Callbacks = None) -> Iterator[None]:
    """Ask once who listens, for every call within the block; a block within it asks no more.

    A listener that comes while the block runs is heard from the next block on: the next session,
    or the next draft or critique where a graph is run by itself. To be used around code of ours
    only, where none is added.

    Args:
        callbacks: Of the config that the block's graph is run with; heard beside those around it,
            as LangGraph has it.
    """
    settled = _SETTLED.get()
    if settled or (settled is not None and not callbacks):
        yield
        return
    token = _SETTLED.set(_gather(callbacks))
    try:
        yield
    finally:
        _SETTLED.reset(token)


def _gather(callbacks: Callbacks = None) -> bool:
    inherited = (var_child_runnable_config.get() or {}).get("callbacks")
    return bool(AsyncCallbackManager.configure(inherited, callbacks).handlers)
