"""A LangChain callback handler that listens to everything in a context, as tracers do.

LangSmith and OpenInference install themselves the same way: by a hook that LangChain asks for
handlers whenever it configures a run.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.context import register_configure_hook

if TYPE_CHECKING:
    from collections.abc import Iterator


class Listener(BaseCallbackHandler):
    """Counts what LangChain tells of chat models."""

    run_inline = True
    """Called in the event loop: the count needs no lock."""

    def __init__(self) -> None:
        self.started = 0
        self.ended = 0
        self.failed = 0
        self.heard: list[str] = []
        """What was said, of the calls that ended well."""

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the parent's
        """Count a call that begins."""
        self.started += 1

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the parent's
        """Count a call that ended well."""
        self.ended += 1
        self.heard.append(response.generations[0][0].text)

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:  # noqa: ANN401
        """Count a call that failed."""
        self.failed += 1


_LISTENING: ContextVar[Listener | None] = ContextVar("benchmarks_listener", default=None)
register_configure_hook(_LISTENING, inheritable=True)


@contextmanager
def listening() -> Iterator[Listener]:
    """Yield a listener that hears every run of LangChain's in the block."""
    listener = Listener()
    token = _LISTENING.set(listener)
    try:
        yield listener
    finally:
        _LISTENING.reset(token)
