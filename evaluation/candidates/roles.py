"""How each model under test is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.settings import RoleSettings
from evaluation.candidates.key import KEY_ENV

if TYPE_CHECKING:
    from domain.settings import EvaluationSettings, HostedSettings

ANSWER_S = 3600.0
"""Requests queue in the server, so the last of a large evaluation may wait long."""


def local_role(base_url: str, variant: str, settings: EvaluationSettings) -> RoleSettings:
    """Return how a model is asked that is served here.

    It is trusted with real people's words because it is ours: on loopback, or on a machine of the
    cluster, behind a token. An answer is asked for once: the same seed would give the same answer
    again.
    """
    return RoleSettings(
        base_url=base_url,
        api_key_env=KEY_ENV,
        trusted_for_real=True,
        concurrency=256,
        timeout_s=ANSWER_S,
        retries=0,
        model=variant,
        temperature=settings.temperature,
        max_tokens=settings.max_new_tokens,
    )


def hosted_role(hosted: HostedSettings, settings: EvaluationSettings) -> RoleSettings:
    """Return how a model elsewhere is asked: as the others are, but for what it says itself."""
    own = hosted.model_dump()
    temperature, longest = own.pop("temperature"), own.pop("max_tokens")
    return RoleSettings(
        **own,
        temperature=settings.temperature if temperature is None else temperature,
        max_tokens=settings.max_new_tokens if longest is None else longest,
    )
