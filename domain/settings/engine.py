"""Where sessions are played, and where their calls are kept."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from domain.base import Noun


class EngineSettings(Noun):
    """Where sessions are played."""

    kind: Literal["ray", "inline"] = "ray"
    """`inline` plays everything in one process, without Ray."""
    workers: int = Field(default=2, ge=1)
    """Worker processes on Ray."""
    sessions_in_flight: int = Field(default=256, ge=1)
    """Sessions that one worker plays at the same time; 256 of 20 turns take about 330 MiB."""
    ray_address: str | None = None
    """Null starts a Ray of our own; `auto` or `ray://host:10001` joins a cluster."""
    store: str | None = None
    """Where the ledger of a run that begins is kept: null for files of SQLite in its folder, or
    `postgresql://user@host:5432/database`. The password is read from PGPASSWORD or ~/.pgpass."""

    @field_validator("store")
    @classmethod
    def _no_password(cls, value: str | None) -> str | None:
        """Refuse other databases, and passwords: the run file is copied and shared."""
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
            raise ValueError("an address such as postgresql://user@host:5432/database, or null")
        if parts.password is not None or "password" in parts.query:
            raise ValueError(
                "an address without a password, which belongs in PGPASSWORD or ~/.pgpass"
            )
        return value
