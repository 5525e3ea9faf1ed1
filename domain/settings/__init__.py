"""The run file: one frozen tree that says everything a run does, a module to each part of it.

Read from YAML by `rehearsal.runfile`; every default stands in this folder.
"""

from __future__ import annotations

from domain.settings.budget import BudgetSettings
from domain.settings.campaign import UNHASHED, CampaignSettings, DiscriminatorSettings
from domain.settings.corpus import (
    BlendSettings,
    ColumnUse,
    CompareSettings,
    CorpusSettings,
    ReadingSettings,
    Stratum,
)
from domain.settings.endpoint import EMBEDDED, EndpointSettings
from domain.settings.engine import EngineSettings
from domain.settings.evaluation import (
    AdversarialSettings,
    CandidateName,
    EvaluationSettings,
    HostedSettings,
    PairwiseSettings,
    PanelSettings,
    SessionsSettings,
)
from domain.settings.roles import CASTER, RoleSettings, RolesSettings
from domain.settings.run import Settings
from domain.settings.training import (
    TINY,
    LoraSettings,
    PreferenceSettings,
    TrackerName,
    TrainingSettings,
    Variant,
)

__all__ = [
    "CASTER",
    "EMBEDDED",
    "TINY",
    "UNHASHED",
    "AdversarialSettings",
    "BlendSettings",
    "BudgetSettings",
    "CampaignSettings",
    "CandidateName",
    "ColumnUse",
    "CompareSettings",
    "CorpusSettings",
    "DiscriminatorSettings",
    "EndpointSettings",
    "EngineSettings",
    "EvaluationSettings",
    "HostedSettings",
    "LoraSettings",
    "PairwiseSettings",
    "PanelSettings",
    "PreferenceSettings",
    "ReadingSettings",
    "RoleSettings",
    "RolesSettings",
    "SessionsSettings",
    "Settings",
    "Stratum",
    "TrackerName",
    "TrainingSettings",
    "Variant",
]
