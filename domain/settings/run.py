"""A whole run: the tree that the run file is read into, and its defaults handed down."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from domain.base import Noun, canonical_json, content_id
from domain.price import Price
from domain.settings.campaign import UNHASHED, CampaignSettings
from domain.settings.corpus import CorpusSettings
from domain.settings.endpoint import EndpointSettings
from domain.settings.engine import EngineSettings
from domain.settings.evaluation import EvaluationSettings
from domain.settings.roles import CASTER, RolesSettings
from domain.settings.training import TrainingSettings


class Settings(Noun):
    """A whole run.

    Keys under `endpoint` are the defaults of every role; a role may set its own.
    """

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="at most 64 of a to z, A to Z, 0 to 9, dots, dashes and underscores, the first "
        "a letter or a digit",
    )
    """Names the run and its folder; the file's own name where it is left out."""
    seed: int = Field(default=7, ge=0, lt=2**31)
    """All that is drawn derives from it: the same seed gives the same bytes."""
    pack: str = "cbt"
    """The domain pack: prompts, rubrics and taxonomies."""
    endpoint: EndpointSettings = EndpointSettings()
    roles: RolesSettings = RolesSettings()
    engine: EngineSettings = EngineSettings()
    campaign: CampaignSettings = CampaignSettings()
    prices: dict[str, Price] = Field(default_factory=dict)
    """US dollars for a million tokens by model, before those of `engine/spending/prices.yaml`."""
    corpus: CorpusSettings = CorpusSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    @model_validator(mode="before")
    @classmethod
    def _spread_endpoint(cls, data: Any) -> Any:  # noqa: ANN401 - raw input
        """Give every role the endpoint's keys that it does not set, and its default model."""
        if not isinstance(data, dict):
            return data
        endpoint, roles = data.get("endpoint") or {}, data.get("roles") or {}
        if not isinstance(endpoint, dict) or not isinstance(roles, dict):
            return data
        filled = dict(roles)
        for name, field in RolesSettings.model_fields.items():
            own, default = roles.get(name), field.default
            if default is None and (own is not None or _casts_by_model(data)):
                default = CASTER
            if default is not None and (own is None or isinstance(own, dict)):
                defaults = default.model_dump(exclude_unset=True)
                filled[name] = {**defaults, **endpoint, **(own or {})}
        return {**_with_panel(data, endpoint), "roles": filled}

    def campaign_hash(self) -> str:
        """Hash of what a session's bytes depend on: not the addresses, workers or budget."""
        moved = set(EndpointSettings.model_fields)
        parts = {
            "seed": self.seed,
            "pack": self.pack,
            "roles": {
                name: role.model_dump(mode="json", exclude=moved)
                for name, role in self.roles
                if name != "judge"
            },
            "campaign": self.campaign.model_dump(mode="json", exclude=set(UNHASHED)),
        }
        return content_id("config", parts)

    def to_bytes(self) -> bytes:
        """The effective settings as canonical JSON."""
        return canonical_json(self)


def _casts_by_model(data: dict[str, Any]) -> bool:
    """Whether raw settings ask for personas that a model writes."""
    campaign = data.get("campaign")
    casting = campaign.get("casting") if isinstance(campaign, dict) else None
    if isinstance(campaign, CampaignSettings):
        return campaign.casting.by == "model"
    return isinstance(casting, dict) and casting.get("by") == "model"


def _with_panel(data: dict[str, Any], endpoint: dict[str, Any]) -> dict[str, Any]:
    """Give every judge of the panel the endpoint's keys that it does not set."""
    evaluation = data.get("evaluation")
    if not isinstance(evaluation, dict) or not isinstance(evaluation.get("panel"), dict):
        return data
    panel: dict[str, Any] = evaluation["panel"]
    judges = panel.get("judges")
    if not isinstance(judges, list | tuple):
        return data
    filled = [{**endpoint, **one} if isinstance(one, dict) else one for one in judges]
    return {**data, "evaluation": {**evaluation, "panel": {**panel, "judges": filled}}}
