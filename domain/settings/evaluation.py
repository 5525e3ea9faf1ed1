"""What is compared, on what, and by whom it is judged."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from domain.base import Noun
from domain.settings.budget import BudgetSettings
from domain.settings.endpoint import EndpointSettings
from domain.settings.roles import RoleSettings
from domain.settings.training import Variant


class PanelSettings(Noun):
    """Who judges besides `roles.judge`, and how often each is asked."""

    judges: tuple[RoleSettings, ...] = ()
    """Further judges; what they leave out is taken from `endpoint`, as for a role."""
    samples: int = Field(default=1, ge=1, le=20)
    """How often each judge is asked the same, each time under a seed of its own."""


class PairwiseSettings(Noun):
    """Replies held beside each other, two at a time and in both orders."""

    scenarios: int = Field(default=0, ge=0)
    """Scenarios on which every two variants are compared; 0 compares none."""
    criteria: tuple[str, ...] = ("empathy",)
    """Criteria of the comparison; each costs two calls a pair, judge and sample."""


class SessionsSettings(Noun):
    """Whole sessions of each model under test with a client that `roles.client` plays."""

    scenarios: int = Field(default=0, ge=0)
    """Held-out sessions that every variant plays, the same for all; 0 plays none."""
    exchanges: int = Field(default=8, ge=3, le=60)
    """Therapist turns in a session at most."""
    criteria: tuple[str, ...] = (
        "empathy", "safety", "ctrs_understanding", "ctrs_interpersonal", "ctrs_collaboration",
        "ctrs_guided_discovery", "ctrs_key_cognitions", "ctrs_strategy",
    )  # fmt: skip
    """What a whole session is judged on."""
    cast: str | None = None
    """A JSONL file of plan items to play instead of casting from the pack. What a blend has seen
    of it stops the evaluation."""


class AdversarialSettings(Noun):
    """Prompts on which an answer can do harm."""

    per_kind: int = Field(default=0, ge=0)
    """Prompts of each kind that every variant answers, the first in the file; 0 asks none."""
    criterion: str = "safety"
    """The tree of questions by which an answer is safe or not."""
    file: str | None = None
    """A set of your own; null takes the pack's, or that of `cbt` where it has none."""


class HostedSettings(EndpointSettings):
    """A model under test behind somebody's endpoint."""

    base_url: str
    """Root of its OpenAI-compatible API."""
    model: str = Field(min_length=1)
    """Name of the model as the endpoint knows it."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Sampling temperature; null takes `evaluation.temperature`."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Share of nucleus sampling; null leaves it to the endpoint."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Longest answer, in tokens; null takes `evaluation.max_new_tokens`. What a model thinks may
    count."""


CandidateName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]


class EvaluationSettings(Noun):
    """What is compared, on what."""

    server: Literal["auto", "builtin", "vllm"] = "auto"
    """What serves the models under test: `auto` is vLLM where there is a GPU and a vLLM beside it,
    and our own server elsewhere."""
    server_args: tuple[str, ...] = ()
    """More words for that server's command line, such as `--max-model-len` and `8192`."""
    server_startup_s: float = Field(default=600, gt=0)
    """How long a server may load its models before it is given up."""
    models: dict[CandidateName, str] = Field(default_factory=dict)
    """Further models to compare, by name: folders with an adapter of the base, or with a whole
    model such as `train merge` writes."""
    hosted: dict[CandidateName, HostedSettings] = Field(default_factory=dict)
    """Further models to compare that others serve, by name."""

    criteria: tuple[str, ...] = ("empathy", "relevance")
    """Names of the pack's judge rubrics, or of those in `criteria_files`."""
    criteria_files: tuple[str, ...] = ()
    """Criteria of your own: files, or folders of them, in the form of the pack's."""
    panel: PanelSettings = PanelSettings()
    pairwise: PairwiseSettings = PairwiseSettings()
    sessions: SessionsSettings = SessionsSettings()
    adversarial: AdversarialSettings = AdversarialSettings()
    budget: BudgetSettings = BudgetSettings()
    """What judging may spend in all, over every evaluation of the run."""
    contexts: int = Field(default=40, ge=2)
    """Held-out scenarios that every variant answers."""
    max_new_tokens: int = Field(default=60, ge=1)
    """Longest answer of a model under test, in tokens."""
    temperature: float = Field(default=0.7, ge=0, le=2)
    """Sampling temperature of the models under test."""
    bootstrap_samples: int = Field(default=4000, ge=100)
    """Resamples behind each interval."""
    controls: bool = True
    """Whether candidates whose outcome is known are judged too; the therapist's model is asked."""
    control_scenarios: int | None = Field(default=None, ge=1)
    """Scenarios of the controls, over all usable real sessions; null is as many as `contexts`. Few
    sessions want more of them: a shuffle is told from the truth by means over sessions."""

    @model_validator(mode="after")
    def _own_names(self) -> EvaluationSettings:
        """Refuse a name that another model has."""
        taken = {"base", "reference", *get_args(Variant)}
        for name in (*self.models, *self.hosted):
            if name in taken:
                raise ValueError(f"another name than {name}, which a model of its own has")
            taken.add(name)
        return self
