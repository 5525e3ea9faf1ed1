"""Where a model is reached and how patiently; the defaults of every role."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from domain.base import Noun

EMBEDDED = "understudy"
"""The `base_url` that stands for a server the command line starts itself."""


class EndpointSettings(Noun):
    """Where a model is reached and how patiently."""

    base_url: str = EMBEDDED
    """Root of an OpenAI-compatible API, e.g. `https://host/v1`; `understudy` starts ours."""
    api_key_env: str = Field(
        default="OPENAI_API_KEY",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$",
        description="the name of an environment variable, such as OPENAI_API_KEY",
    )
    """Name of the environment variable with the key; the key itself is never stored."""
    trusted_for_real: bool = False
    """Whether text that derives from real people may be sent there."""
    concurrency: int = Field(default=256, ge=1, le=4096)
    """Calls under way there at most, over all workers; how many it really takes is found out."""
    requests_per_minute: int | None = Field(default=None, ge=1)
    """Rate that is kept to over all workers; null for none."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """The same, for prompt and completion tokens together."""
    timeout_s: float = Field(default=120, gt=0)
    """Total time for one attempt, from connecting to the last byte."""
    retries: int = Field(default=4, ge=0, le=20)
    """How often a call that failed by itself is tried again."""
    patience_s: float = Field(default=1800, ge=0)
    """Seconds during which a call is repeated that the endpoint refused for being one too many, or
    that met an endpoint which answered nothing at all; that is no failure of the call. Once the
    endpoint has answered nothing for so long, at least 60, and fails a last try, the calls that
    wait for it are given up: a campaign stops, and can be resumed."""

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        """Refuse what is no address, and addresses that carry a password or a query."""
        if value == EMBEDDED:
            return value
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("an address such as http://127.0.0.1:8000/v1, or understudy")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("an address without user, password or query; keys go into api_key_env")
        return value
