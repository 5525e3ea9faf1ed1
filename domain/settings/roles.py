"""Who plays whom: each role's model and sampling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from domain.base import Noun
from domain.settings.endpoint import EndpointSettings

if TYPE_CHECKING:
    from pydantic.main import TupleGenerator


class RoleSettings(EndpointSettings):
    """One role's model and sampling, on top of its endpoint."""

    model: str = Field(min_length=1)
    """Name of the model as the endpoint knows it."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Sampling temperature; null leaves it to the endpoint."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Share of nucleus sampling; null leaves it to the endpoint."""
    max_tokens: int = Field(default=400, ge=1)
    """Longest answer, in tokens; what a model thinks may count."""


class RolesSettings(Noun):
    """Who plays whom."""

    client: RoleSettings = RoleSettings(model="understudy-client", temperature=0.8)
    therapist: RoleSettings = RoleSettings(model="understudy-therapist:novice", temperature=0.7)
    supervisor: RoleSettings = RoleSettings(
        model="understudy-supervisor", temperature=0.0, max_tokens=4000
    )
    judge: RoleSettings = RoleSettings(model="understudy-judge", temperature=0.0, max_tokens=600)
    caster: RoleSettings | None = None
    """Writes personas where `campaign.casting.by` is `model`, and is nobody otherwise."""

    def __iter__(self) -> TupleGenerator:
        """Yield (name, settings) of the roles that somebody plays."""
        yield from ((name, role) for name, role in super().__iter__() if role is not None)


CASTER = RoleSettings(model="understudy-caster", temperature=1.0, max_tokens=2000)
"""What the caster is where it is needed and the run file says no more."""
