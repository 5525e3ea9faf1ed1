"""Text that derives from real people goes only to endpoints that are trusted with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from domain.errors import TrustError
from domain.record import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.case import Subject
    from domain.record import HeldOutContext
    from domain.settings import EndpointSettings

TRACING = (
    "LANGSMITH_TRACING_V2",
    "LANGCHAIN_TRACING_V2",
    "LANGSMITH_TRACING",
    "LANGCHAIN_TRACING",
)
"""Variables that have LangChain send every prompt to LangSmith; see `langsmith.utils`."""


def require_trust(
    contexts: Iterable[HeldOutContext | Subject], endpoint: EndpointSettings, where: str
) -> None:
    """Refuse before any call.

    Args:
        contexts: What would be sent.
        endpoint: Where it would be sent.
        where: The endpoint's place in the run file, e.g. `roles.judge`.

    Raises:
        TrustError: A scenario comes from a real session, and the endpoint is not trusted or calls
            are traced to a service beside it.
    """
    real = sum(context.origin is Origin.REAL for context in contexts)
    if real and not endpoint.trusted_for_real:
        raise TrustError(
            "real people's words may not be sent to this endpoint",
            where=f"{where}.trusted_for_real",
            expected=f"true, since {real} scenarios come from real sessions",
            got=f"false for {endpoint.base_url}",
            mend="Set it to true if you may send them there, or name an endpoint of your own.",
        )
    if real:
        _require_no_tracing(real)


def _require_no_tracing(real: int) -> None:
    for name in TRACING:
        if os.environ.get(name, "").strip().lower() == "true":
            raise TrustError(
                "real people's words would be traced to LangSmith",
                where=f"environment variable {name}",
                expected=f"no tracing, since {real} scenarios come from real sessions",
                got="true",
                mend=f"Unset {name}.",
            )
