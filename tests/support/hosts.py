"""Hosts that nobody knows, without asking a name server."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

UNKNOWN = "models.invalid"
"""A name that no server resolves (RFC 6761)."""


def nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `UNKNOWN` looked up in vain at once: a name server out of reach takes many seconds."""
    look_up = socket.getaddrinfo

    def refuse(host: Any, *more: Any, **options: Any) -> Any:  # noqa: ANN401 - as socket has it
        if host == UNKNOWN:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
