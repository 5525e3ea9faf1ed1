"""What a graph's nodes are given at run time: the pack, the models, the limits.

Models arrive here and never through a global; a context is built inside the worker that uses it.
Live objects are left out of the JSON schema that LangGraph's tools ask for.
"""

from dataclasses import dataclass

from pydantic import InstanceOf
from pydantic.json_schema import SkipJsonSchema

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


@dataclass(frozen=True)
class JudgeContext:
    """For rating an answer on `criteria`, which are names of the pack's rubrics."""

    pack: SkipJsonSchema[InstanceOf[Pack]]
    criteria: tuple[str, ...]
    judge: SkipJsonSchema[InstanceOf[RoleModel]]
    seed: int
