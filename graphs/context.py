"""What a graph's nodes are given at run time: the pack, the models, the limits.

Models arrive here and never through a global; a context is built inside the worker that uses it.
Live objects are left out of the JSON schema that LangGraph's tools ask for.
"""

from dataclasses import dataclass

from pydantic import InstanceOf
from pydantic.json_schema import SkipJsonSchema

from agents.criteria import Criterion
from agents.llm import RoleModel
from agents.pack import Pack
from domain.settings import CampaignSettings


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


@dataclass(frozen=True)
class JudgeContext:
    """For ruling on cases, which name criteria by key and judges by their place."""

    pack: SkipJsonSchema[InstanceOf[Pack]]
    criteria: SkipJsonSchema[dict[str, InstanceOf[Criterion]]]
    judges: SkipJsonSchema[tuple[InstanceOf[RoleModel], ...]]
    seed: int
