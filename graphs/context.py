"""What a graph's nodes are given at run time: the pack, the models, the limits.

Models arrive here and never through a global; a context is built inside the worker that uses it.
Live objects are left out of the JSON schema that LangGraph's tools ask for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pydantic import InstanceOf
from pydantic.json_schema import SkipJsonSchema

from agents.criteria import Criterion
from agents.llm import RoleModel
from agents.pack import Pack
from domain.critique import Telltale
from domain.settings import CampaignSettings
from domain.turn import Turn


@runtime_checkable
class Discriminator(Protocol):
    """Whatever can say what gives a draft away as simulated."""

    def read(self, turns: Sequence[Turn]) -> Telltale | None:
        """Read a draft; None where there is too little to say anything."""
        ...


@dataclass(frozen=True)
class PlayContext:
    """For playing and refining a session."""

    pack: SkipJsonSchema[InstanceOf[Pack]]
    settings: CampaignSettings
    client: SkipJsonSchema[InstanceOf[RoleModel]]
    therapist: SkipJsonSchema[InstanceOf[RoleModel]]
    supervisor: SkipJsonSchema[InstanceOf[RoleModel]]
    tested_as: str = ""
    """System prompt of the therapist where it is a model under test; it then gets no plan."""
    discriminator: SkipJsonSchema[InstanceOf[Discriminator] | None] = None


@dataclass(frozen=True)
class JudgeContext:
    """For ruling on cases, which name criteria by key and judges by their place."""

    pack: SkipJsonSchema[InstanceOf[Pack]]
    criteria: SkipJsonSchema[dict[str, InstanceOf[Criterion]]]
    judges: SkipJsonSchema[tuple[InstanceOf[RoleModel], ...]]
    seed: int
